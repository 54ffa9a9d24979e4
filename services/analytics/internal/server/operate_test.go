package server_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// I8: a rebuild gives the same bytes, while calls are answered and events come in.
func TestRebuildProjections(t *testing.T) {
	t.Parallel()
	s := start(t)
	both(t, s, nil, func(t *testing.T, a *api) {
		operator := a.as(s.As(auth.Operator))
		c := a.customer(t, "Ibu Siti")
		for range 20 {
			a.meet(t, c, chat, "before")
			a.bought(t, a.customer(t, "buyer"), rupiah(7), s.Clock.Now())
		}
		a.settle(t, number(c))

		ctx, stop := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		busy.Go(func() { a.keepWriting(ctx, t, c.GetName()) })
		busy.Go(func() { a.keepReading(ctx, t, number(c)) })
		for range 3 {
			op := must(operator.RebuildProjections(a.Ctx(), &analyticsv1.RebuildProjectionsRequest{BatchSize: 17, Compare: true}))(t)
			result := operator.finished(t, op)
			if len(result.GetProjections()) < 5 {
				t.Fatalf("the rebuild compared %v", result.GetProjections())
			}
			for _, p := range result.GetProjections() {
				if p.GetLiveSha256() != p.GetRebuiltSha256() {
					t.Errorf("%s differs: %v", p.GetProjection(), p)
				}
			}
		}
		stop()
		busy.Wait()

		request := &analyticsv1.RebuildProjectionsRequest{RequestId: "once " + a.Transport}
		first := must(operator.RebuildProjections(a.Ctx(), request))(t)
		operator.finished(t, first)
		if again := must(operator.RebuildProjections(a.Ctx(), request))(t); again.GetName() != first.GetName() {
			t.Errorf("the same request answers %v", again)
		}
		if v := a.view(t, number(c)); len(v.GetTimeline()) < 21 || v.GetTimelineStatus().GetState() != ok {
			t.Errorf("after the rebuild: %d entries, %v", len(v.GetTimeline()), v.GetTimelineStatus())
		}
		_, err := a.RebuildProjections(a.Ctx(), &analyticsv1.RebuildProjectionsRequest{})
		refused(t, "an admin of a tenant", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		_, err = operator.GetRebuild(a.Ctx(), &analyticsv1.GetRebuildRequest{Name: "operations/analytics-01890000-0000-7000-8000-000000000000"})
		refused(t, "an unknown operation", err, codes.NotFound, "OPERATION_NOT_FOUND")
	})
}

// finished waits for the end of a rebuild.
func (a *api) finished(t *testing.T, op *longrunningpb.Operation) *analyticsv1.RebuildProjectionsResponse {
	t.Helper()
	testkit.Eventually(t, func() error {
		var err error
		if op, err = a.GetRebuild(a.Ctx(), &analyticsv1.GetRebuildRequest{Name: op.GetName()}); err != nil {
			return err
		}
		if !op.GetDone() {
			return fmt.Errorf("it is not done: %v", op.GetMetadata())
		}
		return nil
	})
	if op.GetError() != nil {
		t.Fatal(op.GetError())
	}
	result := &analyticsv1.RebuildProjectionsResponse{}
	if err := op.GetResponse().UnmarshalTo(result); err != nil {
		t.Fatal(err)
	}
	metadata := &analyticsv1.RebuildProjectionsMetadata{}
	if err := op.GetMetadata().UnmarshalTo(metadata); err != nil || metadata.GetDone() == 0 || metadata.GetTotal() < metadata.GetDone() {
		t.Errorf("metadata %v, %v", metadata, err)
	}
	return result
}

func (a *api) keepWriting(ctx context.Context, t *testing.T, contact string) {
	for ctx.Err() == nil {
		if _, err := a.RecordInteraction(ctx, recording(contact, "meanwhile")); err != nil && ctx.Err() == nil {
			t.Errorf("write during the rebuild: %v", err)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (a *api) keepReading(ctx context.Context, t *testing.T, name string) {
	for last := 0; ctx.Err() == nil; {
		v, err := a.GetCustomerView(ctx, &analyticsv1.GetCustomerViewRequest{Name: name, PageSize: 1000})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Errorf("read during the rebuild: %v", err)
			return
		}
		for section, status := range statuses(v) {
			if status.GetState() == failed {
				t.Errorf("during the rebuild %s is %v", section, status)
			}
		}
		if len(v.GetTimeline()) < last {
			t.Errorf("the timeline shrank from %d to %d entries", last, len(v.GetTimeline()))
		}
		last = len(v.GetTimeline())
	}
}

// The events of a tenant are read in the order in which they came, from any
// cursor, and by nobody else.
func testEvents(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-34"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Siti")
		other := a.customer(t, "Pak Budi")
		for i := range 9 {
			a.meet(t, []*contactv1.Contact{c, other}[i%2], chat, fmt.Sprint("talk ", i))
		}
		a.settle(t, number(c))
		var got []string
		for cursor, more := "", true; more; {
			page := must(a.ListEvents(a.Ctx(), &analyticsv1.ListEventsRequest{Cursor: cursor, PageSize: 2, Contact: c.GetName()}))(t)
			for _, e := range page.GetEvents() {
				if e.GetType() == "lingkar.contact.v1.LifecycleChanged" {
					continue // it comes a moment later
				}
				got = append(got, e.GetInteraction().GetTitle())
			}
			cursor, more = page.GetNextCursor(), page.GetMore()
		}
		if want := []string{"", "talk 0", "talk 2", "talk 4", "talk 6", "talk 8"}; !slices.Equal(got, want) {
			t.Errorf("the contact's events are %q, want %q", got, want)
		}
		created := must(a.ListEvents(a.Ctx(), &analyticsv1.ListEventsRequest{Types: []string{"lingkar.contact.v1.ContactCreated"}}))(t)
		if len(created.GetEvents()) < 2 || created.GetMore() || created.GetEvents()[0].GetSealed() != nil {
			t.Errorf("of one type: %v", created)
		}
		if n := len(must(a.other().ListEvents(a.Ctx(), &analyticsv1.ListEventsRequest{}))(t).GetEvents()); n != 0 {
			t.Errorf("the other tenant reads %d events", n)
		}
		_, err := a.ListEvents(a.Ctx(), &analyticsv1.ListEventsRequest{Cursor: "-1"})
		refused(t, "a cursor that is none", err, codes.InvalidArgument, "CURSOR_INVALID")
		_, err = a.as(s.As(auth.Agent)).ListEvents(a.Ctx(), &analyticsv1.ListEventsRequest{})
		refused(t, "an agent", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")

		fresh := must(a.GetFreshness(a.Ctx(), &analyticsv1.GetFreshnessRequest{}))(t)
		if len(fresh.GetAreas()) != 5 || fresh.GetAreas()[0].GetArea() != "contact" || len(fresh.GetAreas()[0].GetPartitions()) == 0 {
			t.Errorf("freshness %v", fresh)
		}
		for _, area := range fresh.GetAreas() {
			if area.GetError() != nil {
				t.Errorf("%s: %v", area.GetArea(), area.GetError())
			}
		}
	})
}

// A watcher hears of each new entry once and in order, also after it came back
// with its cursor, and of nobody else's.
func testWatch(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-35"}, func(t *testing.T, a *api) {
		c, other := a.customer(t, "Ibu Siti"), a.customer(t, "Pak Budi")
		a.settle(t, number(c))
		a.settle(t, number(other))
		ctx, cancel := context.WithCancel(a.Ctx())
		stream := must(a.WatchCustomer(ctx, &analyticsv1.WatchCustomerRequest{Name: number(c)}))(t)
		listening := make(chan *analyticsv1.WatchCustomerResponse, 100)
		go func() {
			defer close(listening)
			for {
				answer, err := stream.Recv()
				if err != nil {
					return
				}
				listening <- answer
			}
		}()
		cursor := ""
		for i := 0; cursor == ""; i++ { // until the stream is there
			a.meet(t, other, phone, "of somebody else")
			a.meet(t, c, chat, fmt.Sprint("new ", i))
			select {
			case answer := <-listening:
				cursor = answer.GetCursor()
				if answer.GetEntry().GetChannel() != chat || answer.GetEntry().GetSummary() == "" {
					t.Errorf("the first news is %v", answer)
				}
			case <-time.After(100 * time.Millisecond):
			}
		}
		cancel()
		for range listening { // what was on its way is heard again
		}
		var want []string
		for i := range 5 {
			title := fmt.Sprint("missed ", i)
			want = append(want, title)
			a.meet(t, c, phone, title)
		}
		request := &analyticsv1.WatchCustomerRequest{Name: number(c), Cursor: cursor}
		first, second := must(a.WatchCustomer(a.Ctx(), request))(t), must(a.WatchCustomer(a.Ctx(), request))(t)
		got, alike := heard(t, first, len(want)), heard(t, second, len(want))
		a.meet(t, c, phone, "and live")
		got, alike = append(got, heard(t, first, 1)...), append(alike, heard(t, second, 1)...)
		if want = append(want, "and live"); !slices.Equal(got, want) || !slices.Equal(alike, want) {
			t.Errorf("after coming back one hears %q, and another %q, want %q", got, alike, want)
		}
		foreign := must(a.other().WatchCustomer(a.Ctx(), &analyticsv1.WatchCustomerRequest{Name: number(c)}))(t)
		if _, err := foreign.Recv(); err == nil {
			t.Error("another tenant's customer can be watched")
		} else if a.Transport == testkit.GRPC { // REST streams tell the reason in a form of their own
			refused(t, "another tenant's customer", err, codes.NotFound, "CUSTOMER_NOT_FOUND")
		}
	})
}

// heard answers the titles of the next calls by phone.
func heard(t *testing.T, stream grpc.ServerStreamingClient[analyticsv1.WatchCustomerResponse], n int) (titles []string) {
	t.Helper()
	for len(titles) < n {
		if e := must(stream.Recv())(t).GetEntry(); e.GetChannel() == phone {
			titles = append(titles, e.GetTitle())
		}
	}
	return titles
}
