package workload

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// visitor is a customer who comes in through a portal of its company.
type visitor struct {
	*customer
	// waiting says that a call about its access is in doubt.
	waiting   bool
	assigned  bool   // it plays the role that its access is for
	access    string // "portalAccesses/{uuid}", empty while it has none
	suspended bool
	token     string
	until     time.Time // when the token ends
}

// holding is what a visitor has, for others to try.
type holding struct{ contact, order, ticket string }

// holdings are those of the visitors of all clients.
type holdings struct {
	mu  sync.Mutex
	all []holding
}

const (
	// manyVisitors is from how many on a client lets nobody else in.
	manyVisitors = 3
	// preparations is how many calls one visit may take before it looks around, and looks
	// how many it takes then.
	preparations, looks = 6, 3
	// tokenLife is how long a portal's token is asked for.
	tokenLife = time.Hour
	// visitorRole is what visitors come in as.
	visitorRole = contactv1.RoleKind_ROLE_KIND_CUSTOMER
	// lookedAt is what looking through a portal is called in the ledger.
	lookedAt = "look through portal"
)

// usePortal lets a customer in and look around, at what is its own and at what is not;
// sometimes its access is suspended, given back, or revoked and given anew (I17).
func (c *client) usePortal(ctx context.Context) {
	v := c.visitor()
	if v == nil || len(c.visitors) < manyVisitors && c.random.IntN(2) == 0 {
		v = c.welcome()
	}
	for range preparations {
		if v == nil || v.waiting {
			return // the rest is for another time
		}
		if !c.prepare(ctx, v) {
			c.lookAround(ctx, v)
			return
		}
	}
}

// prepare does the next of what must be there before a visitor can look around; false
// where all is.
func (c *client) prepare(ctx context.Context, v *visitor) bool {
	switch {
	case !v.assigned || v.access == "":
		c.giveAccess(ctx, v)
	case v.suspended:
		c.resume(ctx, v)
	case v.token == "" || time.Until(v.until) < time.Minute:
		c.enter(ctx, v)
	case len(v.orders) == 0:
		c.purchaseOf(ctx, v.customer)
	case c.ticketOf(v) == nil:
		c.openTicketOf(ctx, v.customer)
	default:
		return false
	}
	return true
}

// visitor answers one that nothing is in doubt about, or nil.
func (c *client) visitor() *visitor {
	for range 4 {
		if len(c.visitors) == 0 {
			return nil
		}
		if v := c.visitors[c.random.IntN(len(c.visitors))]; !v.waiting {
			return v
		}
	}
	return nil
}

// welcome makes a customer a visitor, and answers nil where there is none to choose.
func (c *client) welcome() *visitor {
	k := c.customer()
	if k == nil || slices.ContainsFunc(c.visitors, func(v *visitor) bool { return v.customer == k }) {
		return nil
	}
	v := &visitor{customer: k}
	c.visitors = append(c.visitors, v)
	return v
}

// ticketOf answers a ticket of the visitor, or nil.
func (c *client) ticketOf(v *visitor) *thing {
	for _, t := range c.tickets {
		if t.of == v.customer {
			return t
		}
	}
	return nil
}

func (c *client) giveAccess(ctx context.Context, v *visitor) {
	if !v.assigned {
		req := &contactv1.AssignRoleRequest{Name: v.name, Role: &contactv1.Role{Kind: visitorRole}}
		c.do(ctx, "assign role", contactv1.ContactService_AssignRole_FullMethodName, v.name, req, &v.waiting, func(proto.Message, string) { v.assigned = true })
		return
	}
	req := &contactv1.CreatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Contact: v.name, Roles: []contactv1.RoleKind{visitorRole}}}
	c.do(ctx, "give access", contactv1.PortalService_CreatePortalAccess_FullMethodName, v.name, req, &v.waiting, func(a proto.Message, _ string) {
		v.access, v.token, v.suspended = a.(*contactv1.PortalAccess).GetName(), "", false
	})
}

func (c *client) enter(ctx context.Context, v *visitor) {
	req := &contactv1.IssuePortalTokenRequest{Name: v.access, Ttl: durationpb.New(tokenLife)}
	c.do(ctx, "enter portal", contactv1.PortalService_IssuePortalToken_FullMethodName, v.name, req, &v.waiting, func(a proto.Message, _ string) {
		token := a.(*contactv1.PortalToken)
		v.token, v.until = token.GetToken(), token.GetExpireTime().AsTime()
	})
}

func (c *client) resume(ctx context.Context, v *visitor) {
	req := &contactv1.ResumePortalAccessRequest{Name: v.access}
	c.do(ctx, "give access back", contactv1.PortalService_ResumePortalAccess_FullMethodName, v.name, req, &v.waiting, func(proto.Message, string) {
		v.suspended = false
	})
}

// lookAround looks at some things with the visitor's token; at times the access is
// withdrawn then, and it looks all the same.
func (c *client) lookAround(ctx context.Context, v *visitor) {
	own := holding{v.name, v.orders[0], c.ticketOf(v).name}
	c.load.holdings.show(own)
	for range looks {
		g, reason := c.ownLook(own), ""
		if other, ok := c.load.holdings.other(own, c.random.IntN); ok && c.random.IntN(2) == 0 {
			g, reason = c.foreignLook(other)
		}
		c.look(ctx, v, g, reason)
	}
	switch dice := c.random.IntN(100); {
	case dice < 15:
		req := &contactv1.SuspendPortalAccessRequest{Name: v.access}
		c.do(ctx, "suspend access", contactv1.PortalService_SuspendPortalAccess_FullMethodName, v.name, req, &v.waiting, func(proto.Message, string) {
			v.suspended = true
			c.lookInVain(ctx, v, own, "PORTAL_ACCESS_SUSPENDED")
		})
	case dice < 25:
		req := &contactv1.RevokePortalAccessRequest{Name: v.access}
		c.do(ctx, "revoke access", contactv1.PortalService_RevokePortalAccess_FullMethodName, v.name, req, &v.waiting, func(proto.Message, string) {
			v.access = ""
			c.lookInVain(ctx, v, own, "PORTAL_ACCESS_REVOKED")
		})
	}
}

// show lets others know what a visitor has.
func (h *holdings) show(own holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.all, own) {
		h.all = append(h.all, own)
	}
}

// other answers what another visitor has, of whichever tenant.
func (h *holdings) other(own holding, choose func(int) int) (holding, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for range 4 {
		if o := h.all[choose(len(h.all))]; o.contact != own.contact {
			return o, true
		}
	}
	return holding{}, false
}

// glance is one call of a portal.
type glance struct {
	method string
	req    proto.Message
}

// glances are the calls of a portal about what somebody has, and for which reason each is
// refused to others.
func glances(of holding) (all []glance, reasons []string) {
	return []glance{
		{contactv1.ContactService_GetContact_FullMethodName, &contactv1.GetContactRequest{Name: of.contact}},
		{salesv1.OrderService_GetOrder_FullMethodName, &salesv1.GetOrderRequest{Name: of.order}},
		{ticketv1.TicketService_GetTicket_FullMethodName, &ticketv1.GetTicketRequest{Name: of.ticket}},
		{ticketv1.TicketService_ListMessages_FullMethodName, &ticketv1.ListMessagesRequest{Parent: of.ticket}},
	}, []string{"CONTACT_NOT_FOUND", "ORDER_NOT_FOUND", "TICKET_NOT_FOUND", "TICKET_NOT_FOUND"}
}

// lists are the calls of a portal about whatever is the caller's own.
func lists(filter string) []glance {
	return []glance{
		{salesv1.OrderService_ListOrders_FullMethodName, &salesv1.ListOrdersRequest{PageSize: 1000, Filter: filter}},
		{ticketv1.TicketService_ListTickets_FullMethodName, &ticketv1.ListTicketsRequest{PageSize: 1000, Filter: filter}},
	}
}

// ownLook is a call that shows a visitor what it has.
func (c *client) ownLook(own holding) glance {
	calls, _ := glances(own)
	calls = append(append(calls, lists("")...),
		glance{contactv1.PortalService_GetPortalSession_FullMethodName, &contactv1.GetPortalSessionRequest{Name: "portalSession"}})
	return calls[c.random.IntN(len(calls))]
}

// foreignLook is a call about what another has, and the reason for which it is refused:
// none for a list, which is empty.
func (c *client) foreignLook(other holding) (glance, string) {
	calls, reasons := glances(other)
	if n := c.random.IntN(len(calls) + 2); n < len(calls) {
		return calls[n], reasons[n]
	}
	return lists(`contact = "` + other.contact + `"`)[c.random.IntN(2)], ""
}

// lookInVain looks in every area once an access has been withdrawn.
func (c *client) lookInVain(ctx context.Context, v *visitor, own holding, reason string) {
	calls, _ := glances(own)
	for _, g := range append(calls, lists("")...) {
		c.look(ctx, v, g, reason)
	}
}

// look makes a call with the visitor's token, which is refused for the reason, if one is
// given. It is not repeated: the next is as good.
func (c *client) look(ctx context.Context, v *visitor, g glance, reason string) {
	op := c.op(lookedAt, g.method, v.name, g.req)
	op.Portal, op.Refusal = v.name, reason
	c.load.try(ctx, c.doors.bearing(v.token), op)
	if op.Outcome != ledger.OK || reason != "" {
		return
	}
	switch a := op.Answer.(type) {
	case *salesv1.ListOrdersResponse:
		c.expect(op, g.req.(*salesv1.ListOrdersRequest).GetFilter() == "", len(a.GetOrders()))
	case *ticketv1.ListTicketsResponse:
		c.expect(op, g.req.(*ticketv1.ListTicketsRequest).GetFilter() == "", len(a.GetTickets()))
	}
}

// expect notes a list that hides what is the visitor's own, or shows something where
// another's was asked for.
func (c *client) expect(op *ledger.Op, own bool, found int) {
	if own != (found > 0) {
		c.load.breach("I17: %s by %s with %v lists %d", op.Method, op.Portal, op.Request, found)
	}
}
