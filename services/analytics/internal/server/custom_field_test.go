package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CON-10, CON-27, CON-48: the view says what the tenant's own fields are called, in the
// language that was asked for, and what they hold; as they were known at the instant.
func testCustomFields(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-10", "CON-27", "CON-48"}, func(t *testing.T, a *api) {
		fields := contactv1.NewCustomFieldServiceClient(noting{a.Conn, a.written})
		mine := "_" + map[string]string{testkit.GRPC: "g", testkit.OverREST: "r"}[a.Transport]
		add := func(f *contactv1.CustomField) *contactv1.CustomField {
			t.Helper()
			f.Key += mine
			return must(fields.CreateCustomField(a.Ctx(), &contactv1.CreateCustomFieldRequest{CustomField: f}))(t)
		}
		tier := add(&contactv1.CustomField{
			Resource: "contacts", Key: "tier", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_CHOICE,
			DisplayNames: map[string]string{"en": "Tier", "id": "Tingkat"},
			Options:      []*contactv1.CustomFieldOption{{Value: "silver"}, {Value: "gold", DisplayNames: map[string]string{"id": "emas"}}},
		})
		since := add(&contactv1.CustomField{
			Resource: "contacts", Key: "since", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_DATE, DisplayNames: map[string]string{"id": "Sejak"},
		})
		add(&contactv1.CustomField{ // for companies
			Resource: "contacts", Key: "seats", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER, DisplayNames: map[string]string{"en": "Seats"},
			Kinds: []contactv1.ContactKind{contactv1.ContactKind_CONTACT_KIND_ORGANISATION},
		})
		add(&contactv1.CustomField{ // of leads
			Resource: "leads", Key: "budget", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER, DisplayNames: map[string]string{"en": "Budget"},
		})
		c := must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Ani", Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER}},
			CustomFields: must(structpb.NewStruct(map[string]any{tier.GetKey(): "gold"}))(t),
		}}))(t)

		shown := func(req *analyticsv1.GetCustomerViewRequest) *analyticsv1.CustomFieldSection {
			t.Helper()
			a.settle(t, number(c))
			req.Name, req.Sections = number(c), []analyticsv1.Section{analyticsv1.Section_SECTION_CUSTOM_FIELDS}
			v := must(a.GetCustomerView(a.Ctx(), req))(t)
			if v.GetCustomer().GetCustomFields().GetFields()[tier.GetKey()].GetStringValue() != "gold" {
				t.Errorf("the profile is %v", v.GetCustomer())
			}
			return v.GetCustomFieldLabels()
		}
		labels := func(section *analyticsv1.CustomFieldSection) []string {
			said := []string{}
			for _, l := range section.GetItems() {
				switch key := l.GetKey(); {
				case key == tier.GetKey() || key == since.GetKey():
					said = append(said, fmt.Sprint(l.GetDisplayName(), " ", l.GetType(), " ", l.GetOptionNames()))
				case strings.HasSuffix(key, mine): // the others are of the other transport
					t.Errorf("a person's view names %v", l)
				}
			}
			return said
		}
		for language, want := range map[string][]string{
			"":      {"Sejak CUSTOM_FIELD_TYPE_DATE map[]", "Tier CUSTOM_FIELD_TYPE_CHOICE map[gold:emas]"},
			"id-ID": {"Sejak CUSTOM_FIELD_TYPE_DATE map[]", "Tingkat CUSTOM_FIELD_TYPE_CHOICE map[gold:emas]"},
			"de":    {"Sejak CUSTOM_FIELD_TYPE_DATE map[]", "Tier CUSTOM_FIELD_TYPE_CHOICE map[gold:emas]"},
		} {
			section := shown(&analyticsv1.GetCustomerViewRequest{LanguageCode: language})
			if got := labels(section); !slices.Equal(got, want) || section.GetStatus().GetState() != analyticsv1.SectionState_SECTION_STATE_OK {
				t.Errorf("in %q they are called %q, want %q: %v", language, got, want, section.GetStatus())
			}
		}
		before := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)}))(t).GetAsOf()

		must(fields.DeleteCustomField(a.Ctx(), &contactv1.DeleteCustomFieldRequest{Name: since.GetName()}))(t)
		must(fields.UpdateCustomField(a.Ctx(), &contactv1.UpdateCustomFieldRequest{
			CustomField: &contactv1.CustomField{Name: tier.GetName(), DisplayNames: map[string]string{"en": "Level"}},
			UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"display_names"}},
		}))(t)
		if got, want := labels(shown(&analyticsv1.GetCustomerViewRequest{LanguageCode: "id"})), []string{"Level CUSTOM_FIELD_TYPE_CHOICE map[gold:emas]"}; !slices.Equal(got, want) {
			t.Errorf("after a change they are called %q, want %q", got, want)
		}
		if got := labels(shown(&analyticsv1.GetCustomerViewRequest{AsOf: timestamppb.New(before.AsTime())})); len(got) != 2 {
			t.Errorf("before it they were called %q", got)
		}
		_, err := a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), LanguageCode: "no language"})
		refused(t, "a language", err, codes.InvalidArgument, "FIELD_INVALID")
		other := a.other()
		if got := other.customer(t, "of another tenant"); len(other.view(t, number(got)).GetCustomFieldLabels().GetItems()) != 0 {
			t.Error("another tenant's view names fields")
		}
	})
}
