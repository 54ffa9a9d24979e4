package server_test

import (
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

func TestTicket_standardMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"SVC-02"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		asked := complaint(a.customer(t))
		asked.Order, asked.Asset = "orders/0190a000-0000-7000-8000-0000000000aa", "assets/0190a000-0000-7000-8000-0000000000bb"
		asked.ExternalIds = map[string]string{"legacy": "4711-" + c.Transport}
		asked.Labels = map[string]string{"product": "router"}
		k, err := a.CreateTicket(a.Ctx(), &ticketv1.CreateTicketRequest{Ticket: asked})
		if err != nil || k.GetSeverity() != ticketv1.TicketSeverity_TICKET_SEVERITY_NORMAL || k.GetOrder() != asked.Order || k.GetAsset() != asked.Asset {
			t.Fatalf("created %v, %v", k, err)
		}
		if got, err := a.GetTicket(a.Ctx(), &ticketv1.GetTicketRequest{Name: k.GetName()}); err != nil || !proto.Equal(got, k) {
			t.Errorf("got %v, %v; want %v", got, err, k)
		}
		if _, err := of(a.Other()).GetTicket(a.Ctx(), &ticketv1.GetTicketRequest{Name: k.GetName()}); errs.Reason(err) != "TICKET_NOT_FOUND" {
			t.Errorf("the other tenant's answer is %v", err)
		}
		if _, err := a.CreateTicket(a.Ctx(), &ticketv1.CreateTicketRequest{Ticket: asked}); errs.Reason(err) != "EXTERNAL_ID_TAKEN" || errs.Code(err) != codes.AlreadyExists {
			t.Errorf("a second ticket under the same external id answers %v", err)
		}

		changed, err := a.UpdateTicket(a.Ctx(), &ticketv1.UpdateTicketRequest{
			Ticket: &ticketv1.Ticket{
				Name: k.GetName(), Etag: k.GetEtag(), Severity: ticketv1.TicketSeverity_TICKET_SEVERITY_CRITICAL,
				Number: "T-1", Status: ticketv1.TicketStatus_TICKET_STATUS_CLOSED, Satisfaction: 5,
			},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"severity", "number", "status", "satisfaction", "external_ids"}},
		})
		want := proto.CloneOf(k)
		want.Severity, want.ExternalIds = ticketv1.TicketSeverity_TICKET_SEVERITY_CRITICAL, nil
		want.Etag, want.UpdateTime = changed.GetEtag(), changed.GetUpdateTime()
		if err != nil || !proto.Equal(changed, want) || changed.GetEtag() == k.GetEtag() {
			t.Errorf("changed to %v, %v; want %v", changed, err, want)
		}

		gone, err := a.DeleteTicket(a.Ctx(), &ticketv1.DeleteTicketRequest{Name: k.GetName()})
		if err != nil || gone.GetDeleteTime() == nil || !slices.Equal(gone.GetAllowedActions(), []string{"UndeleteTicket"}) {
			t.Errorf("deleted as %v, %v", gone, err)
		}
		if _, err := a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: k.GetName(), ResolutionCode: "x", Resolution: "x"}); errs.Reason(err) != "DELETED" {
			t.Errorf("a deleted ticket is resolved: %v", err)
		}
		back, err := a.UndeleteTicket(a.Ctx(), &ticketv1.UndeleteTicketRequest{Name: k.GetName()})
		if err != nil || back.GetDeleteTime() != nil {
			t.Errorf("undeleted as %v, %v", back, err)
		}
	})
}

// What a person works off is a list by owner, queue and status.
func TestListTickets(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, nil, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		q, err := a.CreateQueue(a.Ctx(), &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: "Second level " + c.Transport}})
		if err != nil {
			t.Fatal(err)
		}
		mine, other := a.opened(t), a.opened(t)
		assigned, err := a.AssignTicket(a.Ctx(), &ticketv1.AssignTicketRequest{Name: mine.GetName(), Owner: "users/ani-" + c.Transport, Queue: q.GetName()})
		if err != nil || assigned.GetOwner() != "users/ani-"+c.Transport || assigned.GetQueue() != q.GetName() {
			t.Fatalf("assigned %v, %v", assigned, err)
		}
		for filter, want := range map[string][]string{
			`owner = "users/ani-` + c.Transport + `" AND status = OPEN`:              {mine.GetName()},
			`owner = "users/ani-` + c.Transport + `" AND status = PENDING`:           nil,
			`queue = "` + q.GetName() + `" AND status = TICKET_STATUS_OPEN`:          {mine.GetName()},
			`contact = "` + other.GetContact() + `"`:                                 {other.GetName()},
			`conversation = "` + other.GetName() + `"`:                               {other.GetName()},
			`number = "` + mine.GetNumber() + `"`:                                    {mine.GetName()},
			`contact = "` + other.GetContact() + `" AND kind = REQUEST`:              nil,
			`contact = "` + other.GetContact() + `" AND cause_code = "wrong-colour"`: {other.GetName()},
		} {
			if got := namesOf(t, a, filter); !slices.Equal(got, want) {
				t.Errorf("%s lists %v, want %v", filter, got, want)
			}
			if got := namesOf(t, of(a.Other()), filter); len(got) != 0 {
				t.Errorf("%s lists %v for the other tenant", filter, got)
			}
		}
		// Sales sees what the desk has open; a marketer may read, not write.
		if got := namesOf(t, of(a.As(s.As(auth.Sales))), `number = "`+mine.GetNumber()+`"`); len(got) != 1 {
			t.Errorf("sales sees %v", got)
		}
		if _, err := of(a.As(s.As(auth.Marketer))).AssignTicket(a.Ctx(), &ticketv1.AssignTicketRequest{Name: mine.GetName()}); errs.Reason(err) != "RPC_NOT_ALLOWED" {
			t.Errorf("a marketer assigns: %v", err)
		}
		if _, err := of(a.As(s.As(auth.Portal))).GetTicket(a.Ctx(), &ticketv1.GetTicketRequest{Name: mine.GetName()}); errs.Reason(err) != "PORTAL_ACCESS_MISSING" {
			t.Errorf("one whom nobody gave access reads it through a portal: %v", err)
		}
	})
}

// namesOf lists tickets page by page, and answers their names.
func namesOf(t *testing.T, a *api, filter string) (names []string) {
	t.Helper()
	req := &ticketv1.ListTicketsRequest{Filter: filter, PageSize: 1}
	for {
		page, err := a.ListTickets(a.Ctx(), req)
		if err != nil {
			t.Fatalf("%s: %v", filter, err)
		}
		for _, k := range page.GetTickets() {
			names = append(names, k.GetName())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return names
		}
	}
}

// A message of the customer takes a settled matter up again, and the next
// resolution is rated anew.
func TestReply_reopens(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"SVC-19"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		k := a.resolved(t)
		if _, err := a.RateTicket(a.Ctx(), &ticketv1.RateTicketRequest{Name: k.GetName(), Satisfaction: 1}); err != nil {
			t.Fatal(err)
		}
		again, err := a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{
			Name: k.GetName(), Message: &ticketv1.Message{AuthorKind: byCustomer, Channel: email, Body: "Red again!"},
		})
		if got := again.GetTicket(); err != nil || got.GetStatus() != ticketv1.TicketStatus_TICKET_STATUS_OPEN || got.GetReopenCount() != 1 || got.GetSatisfaction() != 0 {
			t.Fatalf("reopened as %v, %v", again, err)
		}
		events := eventsOf(t, s, k.GetName(), 5)
		last := events[len(events)-1]
		if last.GetType() != "lingkar.ticket.v1.TicketReopened" || last.GetInteraction() != nil {
			t.Errorf("the last event is %v", last)
		}
		if _, err := a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: k.GetName(), ResolutionCode: "refunded", Resolution: "Money back"}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.RateTicket(a.Ctx(), &ticketv1.RateTicketRequest{Name: k.GetName(), Satisfaction: 3}); err != nil {
			t.Errorf("the second resolution cannot be rated: %v", err)
		}
		if _, err := a.RateTicket(a.Ctx(), &ticketv1.RateTicketRequest{Name: k.GetName(), Satisfaction: 5}); errs.Reason(err) != "TICKET_ALREADY_RATED" {
			t.Errorf("rated twice: %v", err)
		}
	})
}

// Numbers are given once, and what many do to one ticket at once is what its
// events say.
func TestTicket_underContention(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Agent)))
	customer := of(s.Client(t, s.As(auth.Admin))).customer(t)
	const agents = 16
	var (
		group   sync.WaitGroup
		mu      sync.Mutex
		numbers = map[string]bool{}
		rated   int
	)
	k := of(s.Client(t, s.As(auth.Admin))).resolved(t)
	for i := range agents {
		group.Go(func() {
			opened, err := a.CreateTicket(t.Context(), &ticketv1.CreateTicketRequest{Ticket: complaint(customer)})
			if err != nil {
				t.Error(err)
			}
			_, err = a.RateTicket(t.Context(), &ticketv1.RateTicketRequest{Name: k.GetName(), Satisfaction: int32(1 + i%5)})
			mu.Lock()
			defer mu.Unlock()
			numbers[opened.GetNumber()] = true
			switch {
			case err == nil:
				rated++
			case errs.Reason(err) != "TICKET_ALREADY_RATED":
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(numbers) != agents || rated != 1 {
		t.Errorf("%d numbers for %d tickets, rated %d times", len(numbers), agents, rated)
	}
	events := eventsOf(t, s, k.GetName(), 3)
	for i, e := range events {
		if e.GetAggregateSeq() != int64(i+1) {
			t.Errorf("event %d has the number %d", i, e.GetAggregateSeq())
		}
	}
	if len(events) != 3 {
		t.Errorf("%d events, want 3", len(events))
	}
}
