package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/workload"
)

const (
	interactionMethod = contactv1.InteractionService_RecordInteraction_FullMethodName
	openedEvent       = "lingkar.ticket.v1.TicketOpened"
)

// views checks the timelines of all customers against the ledger: what was
// acknowledged is there once, what was refused is not, what is unknown is there
// once at most, and each customer's interactions stand in the order in which its
// one client recorded them (I1).
func (r *Run) views(ctx context.Context) Result {
	result := Result{ID: "I1", Title: "what was acknowledged is in the 360-degree view exactly once, in its order"}
	customers := map[string][]*ledger.Op{} // of each contact, in order
	tenant := map[string]int{}
	for _, op := range r.Ops {
		if op.Family != "" {
			continue // the check of families looks at them
		}
		if op.Kind == "create contact" && op.Outcome == ledger.OK {
			name := op.Answer.(*contactv1.Contact).GetName()
			customers[name] = append(customers[name], nil)
			tenant[name] = op.Tenant
		}
	}
	for _, op := range r.Ops {
		if op.Family == "" && op.Subject != "" && (op.Method == interactionMethod || op.Kind == "open ticket") {
			customers[op.Subject] = append(customers[op.Subject], op)
			tenant[op.Subject] = op.Tenant
		}
	}
	compared := 0
	for name, ops := range customers {
		entries, err := timeline(ctx, r.Load.Doors(tenant[name]), name)
		if err != nil {
			result.breach("the timeline of %s: %v", name, err)
			continue
		}
		compared += len(entries)
		compareTimeline(&result, name, ops, entries)
	}
	result.Evidence = fmt.Sprintf("%d entries of %d customers", compared, len(customers))
	return result
}

func compareTimeline(result *Result, name string, ops []*ledger.Op, entries []*analyticsv1.TimelineEntry) {
	seen, events := map[string]int{}, map[string]int{}
	var titles []string
	for _, e := range entries {
		events[e.GetEventId()]++
		if e.GetType() == openedEvent {
			seen[e.GetResource()]++
		}
		if strings.HasPrefix(e.GetResource(), "interactions/") {
			seen[e.GetTitle()]++
			titles = append(titles, e.GetTitle())
		}
	}
	for id, n := range events {
		if n != 1 {
			result.breach("%s: event %s is there %d times", name, id, n)
		}
	}
	for _, op := range ops {
		if op == nil {
			continue // the contact itself
		}
		key := op.ID
		if opened, ok := op.Answer.(*ticketv1.OpenTicketResponse); ok {
			key = opened.GetTicket().GetName()
		}
		n := seen[key]
		if op.Outcome == ledger.OK && n != 1 || op.Outcome == ledger.Failed && n != 0 || n > 1 {
			result.breach("%s: %s %s was %s and is there %d times", name, op.Kind, op.ID, op.Outcome, n)
		}
	}
	slices.Reverse(titles) // the newest comes first
	if !slices.IsSorted(titles) {
		result.breach("%s: its interactions are not in their order: %v", name, titles)
	}
}

// timeline answers the whole timeline of a contact, newest first.
func timeline(ctx context.Context, d workload.Doors, contact string) ([]*analyticsv1.TimelineEntry, error) {
	client := analyticsv1.NewCustomerViewServiceClient(d.GRPC)
	req := &analyticsv1.ListTimelineRequest{Parent: strings.Replace(contact, "contacts/", "customers/", 1), PageSize: 1000}
	var all []*analyticsv1.TimelineEntry
	for {
		page, err := client.ListTimeline(ctx, req)
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetTimeline()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all, nil
		}
	}
}

// acknowledged reads every resource that an acknowledged call made or changed from
// the service that owns it, and compares its state with the last one that was
// told; another tenant must not find it (I13, and I10 over the door).
func (r *Run) acknowledged(ctx context.Context) Result {
	result := Result{ID: "I13", Title: "what was acknowledged is there, with the state that was told"}
	states := map[string]string{} // resource to state
	tenant := map[string]int{}
	for _, op := range r.Ops {
		if op.Outcome != ledger.OK || !op.Writes || op.Family != "" {
			continue
		}
		if name, state := stateOf(op); name != "" {
			states[name], tenant[name] = state, op.Tenant
		}
	}
	strangers := 0
	for name, want := range states {
		got, err := read(ctx, r.Load.Doors(tenant[name]), name)
		if err != nil || got != want {
			result.breach("%s was told to be %q and is %q (%v)", name, want, got, err)
		}
		if len(r.Tenants) > 1 && r.Random.IntN(10) == 0 {
			strangers++
			if _, err := read(ctx, r.Load.Doors((tenant[name]+1)%len(r.Tenants)), name); status.Code(err) != codes.NotFound {
				result.breach("I10: another tenant asks for %s and is answered %v", name, err)
			}
		}
	}
	result.Evidence = fmt.Sprintf("%d resources, %d of them as another tenant too", len(states), strangers)
	return result
}

// stateOf answers the resource of an acknowledged call and its state after it.
func stateOf(op *ledger.Op) (name, state string) {
	switch a := op.Answer.(type) {
	case *contactv1.Contact:
		return a.GetName(), a.GetDisplayName()
	case *contactv1.Interaction:
		return a.GetName(), a.GetTitle()
	case *salesv1.Opportunity:
		return a.GetName(), a.GetStage()
	case *ticketv1.OpenTicketResponse:
		return a.GetTicket().GetName(), a.GetTicket().GetStatus().String()
	case *ticketv1.ReplyToTicketResponse:
		return a.GetTicket().GetName(), a.GetTicket().GetStatus().String()
	case *ticketv1.Ticket:
		return a.GetName(), a.GetStatus().String()
	}
	return "", ""
}

// read answers the state of a resource as its service has it.
func read(ctx context.Context, d workload.Doors, name string) (string, error) {
	kind, _, _ := strings.Cut(name, "/")
	switch kind {
	case "contacts":
		a, err := contactv1.NewContactServiceClient(d.GRPC).GetContact(ctx, &contactv1.GetContactRequest{Name: name})
		return a.GetDisplayName(), err
	case "interactions":
		a, err := contactv1.NewInteractionServiceClient(d.GRPC).GetInteraction(ctx, &contactv1.GetInteractionRequest{Name: name})
		return a.GetTitle(), err
	case "opportunities":
		a, err := salesv1.NewOpportunityServiceClient(d.GRPC).GetOpportunity(ctx, &salesv1.GetOpportunityRequest{Name: name})
		return a.GetStage(), err
	case "tickets":
		a, err := ticketv1.NewTicketServiceClient(d.GRPC).GetTicket(ctx, &ticketv1.GetTicketRequest{Name: name})
		return a.GetStatus().String(), err
	}
	return "", fmt.Errorf("nobody knows how to read a %s", kind)
}
