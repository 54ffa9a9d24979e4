package auth

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const siti = "0193f7a2-3333-7000-8000-000000000003"

// PLT-01: a portal token says for which contact it speaks, and its bearer is nothing else.
func TestVerify_portal(t *testing.T) {
	t.Parallel()
	portal := func() *forged {
		return good().claim("lingkar_roles", []string{"portal"}).claim("lingkar_contact", siti)
	}
	c, err := newVerifier(t).Verify(context.Background(), portal().claim("lingkar_portal_access", siti).token())
	if err != nil || c.Contact.String() != siti || c.Subject != "users/ann" {
		t.Errorf("got %+v, %v", c, err)
	}
	if c.Access.String() == siti {
		t.Error("a provider names an access, which only our own issuer may")
	}
	for name, bad := range map[string]struct {
		token  *forged
		reason string
	}{
		"without a contact":         {portal().without("lingkar_contact"), "PORTAL_CONTACT_MISSING"},
		"with an empty contact":     {portal().claim("lingkar_contact", ""), "PORTAL_CONTACT_MISSING"},
		"with the name of one":      {portal().claim("lingkar_contact", "contacts/"+siti), "PORTAL_CONTACT_MISSING"},
		"with a UUID of another":    {portal().claim("lingkar_contact", "7d444840-9dc0-11d1-b245-5ffdce74fad2"), "PORTAL_CONTACT_MISSING"},
		"with a list of contacts":   {portal().claim("lingkar_contact", []string{siti}), "TOKEN_INVALID"},
		"of the staff as well":      {portal().claim("lingkar_roles", []string{"portal", "sales"}), "PORTAL_ROLE_MIXED"},
		"of an administrator, last": {portal().claim("lingkar_roles", []string{"admin", "portal"}), "PORTAL_ROLE_MIXED"},
	} {
		if _, err := newVerifier(t).Verify(context.Background(), bad.token.token()); errs.Code(err) != codes.Unauthenticated || errs.Reason(err) != bad.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err = newVerifier(t).Verify(context.Background(), good().claim("lingkar_contact", siti).token())
	if err != nil || c.Contact.String() == siti {
		t.Errorf("one of the staff, whom the provider knows as a contact: %+v, %v", c, err)
	}
}

// A portal token of our own names its access, which is its subject too.
func TestIssuer_portal(t *testing.T) {
	t.Parallel()
	v, err := NewVerifier(internal.Trusted())
	if err != nil {
		t.Fatal(err)
	}
	want := Caller{Tenant: tenant, Subject: "portalAccesses/" + siti, Roles: []Role{Portal}, Contact: stranger, Access: tenant}
	got, err := v.Verify(context.Background(), must(internal.Mint(want, 60e9)))
	if err != nil || got.Subject != want.Subject || got.Contact != want.Contact || got.Access != want.Access {
		t.Errorf("got %+v, %v", got, err)
	}
}
