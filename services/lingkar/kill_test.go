package main_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// ledger is what callers know: which of their calls were acknowledged. It lies
// outside of what is killed.
type ledger struct {
	mu    sync.Mutex
	acked map[string]bool // request id, which is also the title
}

func (l *ledger) ack(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[id] = true
}

// open are the calls that were not acknowledged: nobody knows what became of them.
func (l *ledger) open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id, acked := range l.acked {
		if !acked {
			ids = append(ids, id)
		}
	}
	return ids
}

func (l *ledger) begin(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[id] = false
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// TestKillNineLosesNothing kills the whole suite, databases and broker included,
// while several callers record interactions, three times. What was not
// acknowledged is tried again under the same request id. In the end every
// interaction is in the 360-degree view exactly once, each caller's in its order
// (I1, I3, I4 and I13 of the fault catalogue, F01).
func TestKillNineLosesNothing(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := up(t, dir)
	customer, err := contactv1.NewContactServiceClient(s.conn(t)).CreateContact(s.ctx(t), &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Rina"},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{acked: map[string]bool{}}
	for round := range 3 {
		ended := record(t, s, customer.GetName(), l, round)
		s.kill(t)
		ended.Wait()
		s = up(t, dir)
		client := contactv1.NewInteractionServiceClient(s.conn(t))
		for _, id := range l.open() {
			if err := call(s.ctx(t), client, customer.GetName(), id); err != nil {
				t.Fatalf("%s again: %v", id, err)
			}
			l.ack(id)
		}
	}
	if l.size() < 30 {
		t.Fatalf("only %d calls were made", l.size())
	}
	checkTimeline(t, s, customer.GetCustomerId(), l)
	s.stop(t)
}

// record lets four callers record interactions and returns after a second, while
// they still call. They end at the first call that fails.
func record(t *testing.T, s *suite, customer string, l *ledger, round int) *sync.WaitGroup {
	t.Helper()
	callers := &sync.WaitGroup{}
	client := contactv1.NewInteractionServiceClient(s.conn(t))
	ctx := s.ctx(t)
	for caller := range 4 {
		callers.Go(func() {
			for n := range 10_000 {
				id := fmt.Sprintf("%d-%d-%06d", round, caller, n)
				l.begin(id)
				if err := call(ctx, client, customer, id); err != nil {
					return // killed: nobody knows what became of it
				}
				l.ack(id)
			}
		})
	}
	time.Sleep(time.Second)
	return callers
}

func call(ctx context.Context, client contactv1.InteractionServiceClient, customer, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := client.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{
		Interaction: &contactv1.Interaction{
			Contact: customer, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: id,
		},
		RequestId: id,
	})
	return err
}

// checkTimeline compares the whole timeline with the ledger.
func checkTimeline(t *testing.T, s *suite, customer string, l *ledger) {
	t.Helper()
	var titles []string
	deadline := time.Now().Add(60 * time.Second)
	for {
		titles = timeline(t, s, customer)
		if len(titles) >= l.size() || time.Now().After(deadline) {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	seen := map[string]int{}
	for _, title := range titles {
		seen[title]++
	}
	for id := range l.acked {
		if seen[id] != 1 {
			t.Errorf("%s is in the view %d times", id, seen[id])
		}
	}
	if len(titles) != l.size() {
		t.Errorf("the view has %d entries, %d calls were acknowledged", len(titles), l.size())
	}
	if !slices.IsSortedFunc(titles, byCaller) {
		t.Error("a caller's interactions are not in their order")
	}
}

// byCaller compares two interactions of one caller in one round by their order;
// those of others are equal. Newest come first.
func byCaller(a, b string) int {
	if a[:4] != b[:4] || a == b {
		return 0
	}
	if a > b {
		return -1
	}
	return 1
}

// timeline answers the titles of all recorded interactions, newest first.
func timeline(t *testing.T, s *suite, customer string) []string {
	t.Helper()
	client := analyticsv1.NewCustomerViewServiceClient(s.conn(t))
	req := &analyticsv1.ListTimelineRequest{Parent: "customers/" + customer, PageSize: 1000}
	var titles []string
	for {
		page, err := client.ListTimeline(s.ctx(t), req)
		if err != nil {
			t.Logf("timeline: %v", err)
			return nil // the customer itself may not be there yet
		}
		for _, e := range page.GetTimeline() {
			if e.GetChannel() == eventv1.Channel_CHANNEL_PHONE {
				titles = append(titles, e.GetTitle())
			}
		}
		if page.GetNextPageToken() == "" {
			return titles
		}
		req.PageToken = page.GetNextPageToken()
	}
}
