package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// whole is a contact with something in every field that a caller may write.
func whole(t testing.TB) *contactv1.Contact {
	custom, err := structpb.NewStruct(map[string]any{"shoe_size": 42.0, "vip": true, "branches": []any{"JKT", "SUB"}})
	if err != nil {
		t.Fatal(err)
	}
	return &contactv1.Contact{
		Kind: person, DisplayName: "Ibu Siti", GivenName: "Siti", FamilyName: "Nurhaliza",
		OrganisationName: "PT Maju Jaya", JobTitle: "Head of purchasing",
		Birthday: &date.Date{Year: 1990, Month: 4, Day: 12},
		Identifiers: []*contactv1.Identifier{
			{Kind: email, Value: "Siti.N@Example.CO.ID", Label: "work", Primary: true},
			{Kind: email, Value: "root@intranet"},
			{Kind: phone, Value: "0812-3456-7890", Label: "mobile"},
			{Kind: card, Value: "77 12-34"},
			{Kind: device, Value: "IMEI 35-209900-176148-1"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_WEB, Value: "example.co.id/siti"},
		},
		Addresses: []*contactv1.Address{{
			Label: "home", Lines: []string{"Jl. Sudirman  1", "RT 3"}, Locality: "Jakarta", PostalCode: "10220", Country: "Indonesia",
		}},
		Preference: &contactv1.ContactPreference{
			Channel: eventv1.Channel_CHANNEL_CHAT, Hours: "18:00-20:00", TimeZone: "Asia/Jakarta", Place: "branch Sudirman",
		},
		Roles: []*contactv1.Role{{
			Kind: customer, StartTime: timestamppb.New(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)),
		}},
		LanguageCode: "ID_id", RegionCode: "ID", Note: "  Likes\n\tdurian.  ", NoThirdPartySharing: true,
		Owner: "users/budi", Team: "teams/0190a000-0000-7000-8000-0000000000aa", Source: "trade-fair",
		ExternalIds: map[string]string{"sap": "4711"}, Labels: map[string]string{"tier": "gold"}, CustomFields: custom,
	}
}

// Towards CON-10, CON-46 and CON-47: all that a contact keeps comes back in form.
func testCreateContact(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-48"}, func(t *testing.T, a, other *api) {
		created := a.create(t, whole(t))
		want := whole(t)
		want.Name, want.CustomerId, want.Etag = created.GetName(), "C-000001", created.GetEtag()
		want.CreateTime, want.UpdateTime = created.GetCreateTime(), created.GetCreateTime()
		want.Note, want.LanguageCode = "Likes\n\tdurian.", "id-ID"
		want.Addresses[0].Lines[0], want.Addresses[0].RegionCode = "Jl. Sudirman 1", "ID"
		want.Identifiers[0].Value = "Siti.N@example.co.id"
		want.Identifiers[1].Flags = []string{"dotless-domain"}
		want.Identifiers[2].Value = "+6281234567890"
		want.Identifiers[5].Value = "https://example.co.id/siti"
		want.AllowedActions = []string{"UpdateContact", "DeleteContact", "AssignRole", "EraseContact", "RestrictContact", "MergeContacts", "ReviseRole", "EndRole"}
		if !proto.Equal(created, want) {
			t.Errorf("created\n%v\nwant\n%v", created, want)
		}
		got := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: created.GetName()}))(t)
		if !proto.Equal(got, created) {
			t.Errorf("read\n%v\ncreated\n%v", got, created)
		}
		_, err := other.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: created.GetName()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")

		short := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: created.GetName(), ReadMask: mask("name", "customer_id")}))(t)
		if !proto.Equal(short, &contactv1.Contact{Name: created.GetName(), CustomerId: created.GetCustomerId()}) {
			t.Errorf("by mask: %v", short)
		}
		if dry := must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: "Dry"}, ValidateOnly: true}))(t); dry.GetDisplayName() != "Dry" {
			t.Errorf("checked only: %v", dry)
		}
		if list := must(a.ListContacts(a.Ctx(), &contactv1.ListContactsRequest{}))(t); len(list.GetContacts()) != 1 {
			t.Errorf("listed %v", names(list.GetContacts()))
		}
	})
}

// Towards CON-25 and A14: a new tenant starts at C-000001, and no number is given twice.
func testCreateContact_numbersEachTenant(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		seen := map[string]bool{}
		for n := range 70 { // more than a block
			id := a.named(t, fmt.Sprint("P", n)).GetCustomerId()
			if seen[id] {
				t.Fatalf("%s was given twice", id)
			}
			seen[id] = true
		}
		if !seen["C-000001"] || !seen["C-000070"] {
			t.Errorf("numbers %v", seen)
		}
		if id := other.named(t, "Q").GetCustomerId(); id != "C-000001" {
			t.Errorf("another tenant starts at %s", id)
		}
	})
}

func testUpdateContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		was := a.create(t, &contactv1.Contact{Kind: person, GivenName: "Siti", FamilyName: "Nur", Note: "old"})
		update := func(p *contactv1.Contact, paths ...string) (*contactv1.Contact, error) {
			p.Name = was.GetName()
			req := &contactv1.UpdateContactRequest{Contact: p}
			if paths != nil {
				req.UpdateMask = mask(paths...)
			}
			return a.UpdateContact(a.Ctx(), req)
		}
		now := must(update(&contactv1.Contact{FamilyName: "Nurhaliza", Note: "not named"}, "family_name"))(t)
		if now.GetDisplayName() != "Siti Nurhaliza" || now.GetNote() != "old" || now.GetEtag() == was.GetEtag() {
			t.Errorf("by mask: %v", now)
		}
		if now := must(update(&contactv1.Contact{JobTitle: "Buyer"}))(t); now.GetJobTitle() != "Buyer" || now.GetNote() != "old" {
			t.Errorf("without a mask: %v", now)
		}
		same := must(update(&contactv1.Contact{JobTitle: "Buyer"}, "job_title"))(t)
		if again := must(update(&contactv1.Contact{JobTitle: " Buyer "}, "job_title"))(t); again.GetEtag() != same.GetEtag() {
			t.Errorf("nothing changed, but the etag %q became %q", same.GetEtag(), again.GetEtag())
		}
		_, err := update(&contactv1.Contact{Note: "x", Etag: was.GetEtag()}, "note")
		refused(t, err, codes.Aborted, "ETAG_MISMATCH") // B25
		if now := must(update(&contactv1.Contact{Note: "fresh", Etag: same.GetEtag()}, "note"))(t); now.GetNote() != "fresh" {
			t.Errorf("with the current etag: %v", now)
		}
		_, err = update(&contactv1.Contact{Kind: organisation, DisplayName: "PT"}, "kind")
		violates(t, err, "contact.kind", "FIELD_IMMUTABLE")
		_, err = update(&contactv1.Contact{}, "display_name", "given_name", "family_name")
		violates(t, err, "contact.display_name", "")

		_, err = other.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: was.GetName(), Note: "theirs"}, UpdateMask: mask("note")})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		if now := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: was.GetName()}))(t); now.GetNote() != "fresh" {
			t.Errorf("another tenant wrote: %v", now)
		}
	})
}

// B15: what callers cannot write stays as it is, whatever the mask says.
func testUpdateContact_outputOnly(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		was := a.create(t, whole(t))
		forged := proto.CloneOf(was)
		forged.CustomerId, forged.CreateTime, forged.AllowedActions = "C-000666", timestamppb.New(time.Unix(0, 0)), []string{"Everything"}
		forged.Roles, forged.Identifiers[1].Flags = nil, []string{"verified"}
		now := must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: forged, UpdateMask: mask("*")}))(t)
		if !proto.Equal(now, was) {
			t.Errorf("became\n%v\nwas\n%v", now, was)
		}
		_, err := a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: forged, UpdateMask: mask("tenant_id")})
		refused(t, err, codes.InvalidArgument, "")
		now = must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: was.GetName(), Kind: person, DisplayName: "Only this"}, UpdateMask: mask("*"),
		}))(t)
		if now.GetNote() != "" || len(now.GetIdentifiers()) != 0 || len(now.GetRoles()) != 1 || now.GetCustomerId() != was.GetCustomerId() {
			t.Errorf("after a full replacement: %v", now)
		}
	})
}

func testUpdateContact_allowMissing(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		name := "contacts/" + entity.NewID().String()
		for _, note := range []string{"first", "second"} {
			got := must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{
				Contact: &contactv1.Contact{Name: name, Kind: person, DisplayName: "Offline", Note: note}, AllowMissing: true,
			}))(t)
			if got.GetName() != name || got.GetNote() != note {
				t.Errorf("got %v", got)
			}
		}
	})
}

func testDeleteContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		was := a.holder(t, "Gone", card, "1234")
		_, err := other.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: was.GetName()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		gone := must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: was.GetName(), Etag: was.GetEtag()}))(t)
		if gone.GetDeleteTime() == nil || !slices.Equal(gone.GetAllowedActions(), []string{"UndeleteContact", "EraseContact"}) {
			t.Errorf("deleted: %v", gone)
		}
		if got := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: was.GetName()}))(t); got.GetDeleteTime() == nil {
			t.Error("a deleted contact cannot be read")
		}
		for deleted, want := range map[bool]int{false: 0, true: 1} {
			if list := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{ShowDeleted: deleted}))(t); len(list.GetContacts()) != want {
				t.Errorf("show_deleted %v lists %v", deleted, names(list.GetContacts()))
			}
		}
		_, err = a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: was.GetName(), Note: "x"}, UpdateMask: mask("note")})
		refused(t, err, codes.FailedPrecondition, "DELETED")
		_, err = a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Card{Card: "1234"}})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")

		heir := a.holder(t, "Heir", card, "12-34")
		_, err = a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: was.GetName()})
		refused(t, err, codes.AlreadyExists, "CONTACT_CARD_TAKEN")
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: heir.GetName()}))(t)
		back := must(a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: was.GetName()}))(t)
		if back.GetDeleteTime() != nil || back.GetCustomerId() != was.GetCustomerId() {
			t.Errorf("back: %v", back)
		}
		_, err = a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: was.GetName()})
		refused(t, err, codes.FailedPrecondition, "NOT_DELETED")
	})
}

// Towards CON-32: card, device and external id belong to one contact; e-mail and phone repeat.
func testCreateContact_uniqueIdentifiers(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		for value, reason := range map[*contactv1.Contact]string{
			holding("Card", card, "77-12"):                                                    "CONTACT_CARD_TAKEN",
			holding("Device", device, "imei 35"):                                              "CONTACT_DEVICE_TAKEN",
			holding("Email", email, "a@example.com"):                                          "",
			holding("Phone", phone, "+62 812 3456 7890"):                                      "",
			{Kind: person, DisplayName: "System", ExternalIds: map[string]string{"sap": "1"}}: "CONTACT_EXTERNAL_ID_TAKEN",
		} {
			first := a.create(t, value)
			other.create(t, value)
			_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: value, AllowDuplicates: true})
			if reason == "" {
				must(first, err)(t)
				continue
			}
			refused(t, err, codes.AlreadyExists, reason)
			second := a.named(t, "Second")
			value.Name = second.GetName()
			_, err = a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: value, UpdateMask: mask("identifiers", "external_ids")})
			refused(t, err, codes.AlreadyExists, reason)
		}
	})
}

func testUpdateContact_movesIdentifiers(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		first, second := a.holder(t, "First", card, "1"), a.holder(t, "Second", card, "2")
		for _, step := range []struct {
			contact *contactv1.Contact
			cards   []string
		}{{first, nil}, {second, []string{"2", "1"}}, {second, []string{"1"}}, {first, []string{"2"}}} {
			p := &contactv1.Contact{Name: step.contact.GetName()}
			for _, value := range step.cards {
				p.Identifiers = append(p.Identifiers, &contactv1.Identifier{Kind: card, Value: value})
			}
			must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: p, UpdateMask: mask("identifiers")}))(t)
		}
		for value, want := range map[string]string{"1": second.GetName(), "2": first.GetName()} {
			got := must(a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Card{Card: value}}))(t)
			if len(got.GetContacts()) != 1 || got.GetContacts()[0].GetName() != want {
				t.Errorf("card %s is held by %v, want %s", value, got, want)
			}
		}
	})
}
