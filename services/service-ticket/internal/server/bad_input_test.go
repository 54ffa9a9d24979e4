package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// badRow is one row of the catalogue of bad input: what it is, what is called,
// and the answer.
type badRow struct {
	name   string
	call   func(context.Context) error
	code   codes.Code
	reason string
	// field is the path of a violation; empty where none is demanded.
	field string
}

func (r badRow) demand(t *testing.T, a *api) {
	t.Helper()
	err := r.call(a.Ctx())
	if errs.Code(err) != r.code || errs.Reason(err) != r.reason {
		t.Errorf("%s: answered %s %s (%v), want %s %s", r.name, errs.Code(err), errs.Reason(err), err, r.code, r.reason)
	}
	if r.field == "" {
		return
	}
	for _, v := range errs.FieldViolations(err) {
		if v.Field == r.field {
			return
		}
	}
	t.Errorf("%s: the violations are %v, want one of %s", r.name, errs.FieldViolations(err), r.field)
}

// create answers a row that creates a complaint with something wrong in it.
func create(a *api, customer, name, reason, field string, spoil func(*ticketv1.Ticket)) badRow {
	return badRow{name: name, code: codes.InvalidArgument, reason: reason, field: field, call: func(ctx context.Context) error {
		k := complaint(customer)
		spoil(k)
		_, err := a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{Ticket: k})
		return err
	}}
}

// Rows B16 and B23, and what the contract asks for.
func TestCreateTicket_badInput(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		customer := a.customer(t)
		manyLabels := map[string]string{}
		for i := range 10_000 {
			manyLabels["l"+uuid.New().String()[:8]+string(rune('a'+i%26))] = "x"
		}
		for _, row := range []badRow{
			create(a, customer, "no subject", "FIELD_INVALID", "ticket.subject", func(k *ticketv1.Ticket) { k.Subject = "" }),
			create(a, customer, "a blank subject", "FIELD_INVALID", "ticket.subject", func(k *ticketv1.Ticket) { k.Subject = "   " }),
			create(a, customer, "a long subject", "FIELD_INVALID", "ticket.subject", func(k *ticketv1.Ticket) { k.Subject = strings.Repeat("a", 301) }),
			create(a, customer, "B16 no contact", "FIELD_INVALID", "ticket.contact", func(k *ticketv1.Ticket) { k.Contact = "" }),
			create(a, customer, "B16 another type's name", "FIELD_INVALID", "ticket.contact", func(k *ticketv1.Ticket) { k.Contact = "queues/" + uuid.NewString() }),
			create(a, customer, "B16 a path trick", "FIELD_INVALID", "ticket.contact", func(k *ticketv1.Ticket) { k.Contact = "contacts/../" + customer[9:] }),
			create(a, customer, "B16 capital letters", "FIELD_INVALID", "ticket.contact", func(k *ticketv1.Ticket) { k.Contact = "contacts/" + strings.ToUpper(customer[9:]) }),
			create(a, customer, "B16 a UUID of version 1", "FIELD_INVALID", "ticket.contact", func(k *ticketv1.Ticket) { k.Contact = "contacts/6ba7b810-9dad-11d1-80b4-00c04fd430c8" }),
			create(a, customer, "B16 10 KB", "FIELD_INVALID", "ticket.contact", func(k *ticketv1.Ticket) { k.Contact = "contacts/" + strings.Repeat("0", 10_000) }),
			create(a, customer, "a queue that is none", "FIELD_INVALID", "ticket.queue", func(k *ticketv1.Ticket) { k.Queue = "second level" }),
			create(a, customer, "an order that is none", "FIELD_INVALID", "ticket.order", func(k *ticketv1.Ticket) { k.Order = "tickets/" + uuid.NewString() }),
			create(a, customer, "a cause with spaces", "FIELD_INVALID", "ticket.cause_code", func(k *ticketv1.Ticket) { k.CauseCode = "wrong colour" }),
			create(a, customer, "B23 10,000 labels", "FIELD_INVALID", "ticket.labels", func(k *ticketv1.Ticket) { k.Labels = manyLabels }),
			{name: "B16 an id that is none", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "ticket_id", call: func(ctx context.Context) error {
				_, err := a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{Ticket: complaint(customer), TicketId: "1"})
				return err
			}},
			{name: "no ticket", code: codes.InvalidArgument, reason: "FIELD_INVALID", call: func(ctx context.Context) error {
				_, err := a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{})
				return err
			}},
			{name: "a contact that does not exist", code: codes.NotFound, reason: "CONTACT_NOT_FOUND", call: func(ctx context.Context) error {
				_, err := a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{Ticket: complaint("contacts/" + uuid.Must(uuid.NewV7()).String())})
				return err
			}},
			{name: "the other tenant's contact", code: codes.NotFound, reason: "CONTACT_NOT_FOUND", call: func(ctx context.Context) error {
				_, err := a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{Ticket: complaint(of(a.Other()).customer(t))})
				return err
			}},
			{name: "a queue that does not exist", code: codes.NotFound, reason: "QUEUE_NOT_FOUND", call: func(ctx context.Context) error {
				k := complaint(customer)
				k.Queue = "queues/" + uuid.Must(uuid.NewV7()).String()
				_, err := a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{Ticket: k})
				return err
			}},
		} {
			row.demand(t, a)
		}
	})
}

// Rows B20, B22 and B45 on a ticket that exists.
func TestTicket_badInput(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"B45"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		open, resolved, closed := a.opened(t), a.resolved(t), a.resolved(t)
		if _, err := a.CloseTicket(a.Ctx(), &ticketv1.CloseTicketRequest{Name: closed.GetName()}); err != nil {
			t.Fatal(err)
		}
		rate := func(name string, satisfaction int32) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := a.RateTicket(ctx, &ticketv1.RateTicketRequest{Name: name, Satisfaction: satisfaction})
				return err
			}
		}
		reply := func(name string, m *ticketv1.Message) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := a.ReplyToTicket(ctx, &ticketv1.ReplyToTicketRequest{Name: name, Message: m})
				return err
			}
		}
		update := func(name string, change *ticketv1.Ticket, paths ...string) func(context.Context) error {
			return func(ctx context.Context) error {
				u := proto.CloneOf(change)
				u.Name = name
				_, err := a.UpdateTicket(ctx, &ticketv1.UpdateTicketRequest{Ticket: u, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
				return err
			}
		}
		for _, row := range []badRow{
			{name: "B45 close an open one", code: codes.FailedPrecondition, reason: "TICKET_NOT_RESOLVED", call: func(ctx context.Context) error {
				_, err := a.CloseTicket(ctx, &ticketv1.CloseTicketRequest{Name: open.GetName()})
				return err
			}},
			{name: "B45 close a closed one", code: codes.FailedPrecondition, reason: "TICKET_CLOSED", call: func(ctx context.Context) error {
				_, err := a.CloseTicket(ctx, &ticketv1.CloseTicketRequest{Name: closed.GetName()})
				return err
			}},
			{name: "B45 rate an open one", code: codes.FailedPrecondition, reason: "TICKET_NOT_RESOLVED", call: rate(open.GetName(), 5)},
			{name: "rate with 6", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "satisfaction", call: rate(resolved.GetName(), 6)},
			{name: "rate with 0", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "satisfaction", call: rate(resolved.GetName(), 0)},
			{name: "B45 reopen an open one", code: codes.FailedPrecondition, reason: "TICKET_NOT_RESOLVED", call: func(ctx context.Context) error {
				_, err := a.ReopenTicket(ctx, &ticketv1.ReopenTicketRequest{Name: open.GetName(), Reason: "why not"})
				return err
			}},
			{name: "B45 assign a closed one", code: codes.FailedPrecondition, reason: "TICKET_CLOSED", call: func(ctx context.Context) error {
				_, err := a.AssignTicket(ctx, &ticketv1.AssignTicketRequest{Name: closed.GetName(), Owner: "users/ani"})
				return err
			}},
			{name: "B45 reply to a closed one", code: codes.FailedPrecondition, reason: "TICKET_CLOSED", call: reply(closed.GetName(), &ticketv1.Message{AuthorKind: byCustomer, Body: "hello?"})},
			{name: "resolve without words", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "resolution", call: func(ctx context.Context) error {
				_, err := a.ResolveTicket(ctx, &ticketv1.ResolveTicketRequest{Name: open.GetName(), ResolutionCode: "replaced"})
				return err
			}},
			{name: "B22 a message of nobody", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "message.author_kind", call: reply(open.GetName(), &ticketv1.Message{Body: "hello"})},
			{name: "an empty message", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "message.body", call: reply(open.GetName(), &ticketv1.Message{AuthorKind: byStaff})},
			{name: "a blank message", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "message.body", call: reply(open.GetName(), &ticketv1.Message{AuthorKind: byStaff, Body: "\n"})},
			{name: "a message over 64 KiB", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "message.body", call: reply(open.GetName(), &ticketv1.Message{AuthorKind: byStaff, Body: strings.Repeat("a", 65537)})},
			{name: "a note of the customer", code: codes.InvalidArgument, reason: "NOTE_BY_CUSTOMER", field: "message.internal", call: reply(open.GetName(), &ticketv1.Message{AuthorKind: byCustomer, Body: "psst", Internal: true})},
			{name: "B20 said tomorrow", code: codes.InvalidArgument, reason: "TIME_IN_FUTURE", field: "message.say_time", call: reply(open.GetName(), &ticketv1.Message{AuthorKind: byCustomer, Body: "soon", SayTime: timestamppb.New(time.Now().Add(24 * time.Hour))})},
			{name: "another contact", code: codes.InvalidArgument, reason: "FIELD_IMMUTABLE", field: "ticket.contact", call: update(open.GetName(), &ticketv1.Ticket{Contact: resolved.GetContact()}, "contact")},
			{name: "another channel", code: codes.InvalidArgument, reason: "FIELD_IMMUTABLE", field: "ticket.channel", call: update(open.GetName(), &ticketv1.Ticket{Channel: web}, "channel")},
			{name: "no subject any more", code: codes.InvalidArgument, reason: "FIELD_INVALID", field: "ticket.subject", call: update(open.GetName(), &ticketv1.Ticket{}, "subject")},
			{name: "a ticket that does not exist", code: codes.NotFound, reason: "TICKET_NOT_FOUND", call: func(ctx context.Context) error {
				_, err := a.GetTicket(ctx, &ticketv1.GetTicketRequest{Name: "tickets/" + uuid.Must(uuid.NewV7()).String()})
				return err
			}},
			{name: "B22 an unknown status", code: codes.InvalidArgument, reason: "FILTER_INVALID", field: "filter", call: func(ctx context.Context) error {
				_, err := a.ListTickets(ctx, &ticketv1.ListTicketsRequest{Filter: "status = SLEEPING"})
				return err
			}},
		} {
			row.demand(t, a)
		}
	})
}

// Row B24: a request is done once, whatever is asked under its id.
func TestTicket_requestsAreDoneOnce(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"B24"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		open := &ticketv1.OpenTicketRequest{
			Ticket: complaint(a.customer(t)), RequestId: "open-" + c.Transport,
			Message: &ticketv1.Message{AuthorKind: byCustomer, Body: "It is red."},
		}
		first, err := a.OpenTicket(a.Ctx(), open)
		if err != nil {
			t.Fatal(err)
		}
		reply := &ticketv1.ReplyToTicketRequest{
			Name: first.GetTicket().GetName(), RequestId: "reply-" + c.Transport,
			Message: &ticketv1.Message{AuthorKind: byStaff, Body: "We are sorry."},
		}
		said, err := a.ReplyToTicket(a.Ctx(), reply)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			again, err := a.OpenTicket(a.Ctx(), open)
			if err != nil || !proto.Equal(again, first) {
				t.Errorf("opened again: %v, %v; want %v", again, err, first)
			}
			more, err := a.ReplyToTicket(a.Ctx(), reply)
			if err != nil || !proto.Equal(more, said) {
				t.Errorf("said again: %v, %v; want %v", more, err, said)
			}
		}
		reply.Message.Body = "We are not."
		if _, err := a.ReplyToTicket(a.Ctx(), reply); errs.Reason(err) != "IDEMPOTENCY_KEY_REUSED" {
			t.Errorf("another message under the same id answers %v", err)
		}
		page, err := a.ListMessages(a.Ctx(), &ticketv1.ListMessagesRequest{Parent: first.GetTicket().GetName()})
		if err != nil || len(page.GetMessages()) != 2 {
			t.Errorf("the conversation is %v, %v", page, err)
		}
	})
}

// A deleted contact gets no new tickets; those it has stay.
func TestTicket_ofADeletedContact(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		k := a.opened(t)
		if _, err := a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: k.GetContact()}); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, func() error {
			_, err := a.CreateTicket(a.Ctx(), &ticketv1.CreateTicketRequest{Ticket: complaint(k.GetContact()), ValidateOnly: true})
			if errs.Reason(err) == "CONTACT_DELETED" && errs.Code(err) == codes.FailedPrecondition {
				return nil
			}
			return fmt.Errorf("a ticket of a deleted contact answers %v", err)
		})
		if _, err := a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{Name: k.GetName(), Message: &ticketv1.Message{AuthorKind: byStaff, Body: "Still here"}}); err != nil {
			t.Errorf("its ticket cannot be answered: %v", err)
		}
	})
}
