package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

const (
	inPerson = eventv1.Channel_CHANNEL_IN_PERSON
	phone    = eventv1.Channel_CHANNEL_PHONE
	email    = eventv1.Channel_CHANNEL_EMAIL
	web      = eventv1.Channel_CHANNEL_WEB

	byCustomer = ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER
	byStaff    = ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF
)

// A complaint comes by phone, is answered by e-mail in the same conversation,
// resolved, confirmed by the customer and rated.
func TestComplaint_fromTheCallToTheRating(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"SVC-02", "SVC-19", "SVC-21", "SVC-26"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		s.Clock.Set(time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC))
		first, err := a.OpenTicket(a.Ctx(), &ticketv1.OpenTicketRequest{
			Ticket:  complaint(a.customer(t)),
			Message: &ticketv1.Message{AuthorKind: byCustomer, Body: "I ordered blue and got red."},
		})
		if err != nil {
			t.Fatal(err)
		}
		k := first.GetTicket()
		if k.GetNumber() == "" || k.GetStatus() != ticketv1.TicketStatus_TICKET_STATUS_OPEN || k.GetConversation() != k.GetName() {
			t.Fatalf("opened as %v", k)
		}
		if m := first.GetMessage(); m.GetChannel() != phone || m.GetDirection() != eventv1.Direction_DIRECTION_INBOUND || m.GetAuthor() != k.GetContact() {
			t.Errorf("the first message is %v", m)
		}

		s.Clock.Advance(time.Hour)
		answered, err := a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{
			Name: k.GetName(), WaitForCustomer: true,
			Message: &ticketv1.Message{AuthorKind: byStaff, Channel: email, Body: "Shall we send a blue one?"},
		})
		if err != nil || answered.GetTicket().GetStatus() != ticketv1.TicketStatus_TICKET_STATUS_PENDING {
			t.Fatalf("answered %v, %v", answered, err)
		}
		if got := answered.GetTicket().GetFirstResponseTime().AsTime().Sub(k.GetOpenTime().AsTime()); got != time.Hour {
			t.Errorf("the first response took %v", got)
		}

		s.Clock.Advance(2 * time.Hour)
		for _, m := range []*ticketv1.Message{
			{AuthorKind: byCustomer, Channel: web, Body: "Yes, please."},
			{AuthorKind: byStaff, Body: "Warehouse: blue is in stock.", Internal: true},
			{AuthorKind: byStaff, Channel: inPerson, Body: "Here it is."},
		} {
			if _, err := a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{Name: k.GetName(), Message: m}); err != nil {
				t.Fatal(err)
			}
		}

		s.Clock.Advance(3 * time.Hour)
		k, err = a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: k.GetName(), ResolutionCode: "replaced", Resolution: "Blue one handed over"})
		if err != nil || k.GetResolveTime() == nil {
			t.Fatalf("resolved as %v, %v", k, err)
		}
		s.Clock.Advance(4 * time.Hour)
		k, err = a.CloseTicket(a.Ctx(), &ticketv1.CloseTicketRequest{Name: k.GetName(), CustomerConfirmed: true})
		if err != nil || !k.GetCustomerConfirmed() || k.GetStatus() != ticketv1.TicketStatus_TICKET_STATUS_CLOSED {
			t.Fatalf("closed as %v, %v", k, err)
		}
		k, err = a.RateTicket(a.Ctx(), &ticketv1.RateTicketRequest{Name: k.GetName(), Satisfaction: 4, Comment: "Quick", Channel: web})
		if err != nil || k.GetSatisfaction() != 4 {
			t.Fatalf("rated as %v, %v", k, err)
		}
		// An hour open before the answer, three after the customer's; two pending;
		// four resolved.
		times := k.GetStatusTimes()
		if times.GetOpen().AsDuration() != 4*time.Hour || times.GetPending().AsDuration() != 2*time.Hour || times.GetResolved().AsDuration() != 4*time.Hour {
			t.Errorf("the steps took %v", times)
		}
		demandConversation(t, a, k)
		demandTimeline(t, s, a, k)
	})
}

// The same words lead to the same state, on whatever channel they come.
func TestRules_areTheSameOnEveryChannel(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"SVC-25"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		customer := a.customer(t)
		for channel, name := range eventv1.Channel_name {
			if channel == 0 {
				continue
			}
			k := complaint(customer)
			k.Channel = eventv1.Channel(channel)
			opened, err := a.OpenTicket(a.Ctx(), &ticketv1.OpenTicketRequest{Ticket: k, Message: &ticketv1.Message{AuthorKind: byCustomer, Body: "Red!"}})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			id := opened.GetTicket().GetName()
			if _, err := a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: id, ResolutionCode: "replaced", Resolution: "Sent another"}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			again, err := a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{Name: id, Message: &ticketv1.Message{AuthorKind: byCustomer, Body: "Red again!"}})
			if got := again.GetTicket(); err != nil || got.GetStatus() != ticketv1.TicketStatus_TICKET_STATUS_OPEN || got.GetReopenCount() != 1 || again.GetMessage().GetChannel() != k.GetChannel() {
				t.Errorf("%s: %v, %v", name, again, err)
			}
		}
	})
}

// demandConversation demands the five messages of the story, oldest first, and
// nothing for the other tenant.
func demandConversation(t *testing.T, a *api, k *ticketv1.Ticket) {
	t.Helper()
	var channels []eventv1.Channel
	req := &ticketv1.ListMessagesRequest{Parent: k.GetName(), PageSize: 2}
	for {
		page, err := a.ListMessages(a.Ctx(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.GetMessages() {
			channels = append(channels, m.GetChannel())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if want := []eventv1.Channel{phone, email, web, phone, inPerson}; !slices.Equal(channels, want) {
		t.Errorf("the conversation went over %v, want %v", channels, want)
	}
	open, err := a.ListMessages(a.Ctx(), &ticketv1.ListMessagesRequest{Parent: k.GetName(), Filter: "internal = false AND direction = INBOUND"})
	if err != nil || len(open.GetMessages()) != 2 {
		t.Errorf("the customer's words are %v, %v", open, err)
	}
	if _, err := of(a.Other()).ListMessages(a.Ctx(), req); errs.Reason(err) != "TICKET_NOT_FOUND" {
		t.Errorf("the other tenant's answer is %v", err)
	}
}

// demandTimeline demands what the story leaves on the customer's timeline: one
// conversation, each entry with its channel and direction, personal words sealed.
func demandTimeline(t *testing.T, s *testkit.Suite, a *api, k *ticketv1.Ticket) {
	t.Helper()
	want := []string{
		"TicketOpened PHONE INBOUND",
		"TicketReplied EMAIL OUTBOUND",
		"TicketReplied WEB INBOUND",
		"TicketReplied PHONE INTERNAL",
		"TicketReplied IN_PERSON OUTBOUND",
		"TicketResolved",
		"TicketClosed",
		"TicketRated WEB INBOUND",
	}
	events := eventsOf(t, s, k.GetName(), len(want))
	var got []string
	for i, e := range events {
		line := strings.TrimPrefix(e.GetType(), "lingkar.ticket.v1.")
		if in := e.GetInteraction(); in != nil {
			line += " " + strings.TrimPrefix(in.GetChannel().String(), "CHANNEL_") + " " + strings.TrimPrefix(in.GetDirection().String(), "DIRECTION_")
			if in.GetConversation() != k.GetName() {
				t.Errorf("%s is in the conversation %q", e.GetType(), in.GetConversation())
			}
		}
		got = append(got, line)
		if e.GetAggregateSeq() != int64(i+1) || e.GetContacts()[0] != k.GetContact() || e.GetSealed() == nil {
			t.Errorf("event %d is %v", i, e)
		}
		if open := e.String(); strings.Contains(open, "Wrong colour") || strings.Contains(open, "blue") {
			t.Errorf("event %d tells personal words: %s", i, open)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the events are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
