package matrix

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// unheard are the records that a role may get and does not hear of on timelines: what
// happened to tickets is for those who meet customers.
var unheard = map[auth.Role]string{auth.Marketer: "tickets/", auth.Analyst: "tickets/"}

// What happened to a record is for those who may get the record: no timeline, read or
// watched, tells others even that it is there, and those who may get it see it there, but
// for what is unheard.
func testTimelines(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	told := b.told(t)
	tried := 0
	for _, role := range auth.Roles {
		if b.policy[analyticsv1.CustomerViewService_ListTimeline_FullMethodName][role] != auth.All {
			continue
		}
		hidden, shown := b.onTimelines(role)
		for customer, resources := range told {
			kept := slices.ContainsFunc(resources, func(name string) bool { return hidden[name] })
			if kept {
				tried++
			} else if customer != "customers/"+idOf(b.ours.person) { // of whom there is what is on no timeline
				continue
			}
			c := b.as(role)
			for how, seen := range map[string][]string{"lists": b.timeline(t, c, customer), "watches": b.watched(t, c, customer)} {
				for _, name := range seen {
					if hidden[name] {
						t.Errorf("%s %s what happened to %s, and sees %s", role, how, customer, name)
					}
				}
				for _, name := range resources {
					heard := unheard[role] == "" || !strings.HasPrefix(name, unheard[role])
					if shown[name] && slices.Contains(seen, name) != heard {
						t.Errorf("%s %s what happened to %s, and sees %s: %t", role, how, customer, name, !heard)
					}
				}
			}
		}
	}
	if tried == 0 {
		t.Error("nothing on a timeline is kept from anybody, so this shows nothing")
	}
}

// onTimelines are the names of the records of which a role may not hear, and of those that
// belong to somebody and of which it may.
func (b *board) onTimelines(role auth.Role) (hidden, shown map[string]bool) {
	hidden, shown = map[string]bool{}, map[string]bool{}
	for pattern := range b.ours.creators {
		names := []string{b.ours.own[pattern], b.ours.team[pattern], b.ours.strange[pattern]}
		reached := map[auth.Scope]int{auth.None: 0, auth.Own: 1, auth.Team: 2, auth.All: 3}[b.reach(role, pattern)]
		if !b.ours.owned[pattern] && reached > 0 {
			reached = len(names)
		}
		for i, name := range names {
			if i >= reached {
				hidden[name] = true
			} else if b.ours.owned[pattern] {
				shown[name] = true
			}
		}
	}
	return hidden, shown
}

// told are the records that the timeline of each customer tells of, to those who may read
// all of it.
func (b *board) told(t *testing.T) map[string][]string {
	t.Helper()
	told := map[string][]string{}
	for _, name := range append(slices.Clone(b.ours.all["contacts/*"]), b.ours.person) {
		customer := "customers/" + idOf(name)
		if resources := b.timeline(t, b.head, customer); len(resources) > 0 {
			told[customer] = resources
		}
	}
	return told
}

// timeline answers the resources in all pages of a timeline, each once; none where there is
// no such customer.
func (b *board) timeline(t *testing.T, c auth.Caller, customer string) []string {
	t.Helper()
	resources := map[string]bool{}
	request := &analyticsv1.ListTimelineRequest{Parent: customer, PageSize: 1000}
	for {
		page, err := analyticsv1.NewCustomerViewServiceClient(b.Conn("analytics", c)).ListTimeline(t.Context(), request)
		if status.Code(err) == codes.NotFound { // a contact that was erased
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.GetTimeline() {
			resources[e.GetResource()] = true
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return slices.Sorted(maps.Keys(resources))
		}
	}
}

// watched answers the resources that a watcher hears of from the beginning on, until there
// is nothing for a while.
func (b *board) watched(t *testing.T, c auth.Caller, customer string) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := analyticsv1.NewCustomerViewServiceClient(b.Conn("analytics", c)).WatchCustomer(ctx, &analyticsv1.WatchCustomerRequest{Name: customer, Cursor: "0"})
	if err != nil {
		t.Fatal(err)
	}
	quiet := time.AfterFunc(silence, cancel)
	resources := map[string]bool{}
	for {
		answer, err := stream.Recv()
		if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
			t.Fatal(err)
		}
		if err != nil {
			return slices.Sorted(maps.Keys(resources))
		}
		resources[answer.GetEntry().GetResource()] = true
		quiet.Reset(silence)
	}
}

// silence is how long a watcher waits for another entry.
const silence = 2 * time.Second
