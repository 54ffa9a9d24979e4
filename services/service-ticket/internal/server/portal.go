package server

import (
	"context"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/portal"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

// Window is what of the area is open to a contact itself, through a portal (PLT-01): its
// matter, where it stands and what was said in it, but not what the staff notes, who of
// them works on it, nor how it is sorted and measured.
var Window = portal.NewWindow(
	portal.Shows(&ticketv1.Ticket{}, "name", "number", "contact", "kind", "channel", "subject", "order", "status", "resolution",
		"satisfaction", "satisfaction_comment", "customer_confirmed", "open_time", "first_response_time", "resolve_time", "close_time",
		"create_time", "update_time", "etag"),
	portal.Shows(&ticketv1.Message{}, "name", "author_kind", "channel", "direction", "body", "say_time", "create_time"),
	portal.Shows(&ticketv1.OpenTicketResponse{}, "ticket", "message"),
	portal.Shows(&ticketv1.ReplyToTicketResponse{}, "ticket", "message"),
	portal.Shows(&ticketv1.ListTicketsResponse{}, "tickets", "next_page_token"),
	portal.Shows(&ticketv1.ListMessagesResponse{}, "messages", "next_page_token"),
	portal.Takes(&ticketv1.Ticket{}, "contact", "kind", "channel", "subject"),
	portal.Takes(&ticketv1.Message{}, "author_kind", "channel", "body"),
	portal.Takes(&ticketv1.OpenTicketRequest{}, "ticket", "message", "request_id", "validate_only"),
	portal.Takes(&ticketv1.ReplyToTicketRequest{}, "name", "message", "etag", "request_id", "validate_only"),
	portal.Takes(&ticketv1.GetTicketRequest{}, "name", "read_mask"),
	portal.Takes(&ticketv1.ListTicketsRequest{}, "page_size", "page_token", "filter", "order_by", "read_mask"),
	portal.Takes(&ticketv1.ListMessagesRequest{}, "parent", "page_size", "page_token"),
)

// sourcePortal is the source of a ticket that a contact opens through a portal.
const sourcePortal = "portal"

// ofPortal says whether a contact itself is calling, through a portal.
func ofPortal(ctx context.Context) bool { return auth.ScopeFrom(ctx) == auth.Self }

// openedBy lets a ticket that a contact opens through a portal be its own, or answers
// NOT_FOUND as for a contact that there is not.
func openedBy(ctx context.Context, t *ticketv1.Ticket) error {
	if !ofPortal(ctx) {
		return nil
	}
	r := fields.Reader{In: "ticket"}
	contact := r.Ref("contact", "contacts", t.GetContact())
	if err := r.Err(); err != nil {
		return err
	}
	if !slices.Contains(auth.SelfFrom(ctx), contact) {
		return errs.NotFound("contact", "")
	}
	t.Source = sourcePortal
	return nil
}

// saidBy lets what comes through a portal be what the customer says.
func saidBy(ctx context.Context, m *ticketv1.Message) ticket.Author {
	if ofPortal(ctx) {
		return ticket.Customer
	}
	return ticket.Author(m.GetAuthorKind())
}

// heard are the messages of a ticket that the caller may know of: through a portal, those
// that are no notes.
func heard(ctx context.Context) []postgres.Cond {
	if ofPortal(ctx) {
		return []postgres.Cond{postgres.Eq("internal", false)}
	}
	return nil
}
