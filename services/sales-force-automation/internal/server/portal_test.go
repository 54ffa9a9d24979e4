package server_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// visit answers a contact as it comes in through a portal.
func (c *clients) visit(t *testing.T, contact string) *clients {
	t.Helper()
	role := contactv1.RoleKind_ROLE_KIND_CUSTOMER
	must[*contactv1.Contact](t)(c.contacts.AssignRole(c.Ctx(), &contactv1.AssignRoleRequest{Name: contact, Role: &contactv1.Role{Kind: role}}))
	portals := contactv1.NewPortalServiceClient(c.Conn)
	access := must[*contactv1.PortalAccess](t)(portals.CreatePortalAccess(c.Ctx(), &contactv1.CreatePortalAccessRequest{
		PortalAccess: &contactv1.PortalAccess{Contact: contact, Roles: []contactv1.RoleKind{role}},
	}))
	token := must[*contactv1.PortalToken](t)(portals.IssuePortalToken(c.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()}))
	return of(c.Bearing(token.GetToken()))
}

// PLT-01: a customer sees what it ordered through a portal: not what is being drafted for
// it, not what the staff notes, and nothing of others.
func ordersThroughAPortal(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01"}, func(t *testing.T, c *clients) {
		ani, budi := c.person(t, "Ani"), c.person(t, "Budi")
		tea := c.product(t, "TEA")
		buy := func(contact string) *salesv1.Order {
			o := must[*salesv1.Order](t)(c.order(&salesv1.Order{Contact: contact, Note: "pays late", Lines: []*salesv1.LineItem{some(tea, "2", rupiah(500))}}))
			return must[*salesv1.Order](t)(c.ConfirmOrder(c.Ctx(), &salesv1.ConfirmOrderRequest{Name: o.GetName()}))
		}
		mine, theirs := buy(ani), buy(budi)
		draft := must[*salesv1.Order](t)(c.order(&salesv1.Order{Contact: ani}))
		me := c.visit(t, ani)
		seen := must[*salesv1.Order](t)(me.GetOrder(me.Ctx(), &salesv1.GetOrderRequest{Name: mine.GetName()}))
		if seen.GetTotal().GetUnits() != 1000 || len(seen.GetLines()) != 1 || seen.GetNote()+seen.GetOwner() != "" || len(seen.GetAllowedActions()) > 0 {
			t.Errorf("sees %v", seen)
		}
		list := must[*salesv1.ListOrdersResponse](t)(me.ListOrders(me.Ctx(), &salesv1.ListOrdersRequest{OrderBy: "create_time desc"})).GetOrders()
		if len(list) != 1 || list[0].GetName() != mine.GetName() {
			t.Errorf("lists %v", list)
		}
		for _, hidden := range []*salesv1.Order{theirs, draft} {
			_, err := me.GetOrder(me.Ctx(), &salesv1.GetOrderRequest{Name: hidden.GetName()})
			refused(t, "an order of another, or none yet", err, codes.NotFound, "ORDER_NOT_FOUND")
		}
		_, err := me.ConfirmOrder(me.Ctx(), &salesv1.ConfirmOrderRequest{Name: draft.GetName()})
		refused(t, "a customer confirms", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		_, err = me.ListOrders(me.Ctx(), &salesv1.ListOrdersRequest{ShowDeleted: true})
		refused(t, "with deleted ones", err, codes.PermissionDenied, "FIELD_NOT_OPEN")
		his := c.visit(t, budi)
		must[*contactv1.Contact](t)(contactv1.NewIdentityServiceClient(c.Conn).MergeContacts(c.Ctx(), &contactv1.MergeContactsRequest{Name: budi, Contacts: []string{ani}}))
		must[*salesv1.Order](t)(me.GetOrder(me.Ctx(), &salesv1.GetOrderRequest{Name: theirs.GetName()}))
		both := must[*salesv1.ListOrdersResponse](t)(his.ListOrders(his.Ctx(), &salesv1.ListOrdersRequest{})).GetOrders()
		if !slices.ContainsFunc(both, func(o *salesv1.Order) bool { return o.GetName() == mine.GetName() }) || len(both) != 2 {
			t.Errorf("of both are listed %v", both)
		}
	})
}
