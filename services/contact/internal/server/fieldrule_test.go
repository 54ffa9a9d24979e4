package server_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// CON-29, CON-44: everybody reads the same record, and a field that one role sees and
// another does not is a rule of the tenant, on record with its reason.
func testFieldRules(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-29", "CON-44"}, func(t *testing.T, admin, other *api) {
		made := must(admin.CreateContact(admin.Ctx(), &contactv1.CreateContactRequest{Contact: secretive()}))(t)
		theirs := must(other.CreateContact(other.Ctx(), &contactv1.CreateContactRequest{Contact: secretive()}))(t)
		seller := of(admin.As(s.User(admin.Caller.Tenant, "sari", auth.Sales, auth.Marketer)))
		manager := of(admin.As(s.User(admin.Caller.Tenant, "made", auth.Manager)))
		if got := must(seller.GetContact(seller.Ctx(), &contactv1.GetContactRequest{Name: made.GetName()}))(t); got.GetBirthday() == nil {
			t.Fatalf("without a rule the seller sees %v", got)
		}

		rules := platformv1.NewFieldRuleServiceClient(admin.Conn)
		for _, field := range []string{"birthday", "region_code", "custom_fields.salary"} {
			must(rules.CreateFieldRule(admin.Ctx(), &platformv1.CreateFieldRuleRequest{FieldRule: &platformv1.FieldRule{
				ResourceType: "lingkar.dev/Contact", Field: field, Reason: "Works council, 12 May.",
				Readers: []string{"roles/manager", "roles/analyst"}, Writers: []string{"roles/manager"},
			}}))(t)
		}
		until(t, "the rules to hold", func() bool {
			got := must(seller.GetContact(seller.Ctx(), &contactv1.GetContactRequest{Name: made.GetName()}))(t)
			return got.GetBirthday() == nil && got.GetRegionCode() == "" && got.GetCustomFields().GetFields()["salary"] == nil
		})
		fieldsAreHidden(t, seller, made)
		fieldsAreKept(t, seller, made)

		all := must(manager.GetContact(manager.Ctx(), &contactv1.GetContactRequest{Name: made.GetName()}))(t)
		if all.GetBirthday() == nil || all.GetRegionCode() == "" || all.GetCustomFields().GetFields()["salary"] == nil {
			t.Errorf("the manager sees %v", all)
		}
		must(manager.UpdateContact(manager.Ctx(), &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: made.GetName(), Birthday: &date.Date{Year: 1991, Month: 1, Day: 1}}, UpdateMask: mask("birthday"),
		}))(t)
		ana := of(admin.As(s.User(admin.Caller.Tenant, "ana", auth.Analyst)))
		if got := must(ana.GetContact(ana.Ctx(), &contactv1.GetContactRequest{Name: made.GetName()}))(t); got.GetBirthday().GetYear() != 1991 {
			t.Errorf("the analyst sees %v", got)
		}
		stranger := of(other.As(s.User(other.Caller.Tenant, "siti", auth.Sales)))
		if got := must(stranger.GetContact(stranger.Ctx(), &contactv1.GetContactRequest{Name: theirs.GetName()}))(t); got.GetBirthday() == nil {
			t.Errorf("another tenant's seller sees %v", got)
		}
		wholeIsRefused(t, admin, manager, made)
	})
}

func secretive() *contactv1.Contact {
	custom, err := structpb.NewStruct(map[string]any{"salary": 7_000_000, "hobby": "batik"})
	if err != nil {
		panic(err)
	}
	return &contactv1.Contact{
		Kind: person, GivenName: "Dewi", FamilyName: "Lestari", RegionCode: "ID", LanguageCode: "id",
		Birthday: &date.Date{Year: 1990, Month: 5, Day: 17}, CustomFields: custom,
	}
}

// fieldsAreHidden looks for the fields wherever a contact is answered.
func fieldsAreHidden(t *testing.T, seller *api, made *contactv1.Contact) {
	t.Helper()
	listed := must(seller.ListContacts(seller.Ctx(), &contactv1.ListContactsRequest{}))(t).GetContacts()
	batch := must(seller.BatchGetContacts(seller.Ctx(), &contactv1.BatchGetContactsRequest{Names: []string{made.GetName()}}))(t).GetContacts()
	found := must(seller.LookupContact(seller.Ctx(), &contactv1.LookupContactRequest{
		Identifier: &contactv1.LookupContactRequest_CustomerId{CustomerId: made.GetCustomerId()},
	}))(t).GetContacts()
	for _, c := range slices.Concat(listed, batch, found) {
		if c.GetBirthday() != nil || c.GetRegionCode() != "" || c.GetCustomFields().GetFields()["salary"] != nil {
			t.Errorf("the seller sees %v", c)
		}
		if c.GetGivenName() != "Dewi" || c.GetCustomFields().GetFields()["hobby"] == nil {
			t.Errorf("the seller does not see the rest: %v", c)
		}
	}
	for _, req := range map[string]*contactv1.ListContactsRequest{
		"filter": {Filter: `kind = PERSON AND NOT region_code = "ID"`},
		"order":  {OrderBy: "region_code, create_time"},
	} {
		_, err := seller.ListContacts(seller.Ctx(), req)
		refused(t, err, codes.PermissionDenied, "FIELD_HIDDEN")
	}
}

// fieldsAreKept tries to change the fields as somebody who may not.
func fieldsAreKept(t *testing.T, seller *api, made *contactv1.Contact) {
	t.Helper()
	changed := &contactv1.Contact{Name: made.GetName(), Kind: person, Note: "likes tea", Birthday: &date.Date{Year: 1980, Month: 1, Day: 1}}
	for _, paths := range map[string]*fieldmaskpb.FieldMask{
		"by its name": mask("birthday"), "with all others": mask("*"), "without a mask": nil, "with what it stands in": mask("custom_fields"),
	} {
		_, err := seller.UpdateContact(seller.Ctx(), &contactv1.UpdateContactRequest{Contact: changed, UpdateMask: paths})
		refused(t, err, codes.PermissionDenied, "FIELD_READ_ONLY")
	}
	got := must(seller.UpdateContact(seller.Ctx(), &contactv1.UpdateContactRequest{Contact: changed, UpdateMask: mask("note")}))(t)
	if got.GetNote() != "likes tea" || got.GetBirthday() != nil {
		t.Errorf("changed into %v", got)
	}
	_, err := seller.CreateContact(seller.Ctx(), &contactv1.CreateContactRequest{Contact: secretive(), AllowDuplicates: true})
	refused(t, err, codes.PermissionDenied, "FIELD_READ_ONLY")
	must(seller.CreateContact(seller.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, GivenName: "Dewi"}}))(t)
}

// wholeIsRefused tries what cannot leave fields out: the copy of a person's data, and a
// file that may write any field.
func wholeIsRefused(t *testing.T, admin, manager *api, made *contactv1.Contact) {
	t.Helper()
	privacy := contactv1.NewPrivacyServiceClient(manager.Conn)
	must(privacy.ExportContactData(manager.Ctx(), &contactv1.ExportContactDataRequest{Name: made.GetName(), Format: contactv1.DataFormat_DATA_FORMAT_JSON}))(t)
	must(platformv1.NewFieldRuleServiceClient(admin.Conn).CreateFieldRule(admin.Ctx(), &platformv1.CreateFieldRuleRequest{
		FieldRule: &platformv1.FieldRule{ResourceType: "lingkar.dev/Contact", Field: "note", Reason: "Notes are the analysts'.", Readers: []string{"roles/analyst"}},
	}))(t)
	var err error
	until(t, "the copy to be refused", func() bool {
		_, err = privacy.ExportContactData(manager.Ctx(), &contactv1.ExportContactDataRequest{Name: made.GetName(), Format: contactv1.DataFormat_DATA_FORMAT_JSON})
		return err != nil
	})
	refused(t, err, codes.PermissionDenied, "FIELD_HIDDEN")
	if manager.Transport == testkit.GRPC {
		_, err = upload(manager.Ctx(), t, contactv1.NewImportServiceClient(manager.Conn), &bulkv1.Import{Kind: "contacts"}, []byte("name\nDewi\n"))
		refused(t, err, codes.PermissionDenied, "FIELD_HIDDEN")
	}
}

// until waits for something that comes by itself.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
