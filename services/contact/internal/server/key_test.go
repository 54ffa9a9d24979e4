package server_test

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Each contact has a key of its own, and only services of its tenant's calls get it.
func TestFetchKeys(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	ctx := a.Ctx()
	siti, budi := a.named(t, "Siti").GetName(), a.named(t, "Budi").GetName()
	nobody := "contacts/" + entity.NewID().String()
	fetch := func(c auth.Caller, names ...string) (*contactv1.FetchKeysResponse, error) {
		return contactv1.NewKeyServiceClient(s.Conn("contact", c)).FetchKeys(ctx, &contactv1.FetchKeysRequest{Contacts: names})
	}
	got := must(fetch(s.AsService("analytics"), siti, budi, nobody))(t).GetKeys()
	if len(got) != 2 || bytes.Equal(got[0].GetSecret(), got[1].GetSecret()) || len(got[0].GetSecret()) != 32 || got[0].GetKey() == got[1].GetKey() {
		t.Errorf("got %d keys", len(got))
	}
	other := auth.Caller{Tenant: s.Other, Subject: "services/analytics", Roles: []auth.Role{auth.Service}}
	if theirs := must(fetch(other, siti))(t).GetKeys(); len(theirs) != 0 {
		t.Error("a key of another tenant was handed out")
	}
	for _, role := range auth.Staff {
		_, err := fetch(s.As(role), siti)
		refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	}
	_, err := fetch(s.AsService("analytics"), "siti")
	violates(t, err, "contacts[0]", "")
}

// A creation that is refused, or repeated, under the id of a living contact leaves
// its key as it is.
func TestCreateContact_chosenID(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
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
	events := logOf(s).of(t, first.GetName(), 2)
	if got := payload[*contactv1.ContactUpdated](t, events[1]).GetContact(); got.GetDisplayName() != "Offline" {
		t.Errorf("the event cannot be unsealed: %v", got)
	}
	for _, bad := range []string{"x", "6BA7B810-9DAD-71D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
		_, err := a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: "X"}, ContactId: bad})
		violates(t, err, "contact_id", "")
	}
}
