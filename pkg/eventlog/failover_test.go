package eventlog_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// stopAt answers a hook that ends Run when the point is passed for the nth time,
// and keeps it from passing when it tries again.
func stopAt(point failpoint.Point, n int32) func(failpoint.Point) error {
	var passed atomic.Int32
	return func(at failpoint.Point) error {
		if at == point && passed.Add(1) >= n {
			return eventlog.Stop(point)
		}
		return nil
	}
}

// A relay that dies at any point leaves each event once and in order in the
// projection (F03).
func TestRelay_killedAtAnyPoint(t *testing.T) {
	t.Parallel()
	for _, point := range []failpoint.Point{
		failpoint.RelayAfterLead, failpoint.RelayAfterSequence, failpoint.RelayAfterPublish,
	} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			start(t, b.runner(see("p")).Run)
			for n := range int32(4) {
				relay := b.relay()
				if point == failpoint.RelayAfterLead {
					n = 0 // each relay takes the lead once
				}
				relay.FailAt(stopAt(point, n+1))
				b.log.Wake = relay.Wake
				died := make(chan error, 1)
				start(t, func(ctx context.Context) error {
					err := relay.Run(ctx)
					died <- err
					return err
				})
				for alive := true; alive; {
					b.churn(3)
					select {
					case err := <-died:
						alive = false
						if err == nil {
							t.Fatal("the relay ended without its failpoint")
						}
					case <-time.After(20 * time.Millisecond):
					}
				}
			}
			start(t, b.relay().Run)
			b.sees("p")
		})
	}
}

// A relay that cannot go on in the middle of publishing, be it one by one or in a
// batch, publishes the rest later, in order.
func TestRelay_failsAmidPublish(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start(t, b.runner(see("p")).Run)
	relay := b.relay()
	var hits atomic.Int32
	relay.FailAt(func(at failpoint.Point) error {
		if at == failpoint.RelayAmidPublish && hits.Add(1)%2 == 1 {
			return errors.New("cut off")
		}
		return nil
	})
	b.log.Wake = relay.Wake
	tenant, contact := uuid.New(), uuid.New()
	b.write(t.Context(), tenant, contact, 5)
	b.write(t.Context(), tenant, contact, 500)
	start(t, relay.Run)
	b.churn(5)
	b.write(t.Context(), tenant, contact, 5)
	b.sees("p")
	if hits.Load() < 2 {
		t.Errorf("the relay came to the point %d times", hits.Load())
	}
}

// While some events are being stored, the next are on their way. Those do not get into
// the stream before them where they fail: a partition would have a gap.
func TestRelay_storesNothingBehindWhatFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const events = 4000
	for range events / 500 {
		b.write(t.Context(), uuid.New(), uuid.New(), 500)
	}
	relay := b.relay()
	numbered := make(chan struct{})
	var hits atomic.Int32
	relay.FailAt(func(at failpoint.Point) error {
		if at != failpoint.RelayAmidPublish || hits.Add(1) > 1 {
			return nil
		}
		<-numbered
		return errors.New("cut off")
	})
	start(t, relay.Run)
	eventually(t, "the next are numbered", func() bool { return b.count("SELECT count(*) FROM event_order") >= 3000 })
	close(numbered)
	eventually(t, "all are published", func() bool { return b.count("SELECT sum(published) FROM partition_head") == events })
	last := map[int32]int64{}
	for i, e := range b.published() {
		if e.GetPosition() != last[e.GetPartition()]+1 {
			t.Fatalf("message %d is event %d of partition %d, after %d", i, e.GetPosition(), e.GetPartition(), last[e.GetPartition()])
		}
		last[e.GetPartition()]++
	}
}

// A projection that dies at any point, be it between its commit and the next
// event, goes on where it was (F04).
func TestRunner_killedAtAnyPoint(t *testing.T) {
	t.Parallel()
	for _, point := range []failpoint.Point{
		failpoint.ProjectionBeforeApply, failpoint.ProjectionBeforeCommit, failpoint.ProjectionAfterCommit,
		failpoint.ProjectionCatchUp,
	} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			relay := b.relay()
			b.log.Wake = relay.Wake
			start(t, relay.Run)
			for n := range int32(4) {
				runner := b.runner(see("p"))
				if point == failpoint.ProjectionCatchUp {
					n = 0 // what is missing at the start may fit into one page
				}
				runner.FailAt(stopAt(point, n+1))
				b.churn(3)
				eventually(t, "all have their places", func() bool { return b.count("SELECT count(*) FROM outbox") == 0 })
				died := make(chan error, 1)
				start(t, func(ctx context.Context) error {
					err := runner.Run(ctx)
					died <- err
					return err
				})
				for alive := true; alive; {
					b.churn(3)
					select {
					case <-died:
						alive = false
					case <-time.After(20 * time.Millisecond):
					}
				}
			}
			start(t, b.runner(see("p")).Run)
			b.sees("p")
		})
	}
}

// pause answers a hook that holds Run at the point when it is passed for the nth
// time, until release is called.
func pause(point failpoint.Point, n int32) (hook func(failpoint.Point) error, held <-chan struct{}, release func()) {
	var passed atomic.Int32
	reached, released := make(chan struct{}), make(chan struct{})
	hook = func(at failpoint.Point) error {
		if at == point && passed.Add(1) == n {
			close(reached)
			<-released
		}
		return nil
	}
	return hook, reached, sync.OnceFunc(func() { close(released) })
}

// A leader that was paused and wakes up after another has taken over cannot give
// out seqs, and what it publishes again does no harm.
func TestRelay_zombieCannotSequence(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start(t, b.runner(see("p")).Run)
	zombie := b.relay()
	hook, held, release := pause(failpoint.RelayAfterSequence, 2)
	defer release()
	zombie.FailAt(hook)
	b.log.Wake = zombie.Wake
	start(t, zombie.Run)
	b.churn(5)
	<-held
	b.churn(5)

	// The lock goes as it would with the process's machine; the process stays.
	b.count(`SELECT count(pg_terminate_backend(pid)) FROM pg_locks
		WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	second := b.relay()
	b.log.Wake = second.Wake
	stop := start(t, second.Run)
	b.churn(20)
	b.sees("p")
	epoch := b.count("SELECT epoch FROM relay_epoch")
	if epoch != 2 {
		t.Fatalf("epoch %d with the second leader, want 2", epoch)
	}

	release()
	b.churn(20)
	b.sees("p")
	if n := b.count("SELECT epoch FROM relay_epoch"); n != epoch {
		t.Errorf("the zombie took the lead back: epoch %d", n)
	}
	stop()
	b.churn(5)
	b.sees("p") // now the first may lead again, in an epoch of its own
}

// The epoch alone is enough to stop a leader that still holds the lock: it gives
// out nothing, and has to take the lead anew.
func TestRelay_stopsWhenItsEpochIsOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start(t, b.runner(see("p")).Run)
	relay := b.relay()
	b.log.Wake = relay.Wake
	hook, held, release := pause(failpoint.RelayAfterPublish, 1)
	defer release()
	relay.FailAt(hook)
	start(t, relay.Run)
	b.churn(5)
	<-held
	b.count("UPDATE relay_epoch SET epoch = epoch + 1 RETURNING 1")
	b.churn(5)
	ordered := b.count("SELECT count(*) FROM event_order")
	release()
	eventually(t, "the relay takes an epoch of its own", func() bool {
		if b.count("SELECT epoch FROM relay_epoch") == 3 {
			return true
		}
		if n := b.count("SELECT count(*) FROM event_order WHERE (SELECT epoch FROM relay_epoch) = 2"); n > ordered {
			t.Fatalf("%d events were given a seq under an epoch that was over", n-ordered)
		}
		return false
	})
	b.sees("p")
}

// A leader whose process hangs keeps its connection and so its lock: a replica
// ends that session and takes over.
func TestRelay_takesOverFromAHungLeader(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hung, err := pgx.Connect(t.Context(), b.urls.System)
	if err != nil {
		t.Fatal(err)
	}
	defer hung.Close(context.Background())
	if _, err := hung.Exec(t.Context(), "SELECT pg_advisory_lock($1)", eventlog.LeaderLock); err != nil {
		t.Fatal(err)
	}
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	b.churn(3)
	eventually(t, "the replica leads", func() bool { return b.count("SELECT epoch FROM relay_epoch") == 1 })
	start(t, b.runner(see("p")).Run)
	b.sees("p")
}

// A standby replica wakes the leader in another process.
func TestRelay_isWokenByAnotherProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start(t, b.relay().Run)
	eventually(t, "the first leads", func() bool { return b.count("SELECT epoch FROM relay_epoch") == 1 })
	standby := b.relay()
	start(t, standby.Run)
	b.log.Wake = standby.Wake
	fast := 0
	for range 10 {
		b.write(t.Context(), uuid.New(), uuid.New(), 1)
		began := time.Now()
		eventually(t, "it is in order", func() bool { return b.count("SELECT count(*) FROM outbox") == 0 })
		if time.Since(began) < 700*time.Millisecond {
			fast++
		}
	}
	if fast < 5 {
		t.Errorf("%d of 10 changes were relayed before the poll", fast)
	}
}

// The broker may lose everything at any time (F06).
func TestRunner_survivesAnEmptiedBroker(t *testing.T) {
	t.Parallel()
	for what, empty := range map[string]func(context.Context, jetstream.JetStream) error{
		"deleted": func(ctx context.Context, js jetstream.JetStream) error {
			if err := js.DeleteStream(ctx, "EVENTS"); !errors.Is(err, jetstream.ErrStreamNotFound) {
				return err
			}
			return nil
		},
		"purged": func(ctx context.Context, js jetstream.JetStream) error {
			stream, err := js.Stream(ctx, "EVENTS")
			if err != nil {
				return err
			}
			return stream.Purge(ctx)
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			relay := b.relay()
			b.log.Wake = relay.Wake
			start(t, relay.Run)
			stop := start(t, b.runner(see("p")).Run)
			js, err := jetstream.New(b.admin)
			if err != nil {
				t.Fatal(err)
			}
			b.churn(5)
			b.sees("p")
			for range 3 {
				b.churn(5)
				if err := empty(t.Context(), js); err != nil {
					t.Fatal(err)
				}
				b.churn(5)
			}
			b.sees("p")
			stop()
			b.churn(5)
			eventually(t, "all are published", func() bool {
				return b.count("SELECT count(*) FROM outbox") == 0 && b.count("SELECT sum(seq - published) FROM partition_head") == 0
			})
			if err := empty(t.Context(), js); err != nil {
				t.Fatal(err)
			}
			start(t, b.runner(see("p")).Run)
			b.sees("p")
		})
	}
}

// What the broker delivers again, from the beginning and out of order, changes
// nothing.
func TestRunner_ignoresDuplicates(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	start(t, b.runner(see("p")).Run)
	b.churn(10)
	b.sees("p")
	js, err := jetstream.New(b.admin)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	for seq := stream.CachedInfo().State.LastSeq; seq > 0; seq-- {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), m.Subject, m.Data); err != nil {
			t.Fatal(err)
		}
	}
	b.churn(10)
	b.sees("p")
}

// Two replicas run one projection. One holds still with a batch in its hands,
// the other takes over within seconds, and the first comes back.
func TestRunner_twoCompeteAndOneIsPaused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	first := b.runner(see("p"))
	hook, held, release := pause(failpoint.ProjectionBeforeApply, 3)
	defer release()
	first.FailAt(hook)
	start(t, first.Run)
	for paused := false; !paused; {
		b.churn(3)
		select {
		case <-held:
			paused = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	start(t, b.runner(see("p")).Run)
	b.churn(20)
	b.sees("p")
	release()
	b.churn(40)
	b.sees("p")
}

// Replicas that run at once from the start, catch up and follow, do not double
// anything, and one that dies is replaced within seconds.
func TestRunner_replicasFromTheStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	b.churn(50)
	stops := make([]func(), 3)
	for i := range stops {
		stops[i] = start(t, b.runner(see("p")).Run)
	}
	b.churn(30)
	b.sees("p")
	for _, stop := range stops[:2] {
		stop()
		b.churn(10)
		b.sees("p")
	}
}

// A projection that was hung inside its transaction is ended by the database.
func TestRunner_hungInsideItsTransaction(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	defer release()
	inside := make(chan struct{})
	entered := sync.OnceFunc(func() { close(inside) })
	hung := see("p")
	whole := hung.Apply
	hung.Apply = func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		entered()
		<-released
		return whole(ctx, tx, events)
	}
	start(t, b.runner(hung).Run)
	b.churn(5)
	<-inside
	start(t, b.runner(see("p")).Run)
	b.sees("p")
	release()
	b.churn(10)
	b.sees("p")
}
