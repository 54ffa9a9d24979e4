package server_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func TestSmoke(t *testing.T) {
	s := start(t)
	testkit.Both(t, s, []string{"CON-08"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		got, err := a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Siti", FamilyName: "Nurhaliza",
			Identifiers: []*contactv1.Identifier{{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: "Siti@Example.COM"}},
		}})
		t.Log(got, err)
		back, err := a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: got.GetName()})
		t.Log(back, err)
	})
}
