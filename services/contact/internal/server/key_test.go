package server_test

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Each contact has a key of its own, and only services of its tenant's calls get it.
func testFetchKeys(t *testing.T, s *testkit.Suite) {
	a, other := fresh(t, s)
	ctx := a.Ctx()
	siti, budi := a.named(t, "Siti").GetName(), a.named(t, "Budi").GetName()
	nobody := "contacts/" + entity.NewID().String()
	fetch := func(c auth.Caller, names ...string) (*contactv1.FetchKeysResponse, error) {
		return contactv1.NewKeyServiceClient(s.Conn("contact", c)).FetchKeys(ctx, &contactv1.FetchKeysRequest{Contacts: names})
	}
	got := must(fetch(service(a.Caller.Tenant), siti, budi, nobody))(t).GetKeys()
	if len(got) != 2 || bytes.Equal(got[0].GetSecret(), got[1].GetSecret()) || len(got[0].GetSecret()) != 32 || got[0].GetKey() == got[1].GetKey() {
		t.Errorf("got %d keys", len(got))
	}
	if theirs := must(fetch(service(other.Caller.Tenant), siti))(t).GetKeys(); len(theirs) != 0 {
		t.Error("a key of another tenant was handed out")
	}
	checked := must(a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: "Tono"}, ValidateOnly: true}))(t)
	if none := must(fetch(service(a.Caller.Tenant), checked.GetName()))(t).GetKeys(); len(none) != 0 {
		t.Error("a contact that was only checked has a key")
	}
	for _, role := range auth.Staff {
		_, err := fetch(s.User(a.Caller.Tenant, "ann", role), siti)
		refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	}
	_, err := fetch(service(a.Caller.Tenant), "siti")
	violates(t, err, "contacts[0]", "")
}

// A creation that is refused, or repeated, under the id of a living contact leaves
// its key as it is.
func testCreateContact_chosenID(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	ctx := a.Ctx()
	id := entity.NewID().String()
	create := func(name, request string) (*contactv1.Contact, error) {
		return a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: name}, ContactId: id, RequestId: request})
	}
	first := must(create("Offline", "r1"))(t)
	if first.GetName() != "contacts/"+id {
		t.Errorf("named %s", first.GetName())
	}
	_, err := create("Other", "r2")
	refused(t, err, codes.AlreadyExists, "CONTACT_EXISTS")
	if again := must(create("Offline", "r1"))(t); again.GetCustomerId() != first.GetCustomerId() {
		t.Errorf("repeated: %v", again)
	}
	must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: first.GetName(), Note: "x"}, UpdateMask: mask("note")}))(t)
	events := logOf(s, a).of(t, first.GetName(), 2)
	if got := payload[*contactv1.ContactUpdated](t, events[1]).GetContact(); got.GetDisplayName() != "Offline" {
		t.Errorf("the event cannot be unsealed: %v", got)
	}
	for _, bad := range []string{"x", "6BA7B810-9DAD-71D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
		_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: "X"}, ContactId: bad})
		violates(t, err, "contact_id", "")
	}
}
