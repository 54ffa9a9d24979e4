package ticket_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

const (
	phone ticket.Channel = 2
	email ticket.Channel = 3
)

var monday = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// opened answers a complaint that came by phone on Monday at nine.
func opened(t interface{ Fatal(...any) }) *ticket.Ticket {
	k := &ticket.Ticket{Contact: uuid.New(), Kind: ticket.Complaint, Channel: phone, Subject: "wrong colour"}
	if _, err := k.Start("T-000001", nil, monday); err != nil {
		t.Fatal(err)
	}
	return k
}

func names(events []entity.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.EventName())
	}
	return all
}

func customer(body string) ticket.Message {
	return ticket.Message{AuthorKind: ticket.Customer, Body: body}
}

func staff(body string) ticket.Message {
	return ticket.Message{AuthorKind: ticket.Staff, Author: "users/ani", Body: body}
}

func TestStart_fillsWhatWasNotGiven(t *testing.T) {
	t.Parallel()
	k := opened(t)
	if k.Severity != ticket.Normal || k.Status != ticket.Open || k.Conversation != "tickets/"+k.ID.String() || !k.OpenTime.Equal(monday) {
		t.Errorf("opened as %+v", k)
	}
}

// A rule that refuses changes nothing and says why.
func TestRules_refuse(t *testing.T) {
	t.Parallel()
	resolve := func(k *ticket.Ticket) ([]entity.Event, error) { return k.Resolve("replaced", "sent another", monday) }
	finish := func(k *ticket.Ticket) ([]entity.Event, error) { return k.Close(true, monday) }
	rate := func(k *ticket.Ticket) ([]entity.Event, error) { return k.Rate(5, "", 0) }
	reopen := func(k *ticket.Ticket) ([]entity.Event, error) { return k.Reopen("still red", monday) }
	type rule = func(*ticket.Ticket) ([]entity.Event, error)
	for name, c := range map[string]struct {
		before []rule
		rule   rule
		reason string
	}{
		"close an open one":      {nil, finish, "TICKET_NOT_RESOLVED"},
		"close a closed one":     {[]rule{resolve, finish}, finish, "TICKET_CLOSED"},
		"rate an open one":       {nil, rate, "TICKET_NOT_RESOLVED"},
		"rate twice":             {[]rule{resolve, rate}, rate, "TICKET_ALREADY_RATED"},
		"rate again when closed": {[]rule{resolve, rate, finish}, rate, "TICKET_ALREADY_RATED"},
		"reopen an open one":     {nil, reopen, "TICKET_NOT_RESOLVED"},
		"resolve twice":          {[]rule{resolve}, resolve, "TICKET_RESOLVED"},
		"resolve a closed one":   {[]rule{resolve, finish}, resolve, "TICKET_CLOSED"},
		"assign a closed one": {[]rule{resolve, finish}, func(k *ticket.Ticket) ([]entity.Event, error) {
			return k.Assign(ticket.Place{Owner: "users/budi"})
		}, "TICKET_CLOSED"},
		"reply to a closed one": {[]rule{resolve, finish}, func(k *ticket.Ticket) ([]entity.Event, error) {
			return k.Reply(customer("hello?"), false, monday)
		}, "TICKET_CLOSED"},
		"a note of the customer": {nil, func(k *ticket.Ticket) ([]entity.Event, error) {
			return k.Reply(ticket.Message{AuthorKind: ticket.Customer, Internal: true}, false, monday)
		}, "NOTE_BY_CUSTOMER"},
		"said in the future": {nil, func(k *ticket.Ticket) ([]entity.Event, error) {
			m := customer("soon")
			m.SayTime = monday.Add(time.Hour)
			return k.Reply(m, false, monday)
		}, "TIME_IN_FUTURE"},
		"the customer waits for itself": {nil, func(k *ticket.Ticket) ([]entity.Event, error) {
			return k.Reply(customer("well?"), true, monday)
		}, "WAIT_WITHOUT_QUESTION"},
		"wait when resolved": {[]rule{resolve}, func(k *ticket.Ticket) ([]entity.Event, error) {
			return k.Reply(staff("is it fine?"), true, monday)
		}, "TICKET_RESOLVED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := opened(t)
			for _, before := range c.before {
				if _, err := before(k); err != nil {
					t.Fatal(err)
				}
			}
			status, said := k.Status, len(k.Said())
			events, err := c.rule(k)
			if errs.Reason(err) != c.reason || events != nil {
				t.Errorf("answered %v, %v; want %s", names(events), err, c.reason)
			}
			if k.Status != status || len(k.Said()) != said {
				t.Error("a refused rule changed the ticket")
			}
		})
	}
}

func TestReply_reopensAResolvedTicket(t *testing.T) {
	t.Parallel()
	k := opened(t)
	if _, err := k.Resolve("replaced", "sent another", monday.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rate(2, "too late", email); err != nil {
		t.Fatal(err)
	}
	events, err := k.Reply(customer("still the wrong one"), false, monday.Add(2*time.Hour))
	if err != nil || !slices.Equal(names(events), []string{"TicketReplied", "TicketReopened"}) {
		t.Fatalf("answered %v, %v", names(events), err)
	}
	if k.Status != ticket.Open || k.ReopenCount != 1 || k.Satisfaction != 0 || k.ResolutionCode != "" || k.ResolveTime != nil {
		t.Errorf("reopened as %+v", k)
	}
	if _, err := k.Resolve("refunded", "money back", monday.Add(3*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rate(4, "", 0); err != nil {
		t.Errorf("the second resolution cannot be rated: %v", err)
	}
}

func TestReply_firstResponse(t *testing.T) {
	t.Parallel()
	k := opened(t)
	note := staff("ask the warehouse")
	note.Internal = true
	for i, m := range []ticket.Message{note, customer("any news?"), staff("we look into it"), staff("found it")} {
		if _, err := k.Reply(m, false, monday.Add(time.Duration(i+1)*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if answered := k.FirstResponseTime != nil; answered != (i >= 2) {
			t.Errorf("after message %d answered is %v", i, answered)
		}
	}
	if want := monday.Add(3 * time.Minute); !k.FirstResponseTime.Equal(want) {
		t.Errorf("first response at %v, want %v", k.FirstResponseTime, want)
	}
	var directions []ticket.Direction
	for _, m := range k.Said() {
		directions = append(directions, m.Direction)
	}
	if want := []ticket.Direction{ticket.Internal, ticket.Inbound, ticket.Outbound, ticket.Outbound}; !slices.Equal(directions, want) {
		t.Errorf("directions %v, want %v", directions, want)
	}
}

func TestReply_pendingEndsWithTheCustomer(t *testing.T) {
	t.Parallel()
	k := opened(t)
	for _, step := range []struct {
		m    ticket.Message
		wait bool
		want ticket.Status
	}{
		{staff("which colour did you order?"), true, ticket.Pending},
		{staff("and when?"), false, ticket.Pending},
		{customer("blue"), false, ticket.Open},
	} {
		if _, err := k.Reply(step.m, step.wait, monday); err != nil || k.Status != step.want {
			t.Fatalf("after %q the status is %d, %v; want %d", step.m.Body, k.Status, err, step.want)
		}
	}
}

func TestAssign_toTheSamePlaceIsNothing(t *testing.T) {
	t.Parallel()
	k, q := opened(t), uuid.New()
	again := q
	if events, err := k.Assign(ticket.Place{Owner: "users/ani", Queue: &q}); err != nil || len(events) != 1 {
		t.Fatalf("answered %v, %v", names(events), err)
	}
	if events, err := k.Assign(ticket.Place{Owner: "users/ani", Queue: &again}); err != nil || events != nil {
		t.Errorf("answered %v, %v", names(events), err)
	}
}

// TestLifecycle_addsUp runs rules in any order: whatever they answer, the time in
// all statuses adds up to the ticket's age, and what belongs to a status is there
// exactly while it lasts (SVC-21).
func TestLifecycle_addsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := opened(t)
		now := monday
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "pause")))
			act(t, k, now)
			settled := k.Status == ticket.Resolved || k.Status == ticket.Closed
			if (k.ResolveTime != nil) != settled || (k.ResolutionCode != "") != settled || (k.CloseTime != nil) != (k.Status == ticket.Closed) {
				t.Fatalf("status %d with resolve time %v and close time %v", k.Status, k.ResolveTime, k.CloseTime)
			}
			if k.Satisfaction != 0 && !settled {
				t.Fatal("an unsettled ticket is rated")
			}
			if age := k.OpenFor + k.PendingFor + k.ResolvedFor + k.ClosedFor + now.Sub(k.StatusTime); age != now.Sub(monday) {
				t.Fatalf("the statuses add up to %v of %v", age, now.Sub(monday))
			}
		}
	})
}

// act runs one rule, and checks that it was allowed exactly where Actions offers
// it.
func act(t *rapid.T, k *ticket.Ticket, now time.Time) {
	offered := k.Actions()
	verb := rapid.SampledFrom([]string{"ReplyToTicket", "AssignTicket", "ResolveTicket", "ReopenTicket", "CloseTicket", "RateTicket"}).Draw(t, "verb")
	var err error
	switch verb {
	case "ReplyToTicket":
		_, err = k.Reply(rapid.SampledFrom([]ticket.Message{customer("a"), staff("b")}).Draw(t, "message"), false, now)
	case "AssignTicket":
		_, err = k.Assign(ticket.Place{Owner: "users/x"})
	case "ResolveTicket":
		_, err = k.Resolve("done", "done", now)
	case "ReopenTicket":
		_, err = k.Reopen("not done", now)
	case "CloseTicket":
		_, err = k.Close(true, now)
	case "RateTicket":
		_, err = k.Rate(3, "", 0)
	}
	if (err == nil) != slices.Contains(offered, verb) {
		t.Fatalf("%s in status %d answers %v, offered are %v", verb, k.Status, err, offered)
	}
}
