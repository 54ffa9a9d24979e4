package fieldaccess_test

import (
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const contactType = "lingkar.dev/Contact"

var (
	seller  = auth.Caller{Roles: []auth.Role{auth.Sales, auth.Agent}}
	manager = auth.Caller{Roles: []auth.Role{auth.Sales, auth.Manager}}
	admin   = auth.Caller{Roles: []auth.Role{auth.Admin}}
	service = auth.Caller{Roles: []auth.Role{auth.Service}}
)

func policy() *fieldaccess.Policy {
	managers := []auth.Role{auth.Manager}
	return fieldaccess.NewPolicy([]fieldaccess.Rule{
		{Type: contactType, Field: "birthday", Readers: managers, Writers: managers},
		{Type: contactType, Field: "custom_fields.salary", Readers: managers},
		{Type: contactType, Field: "labels.vip", Readers: managers, Writers: managers},
	})
}

func person(t *testing.T) *contactv1.Contact {
	t.Helper()
	custom, err := structpb.NewStruct(map[string]any{"salary": 1, "hobby": "batik"})
	if err != nil {
		t.Fatal(err)
	}
	return &contactv1.Contact{
		Name: "contacts/1", GivenName: "Dewi", Birthday: &date.Date{Year: 1990}, CustomFields: custom,
		Labels: map[string]string{"vip": "yes", "site": "bdg"},
	}
}

var all = []string{contactType + ".birthday", contactType + ".custom_fields.salary", contactType + ".labels.vip"}

// A record is found wherever in an answer it stands.
func TestPolicy_Hide(t *testing.T) {
	t.Parallel()
	packed, err := anypb.New(&contactv1.ContactCreated{Contact: person(t)})
	if err != nil {
		t.Fatal(err)
	}
	for what, m := range map[string]proto.Message{
		"itself":   person(t),
		"a list":   &contactv1.ListContactsResponse{Contacts: []*contactv1.Contact{person(t), person(t)}},
		"a view":   &analyticsv1.CustomerView{Customer: person(t)},
		"an event": &eventv1.Event{Payload: packed},
	} {
		for who, caller := range map[string]auth.Caller{"manager": manager, "admin": admin, "service": service} {
			same := proto.Clone(m)
			if hidden := policy().Hide(caller, same); hidden != nil || !proto.Equal(same, m) {
				t.Errorf("%s: of the %s are hidden %v", what, who, hidden)
			}
		}
		own := proto.Clone(m)
		if hidden := policy().Hide(seller, own); !slices.Equal(hidden, all) {
			t.Errorf("%s: hidden are %v", what, hidden)
		}
		if again := policy().Hide(seller, own); again != nil {
			t.Errorf("%s: left were %v", what, again)
		}
	}
	left := person(t)
	policy().Hide(seller, left)
	want := person(t)
	want.Birthday = nil
	delete(want.CustomFields.Fields, "salary")
	delete(want.Labels, "vip")
	if !proto.Equal(left, want) {
		t.Errorf("left is %v, want %v", left, want)
	}
	if got := (*fieldaccess.Policy)(nil).Hide(seller, person(t)); got != nil {
		t.Errorf("without rules are hidden %v", got)
	}
}

func TestPolicy_Demand(t *testing.T) {
	t.Parallel()
	answer := (&contactv1.ListContactsResponse{}).ProtoReflect().Descriptor()
	update := func(m *contactv1.Contact, paths ...string) proto.Message {
		r := &contactv1.UpdateContactRequest{Contact: m}
		if paths != nil {
			r.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
		}
		return r
	}
	hobby := &contactv1.Contact{Name: "contacts/1", CustomFields: &structpb.Struct{Fields: map[string]*structpb.Value{"hobby": structpb.NewStringValue("tea")}}}
	for _, test := range []struct {
		what         string
		req          proto.Message
		seller, boss string
	}{
		{"a filter by it", &contactv1.ListContactsRequest{Filter: `kind = PERSON AND NOT (birthday > "1990-01-01" OR given_name = "x")`}, "FIELD_HIDDEN", ""},
		{"a filter by a key", &contactv1.ListContactsRequest{Filter: `labels.vip = "yes"`}, "FIELD_HIDDEN", ""},
		{"a filter by a key in quotes", &contactv1.ListContactsRequest{Filter: `labels."vip" = "yes"`}, "FIELD_HIDDEN", ""},
		{"a filter by all keys", &contactv1.ListContactsRequest{Filter: `labels:*`}, "FIELD_HIDDEN", ""},
		{"a filter by another key", &contactv1.ListContactsRequest{Filter: `labels.site = "bdg"`}, "", ""},
		{"an order by it", &contactv1.ListContactsRequest{OrderBy: "kind desc,  birthday desc"}, "FIELD_HIDDEN", ""},
		{"a filter that is none", &contactv1.ListContactsRequest{Filter: `((`}, "", ""},
		{"a creation with it", &contactv1.CreateContactRequest{Contact: person(t)}, "FIELD_READ_ONLY", "FIELD_READ_ONLY"},
		{"a creation with another key", &contactv1.CreateContactRequest{Contact: hobby}, "", ""},
		{"a batch", &contactv1.BatchCreateContactsRequest{Requests: []*contactv1.CreateContactRequest{{Contact: person(t)}}}, "FIELD_READ_ONLY", "FIELD_READ_ONLY"},
		{"a mask with it", update(&contactv1.Contact{}, "birthday"), "FIELD_READ_ONLY", ""},
		{"a mask of everything", update(&contactv1.Contact{}, "*"), "FIELD_READ_ONLY", "FIELD_READ_ONLY"},
		{"a mask of what it stands in", update(hobby, "custom_fields"), "FIELD_READ_ONLY", "FIELD_READ_ONLY"},
		{"a mask of the key beside it", update(hobby, "custom_fields.hobby"), "", ""},
		{"no mask, what it stands in written", update(hobby), "FIELD_READ_ONLY", "FIELD_READ_ONLY"},
		{"a mask of others, it in the body", update(person(t), "given_name"), "", ""},
	} {
		for who, caller := range map[string]auth.Caller{"seller": seller, "boss": manager, "admin": admin} {
			want := map[string]string{"seller": test.seller, "boss": test.boss}[who]
			if err := policy().Demand(caller, test.req, answer); errs.Reason(err) != want {
				t.Errorf("%s by the %s: %v, want %q", test.what, who, err, want)
			}
		}
	}
}

func TestRule_Check(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule fieldaccess.Rule
		want string
	}{
		{fieldaccess.Rule{Type: contactType, Field: "birthday"}, ""},
		{fieldaccess.Rule{Type: contactType, Field: "custom_fields.salary"}, ""},
		{fieldaccess.Rule{Type: contactType, Field: "birthday.year"}, ""},
		{fieldaccess.Rule{Type: contactType, Field: "birthdate"}, "field"},
		{fieldaccess.Rule{Type: contactType, Field: "custom_fields.a.b"}, "field"},
		{fieldaccess.Rule{Type: contactType, Field: "identifiers.value"}, "field"},
		{fieldaccess.Rule{Type: contactType, Field: "name"}, "field"},
		{fieldaccess.Rule{Type: "lingkar.dev/Tenant", Field: "display_name"}, "resource_type"},
		{fieldaccess.Rule{Type: contactType, Field: "note", Writers: []auth.Role{auth.Sales}}, "writers"},
	} {
		var got string
		if v := test.rule.Check(); len(v) > 0 {
			got = v[0].Field
		}
		if got != test.want {
			t.Errorf("%+v: wrong is %q, want %q", test.rule, got, test.want)
		}
	}
}
