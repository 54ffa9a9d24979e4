package eventlog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// An event is sent once to a process, however many projections of it apply it. One that
// stops leaves the others their events, and one that comes later gets all of its own.
func TestFeed_oneConsumerForAll(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	feed := &eventlog.Feed{NATS: b.nats, Areas: []string{area}}
	follow := func(name string) (stop func()) {
		r := b.runner(see(name))
		r.Feed = feed
		return start(t, r.Run)
	}
	stopFirst := follow("first")
	follow("second")
	b.churn(20)
	b.sees("first")
	b.sees("second")
	if n := consumers(t, b); n != 1 {
		t.Errorf("two projections follow by %d consumers", n)
	}

	stopFirst()
	follow("third")
	b.churn(20)
	b.sees("second")
	b.sees("third")
	if n := consumers(t, b); n != 1 {
		t.Errorf("after one has stopped and another has come: %d consumers", n)
	}
	follow("first")
	b.sees("first")
}

// consumers answers how many the broker serves.
func consumers(t *testing.T, b *bench) int {
	t.Helper()
	js, err := jetstream.New(b.admin)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), eventlog.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Consumers
}

// Who gives up while its consumer is being made leaves none behind.
func TestFeed_nobodyWaitsAnyMore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	feed := &eventlog.Feed{NATS: b.nats}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := feed.Follow(ctx, []string{area}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	feed.Started([]string{area})
	eventually(t, "nobody follows it", func() bool { return feed.Consumers() == 0 })
}

// A projection that falls behind holds up nobody who shares its feed: more than fits into
// memory it reads from the log.
func TestFeed_oneFallsBehind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	feed := &eventlog.Feed{NATS: b.nats, Areas: []string{area}}
	feed.Hold(100)
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	slow := see("slow")
	apply := slow.Apply
	slow.Apply = func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		select {
		case entered <- struct{}{}:
		default:
		}
		select {
		case <-leave:
		case <-ctx.Done():
		}
		return apply(ctx, tx, events)
	}
	for _, p := range []eventlog.Projection{slow, see("quick")} {
		r := b.runner(p)
		r.Feed = feed
		start(t, r.Run)
	}
	b.churn(1)
	<-entered
	tenant := uuid.New()
	for range 20 {
		b.write(t.Context(), tenant, uuid.New(), 10)
	}
	eventually(t, "the slow one is left behind", func() bool { return feed.Followers() == 1 })
	b.sees("quick")
	close(leave)
	b.sees("slow")
	eventually(t, "both follow again", func() bool { return feed.Followers() == 2 })
}
