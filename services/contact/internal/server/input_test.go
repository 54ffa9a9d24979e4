package server_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// nested answers an object of the given depth.
func nested(depth int) *structpb.Struct {
	v := structpb.NewStringValue("x")
	for range depth {
		v = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"x": v}})
	}
	return v.GetStructValue()
}

// The rows of the catalogue of bad input that concern a contact: each is refused,
// names its field, and leaves nothing behind.
func testCreateContact_badInput(t *testing.T, s *testkit.Suite) {
	labels := map[string]string{}
	for n := range 65 {
		labels[fmt.Sprint("l", n)] = "x"
	}
	cases := map[string]struct {
		contact       *contactv1.Contact
		field, reason string
	}{
		"B06 NUL":             {&contactv1.Contact{Kind: person, DisplayName: "a\x00b"}, "contact.display_name", "INVALID_TEXT"},
		"B06 escape":          {&contactv1.Contact{Kind: person, DisplayName: "a\x1bb"}, "contact.display_name", "INVALID_TEXT"},
		"B06 noncharacter":    {&contactv1.Contact{Kind: person, DisplayName: "a\ufffeb"}, "contact.display_name", "INVALID_TEXT"},
		"B06 line feed":       {&contactv1.Contact{Kind: person, GivenName: "a\nb"}, "contact.given_name", "INVALID_TEXT"},
		"B07 override":        {&contactv1.Contact{Kind: person, DisplayName: "a\u202eb"}, "contact.display_name", "INVALID_TEXT"},
		"B07 10 k marks":      {&contactv1.Contact{Kind: person, DisplayName: "a" + strings.Repeat("\u0301", 10_000)}, "contact.display_name", ""},
		"B07 100 marks":       {&contactv1.Contact{Kind: person, DisplayName: "a" + strings.Repeat("\u0301", 100)}, "contact.display_name", "INVALID_TEXT"},
		"B22 no kind":         {&contactv1.Contact{DisplayName: "x"}, "contact.kind", ""},
		"B22 unknown kind":    {&contactv1.Contact{Kind: 99, DisplayName: "x"}, "contact.kind", ""},
		"B22 unknown role":    {&contactv1.Contact{Kind: person, DisplayName: "x", Roles: []*contactv1.Role{{Kind: 77}}}, "contact.roles[0].kind", ""},
		"B23 labels":          {&contactv1.Contact{Kind: person, DisplayName: "x", Labels: labels}, "contact.labels", ""},
		"B23 depth":           {&contactv1.Contact{Kind: person, DisplayName: "x", CustomFields: nested(9)}, "contact.custom_fields", ""},
		"B23 size":            {&contactv1.Contact{Kind: person, DisplayName: "x", CustomFields: &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStringValue(strings.Repeat("x", 70_000))}}}, "contact.custom_fields", ""},
		"B32 quoted":          {holding("x", email, `"a b"@example.com`), "contact.identifiers[0].value", "EMAIL_INVALID"},
		"B32 literal":         {holding("x", email, "a@[127.0.0.1]"), "contact.identifiers[0].value", "EMAIL_INVALID"},
		"B32 400 characters":  {holding("x", email, strings.Repeat("a", 390)+"@b.example"), "contact.identifiers[0].value", ""},
		"B32 two at signs":    {holding("x", email, "a@b@c.example"), "contact.identifiers[0].value", "EMAIL_INVALID"},
		"B32 CRLF":            {holding("x", email, "a@b.example\r\nBcc: c@d.example"), "contact.identifiers[0].value", "INVALID_TEXT"},
		"B32 display name":    {holding("x", email, "Boss <a@b.example>"), "contact.identifiers[0].value", "EMAIL_INVALID"},
		"not a number":        {holding("x", phone, "call me"), "contact.identifiers[0].value", "PHONE_INVALID"},
		"not a page":          {holding("x", contactv1.IdentifierKind_IDENTIFIER_KIND_WEB, "javascript:alert(1)"), "contact.identifiers[0].value", "URL_INVALID"},
		"no such country":     {&contactv1.Contact{Kind: person, DisplayName: "x", RegionCode: "ZZ"}, "contact.region_code", "REGION_INVALID"},
		"no such language":    {&contactv1.Contact{Kind: person, DisplayName: "x", LanguageCode: "indonesian"}, "contact.language_code", "LANGUAGE_INVALID"},
		"no such date":        {&contactv1.Contact{Kind: person, DisplayName: "x", Birthday: &date.Date{Year: 2021, Month: 2, Day: 29}}, "contact.birthday", ""},
		"B20 no such zone":    {&contactv1.Contact{Kind: person, DisplayName: "x", Preference: &contactv1.ContactPreference{TimeZone: "posixrules"}}, "contact.preference.time_zone", "TIME_ZONE_UNKNOWN"},
		"no such hour":        {&contactv1.Contact{Kind: person, DisplayName: "x", Preference: &contactv1.ContactPreference{Hours: "25:00-26:00"}}, "contact.preference.hours", ""},
		"no name":             {&contactv1.Contact{Kind: person, DisplayName: " \u200b "}, "contact.display_name", ""},
		"no external id":      {&contactv1.Contact{Kind: person, DisplayName: "x", ExternalIds: map[string]string{"SAP!": "1"}}, `contact.external_ids["SAP!"]`, ""},
		"identifier repeated": {&contactv1.Contact{Kind: person, DisplayName: "x", Identifiers: []*contactv1.Identifier{{Kind: card, Value: "1 2"}, {Kind: card, Value: "12"}}}, "contact.identifiers[1].value", "IDENTIFIER_REPEATED"},
	}
	both(t, s, nil, func(t *testing.T, a, other *api) {
		for name, bad := range cases {
			t.Log(name)
			_, err := a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: bad.contact})
			violates(t, err, bad.field, bad.reason)
		}
		if list := must(a.ListContacts(a.Ctx(), &contactv1.ListContactsRequest{}))(t); len(list.GetContacts()) != 0 {
			t.Errorf("refused, but %v are listed", names(list.GetContacts()))
		}
	})
}

// B07, B08: one form for spellings of the same, two contacts for look-alikes, and
// a flag where one may pass for the other.
func testCreateContact_oneForm(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"B07", "B08"}, func(t *testing.T, a, other *api) {
		got := a.create(t, &contactv1.Contact{Kind: person, DisplayName: " Jose\u0301 \u200b🍜  Santos "})
		if got.GetDisplayName() != "José 🍜 Santos" {
			t.Errorf("named %q", got.GetDisplayName())
		}
		latin, cyrillic := a.holder(t, "A", email, "admin@example.com"), a.holder(t, "B", email, "аdmin@example.com")
		if flags := cyrillic.GetIdentifiers()[0].GetFlags(); len(flags) != 2 || flags[1] != "mixed-script" {
			t.Errorf("a look-alike is flagged %v", flags)
		}
		found := must(a.LookupContact(a.Ctx(), &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Email{Email: "ADMIN@example.com"}}))(t)
		if len(found.GetContacts()) != 1 || found.GetContacts()[0].GetName() != latin.GetName() {
			t.Errorf("found %v", names(found.GetContacts()))
		}
		idn := a.holder(t, "C", email, "info@MÜNCHEN.example")
		if got := idn.GetIdentifiers()[0].GetValue(); got != "info@münchen.example" {
			t.Errorf("the domain became %q", got)
		}
	})
}

// B16: names that are none, and names that are somebody else's.
func testGetContact_badNames(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		id := entity.NewID().String()
		for _, name := range []string{
			"contacts/" + strings.ToUpper(id), "contacts/{" + id + "}", "contacts/x", "contacts/C-000001", "leads/" + id, "contacts/" + strings.Repeat("a", 10_000),
		} {
			_, err := a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: name})
			if a.Transport == testkit.OverREST {
				continue // what no route takes is for the gateway's own tests
			}
			refused(t, err, codes.InvalidArgument, "")
		}
		_, err := a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: "contacts/" + id})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// B24: a request id means one request.
func testCreateContact_requestID(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		create := func(a *api, name string) (*contactv1.Contact, error) {
			return a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: name}, RequestId: "r"})
		}
		first := must(create(a, "Siti"))(t)
		if again := must(create(a, "Siti"))(t); again.GetName() != first.GetName() {
			t.Errorf("repeated: %v", again)
		}
		_, err := create(a, "Budi")
		refused(t, err, codes.InvalidArgument, "IDEMPOTENCY_KEY_REUSED")
		if theirs := must(create(other, "Siti"))(t); theirs.GetName() == first.GetName() {
			t.Error("another tenant got the same answer")
		}
		i := &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{Contact: first.GetName(), Channel: byPhone, Direction: inbound, Title: "Call"}, RequestId: "r"}
		one, two := must(a.RecordInteraction(a.Ctx(), i))(t), must(a.RecordInteraction(a.Ctx(), i))(t)
		if one.GetName() != two.GetName() || len(a.titles(t, &contactv1.ListInteractionsRequest{})) != 1 {
			t.Errorf("recorded twice: %v, %v", one, two)
		}
	})
}

// CON-29. Who may call: those who meet customers write, analysts read, nobody else does.
func testPolicy(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-29")
	admin, _ := fresh(t, s)
	siti := admin.named(t, "Siti")
	for role, may := range map[auth.Role]struct{ read, write bool }{
		auth.Admin: {true, true}, auth.Manager: {true, true}, auth.Sales: {true, true}, auth.Agent: {true, true}, auth.Marketer: {true, true},
		auth.Analyst: {true, false}, auth.Operator: {false, false},
	} {
		a := of(s.Client(t, s.User(admin.Caller.Tenant, "ann", role)))
		_, read := a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName()})
		_, write := a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: "x"}})
		for call, got := range map[string]struct {
			err error
			may bool
		}{"read": {read, may.read}, "write": {write, may.write}} {
			if !got.may {
				refused(t, got.err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
			} else if got.err != nil {
				t.Errorf("%s may not %s: %v", role, call, got.err)
			}
		}
	}
	nobody := of(s.Client(t, auth.Caller{}))
	_, err := nobody.GetContact(nobody.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName()})
	refused(t, err, codes.Unauthenticated, "")
}
