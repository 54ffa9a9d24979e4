package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// visit answers a contact as it comes in through a portal.
func (a *api) visit(t *testing.T, contact string) *api {
	t.Helper()
	role := contactv1.RoleKind_ROLE_KIND_CUSTOMER
	if _, err := a.AssignRole(a.Ctx(), &contactv1.AssignRoleRequest{Name: contact, Role: &contactv1.Role{Kind: role}}); err != nil {
		t.Fatal(err)
	}
	portals := contactv1.NewPortalServiceClient(a.Conn)
	access, err := portals.CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{
		PortalAccess: &contactv1.PortalAccess{Contact: contact, Roles: []contactv1.RoleKind{role}},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := portals.IssuePortalToken(a.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	return of(a.Bearing(token.GetToken()))
}

// open is a customer's own ticket in the making.
func open(contact string) *ticketv1.OpenTicketRequest {
	return &ticketv1.OpenTicketRequest{
		Ticket:  &ticketv1.Ticket{Contact: contact, Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Channel: eventv1.Channel_CHANNEL_WEB, Subject: "Wrong colour"},
		Message: &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF, Channel: eventv1.Channel_CHANNEL_WEB, Body: "It is blue."},
	}
}

// PLT-01: a customer opens a ticket through a portal, reads what is answered and answers
// that; notes it does not read, and nothing of others.
func TestPortal(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"PLT-01"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		siti, budi := a.customer(t), a.customer(t)
		me := a.visit(t, siti)
		opened, err := me.OpenTicket(me.Ctx(), open(siti))
		if err != nil {
			t.Fatal(err)
		}
		mine := opened.GetTicket()
		if m := opened.GetMessage(); m.GetAuthorKind() != ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER || m.GetAuthor() != "" || len(mine.GetAllowedActions()) > 0 {
			t.Errorf("opened %v", opened)
		}
		if kept, err := a.GetTicket(a.Ctx(), &ticketv1.GetTicketRequest{Name: mine.GetName()}); err != nil || kept.GetSource() != "portal" {
			t.Errorf("kept %v, %v", kept, err)
		}
		for _, m := range []*ticketv1.Message{{Body: "We send the right one."}, {Body: "Complains often.", Internal: true}} {
			m.AuthorKind, m.Channel = ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF, eventv1.Channel_CHANNEL_WEB
			if _, err := a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{Name: mine.GetName(), Message: m}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := me.ReplyToTicket(me.Ctx(), &ticketv1.ReplyToTicketRequest{Name: mine.GetName(), Message: open(siti).GetMessage()}); err != nil {
			t.Error(err)
		}
		said, err := me.ListMessages(me.Ctx(), &ticketv1.ListMessagesRequest{Parent: mine.GetName()})
		if err != nil || len(said.GetMessages()) != 3 || said.GetMessages()[1].GetBody() != "We send the right one." || said.GetMessages()[1].GetAuthor() != "" {
			t.Errorf("reads %v, %v", said, err)
		}
		theirs := a.opened(t)
		if got := namesOf(t, me, ""); len(got) != 1 || got[0] != mine.GetName() {
			t.Errorf("lists %v", got)
		}
		for what, err := range map[string]error{
			"get":      second(me.GetTicket(me.Ctx(), &ticketv1.GetTicketRequest{Name: theirs.GetName()})),
			"reply":    second(me.ReplyToTicket(me.Ctx(), &ticketv1.ReplyToTicketRequest{Name: theirs.GetName(), Message: open(siti).GetMessage()})),
			"messages": second(me.ListMessages(me.Ctx(), &ticketv1.ListMessagesRequest{Parent: theirs.GetName()})),
			"open":     second(me.OpenTicket(me.Ctx(), open(budi))),
		} {
			if errs.Code(err) != codes.NotFound {
				t.Errorf("%s of another: %v", what, err)
			}
		}
		owned := open(siti)
		owned.Ticket.Owner = "users/boss"
		for what, want := range map[string]error{
			"FIELD_NOT_OPEN":  second(me.OpenTicket(me.Ctx(), owned)),
			"RPC_NOT_ALLOWED": second(me.ResolveTicket(me.Ctx(), &ticketv1.ResolveTicketRequest{Name: mine.GetName(), ResolutionCode: "x"})),
		} {
			if errs.Reason(want) != what {
				t.Errorf("got %v, want %s", want, what)
			}
		}
	})
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }
