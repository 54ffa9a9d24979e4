package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

const customer = contactv1.RoleKind_ROLE_KIND_CUSTOMER

// lookEverywhere makes a call of a portal in each area that has something open to it, and
// answers what became of each.
func lookEverywhere(c *testkit.Client) map[string]error {
	_, session := contactv1.NewPortalServiceClient(c.Conn).GetPortalSession(c.Ctx(), &contactv1.GetPortalSessionRequest{Name: "portalSession"})
	_, consents := contactv1.NewConsentServiceClient(c.Conn).ListConsents(c.Ctx(), &contactv1.ListConsentsRequest{})
	_, orders := salesv1.NewOrderServiceClient(c.Conn).ListOrders(c.Ctx(), &salesv1.ListOrdersRequest{})
	_, tickets := ticketv1.NewTicketServiceClient(c.Conn).ListTickets(c.Ctx(), &ticketv1.ListTicketsRequest{})
	return map[string]error{"session": session, "consents": consents, "orders": orders, "tickets": tickets}
}

// reasons demands that each area refuses a portal's call for one reason; none where it is
// empty.
func reasons(t *testing.T, c *testkit.Client, when, want string) {
	t.Helper()
	for call, err := range lookEverywhere(c) {
		if errs.Reason(err) != want || want != "" && errs.Code(err) != codes.PermissionDenied {
			t.Errorf("%s, %s: got %v, want %q", when, call, err, want)
		}
	}
}

// visitor is a contact with access to a portal, and what its token makes of it.
type visitor struct {
	*testkit.Client
	contact, access string
}

// visitorOf makes one.
func visitorOf(t *testing.T, c *testkit.Client, name string) visitor {
	t.Helper()
	portals := contactv1.NewPortalServiceClient(c.Conn)
	made, err := contactv1.NewContactServiceClient(c.Conn).CreateContact(c.Ctx(), &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: name, Roles: []*contactv1.Role{{Kind: customer}}}, AllowDuplicates: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	access, err := portals.CreatePortalAccess(c.Ctx(), &contactv1.CreatePortalAccessRequest{
		PortalAccess: &contactv1.PortalAccess{Contact: made.GetName(), Roles: []contactv1.RoleKind{customer}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := portals.IssuePortalToken(c.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	return visitor{c.Bearing(token.GetToken()), made.GetName(), access.GetName()}
}

// PLT-01: what is withdrawn from a contact opens nothing more, in no area, whatever token
// is out; what is given back opens it again with the same token. Others are not touched.
func TestPortal_withdrawnEverywhere(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition, ticket.Definition, gateway.Definition)
	testkit.Both(t, s, []string{"PLT-01"}, func(t *testing.T, c *testkit.Client) {
		me, him := visitorOf(t, c, "Siti"), visitorOf(t, c, "Budi")
		portals, contacts := contactv1.NewPortalServiceClient(c.Conn), contactv1.NewContactServiceClient(c.Conn)
		expiring := func(at time.Time) error {
			_, err := portals.UpdatePortalAccess(c.Ctx(), &contactv1.UpdatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Name: me.access, ExpireTime: timestamppb.New(at)}})
			return err
		}
		for _, step := range []struct {
			name, reason   string
			withdraw, back func() error
		}{
			{"suspended", "PORTAL_ACCESS_SUSPENDED", func() error {
				_, err := portals.SuspendPortalAccess(c.Ctx(), &contactv1.SuspendPortalAccessRequest{Name: me.access})
				return err
			}, func() error {
				_, err := portals.ResumePortalAccess(c.Ctx(), &contactv1.ResumePortalAccessRequest{Name: me.access})
				return err
			}},
			{"expired", "PORTAL_ACCESS_EXPIRED", func() error {
				return expiring(s.Clock.Now().Add(-time.Second))
			}, func() error {
				return expiring(s.Clock.Now().Add(time.Hour))
			}},
			{"customer no more", "PORTAL_ROLE_ENDED", func() error {
				_, err := contacts.EndRole(c.Ctx(), &contactv1.EndRoleRequest{Name: me.contact, Kind: customer})
				return err
			}, func() error {
				_, err := contacts.AssignRole(c.Ctx(), &contactv1.AssignRoleRequest{Name: me.contact, Role: &contactv1.Role{Kind: customer}})
				return err
			}},
			{"deleted", "PORTAL_ACCESS_REVOKED", func() error {
				_, err := contacts.DeleteContact(c.Ctx(), &contactv1.DeleteContactRequest{Name: me.contact})
				return err
			}, func() error {
				_, err := contacts.UndeleteContact(c.Ctx(), &contactv1.UndeleteContactRequest{Name: me.contact})
				return err
			}},
			{"erased", "PORTAL_ACCESS_REVOKED", func() error {
				_, err := contactv1.NewPrivacyServiceClient(c.Conn).EraseContact(c.Ctx(), &contactv1.EraseContactRequest{
					Name: me.contact, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST,
				})
				return err
			}, nil},
			{"revoked", "PORTAL_ACCESS_REVOKED", func() error {
				_, err := portals.RevokePortalAccess(c.Ctx(), &contactv1.RevokePortalAccessRequest{Name: him.access})
				return err
			}, nil},
		} {
			who, other := me, him
			if step.name == "revoked" {
				who = him
			}
			reasons(t, who.Client, "before being "+step.name, "")
			if err := step.withdraw(); err != nil {
				t.Fatal(step.name, err)
			}
			reasons(t, who.Client, step.name, step.reason)
			if step.back == nil {
				continue
			}
			reasons(t, other.Client, "while another is "+step.name, "")
			if err := step.back(); err != nil {
				t.Fatal(step.name, err)
			}
		}
	})
}

// PLT-01: a session says for whom a caller stands, merged contacts too; who is no portal
// has none, and neither has one in whose tenant there is no such access, nor one with the
// claims of an identity provider for whom there is none.
func TestPortal_session(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition, ticket.Definition, gateway.Definition)
	testkit.Both(t, s, []string{"PLT-01"}, func(t *testing.T, c *testkit.Client) {
		me, him := visitorOf(t, c, "Siti"), visitorOf(t, c, "Budi")
		merge := &contactv1.MergeContactsRequest{Name: him.contact, Contacts: []string{me.contact}}
		if _, err := contactv1.NewIdentityServiceClient(c.Conn).MergeContacts(c.Ctx(), merge); err != nil {
			t.Fatal(err)
		}
		for who, v := range map[string]visitor{"the merged": me, "the survivor": him} {
			got, err := contactv1.NewPortalServiceClient(v.Conn).GetPortalSession(v.Ctx(), &contactv1.GetPortalSessionRequest{Name: "portalSession"})
			if err != nil || got.GetContact() != him.contact || !slices.Equal(got.GetMergedContacts(), []string{me.contact}) ||
				!slices.Equal(got.GetRoles(), []contactv1.RoleKind{customer}) || got.GetName() != "portalSession" {
				t.Errorf("%s: %v, %v", who, got, err)
			}
		}
		if err := lookEverywhere(c)["session"]; errs.Reason(err) != "RPC_NOT_ALLOWED" {
			t.Errorf("one of the staff: %v", err)
		}
		reasons(t, c.As(s.Portal(s.Other, him.contact, him.access)), "in another tenant", "PORTAL_ACCESS_MISSING")
		claims := s.Portal(s.Tenant, him.contact, him.access)
		claims.Subject, claims.Access = "users/nobody-gave-it", [16]byte{}
		reasons(t, c.As(claims), "by an identity provider's claims alone", "PORTAL_ACCESS_MISSING")
		given := fmt.Sprintf("budi-%s", c.Transport)
		subject := &contactv1.UpdatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Name: him.access, Subject: given}}
		if _, err := contactv1.NewPortalServiceClient(c.Conn).UpdatePortalAccess(c.Ctx(), subject); err != nil {
			t.Fatal(err)
		}
		claims.Subject = "users/" + given
		reasons(t, c.As(claims), "by an identity provider's claims and an access", "")
	})
}
