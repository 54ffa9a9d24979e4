package eventlog

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

const (
	// pollInterval is the net under a lost wake.
	pollInterval = time.Second
	// markInterval is how long it may wait to be noted that events were
	// published, so that the note can go with the next events. What is not noted
	// is published again after a crash.
	markInterval = 200 * time.Millisecond
	// paceStep is how far the steps of a relay lie apart that numbers many events, where
	// the steps themselves are short.
	paceStep = 10 * time.Millisecond
	// stepTimeout bounds one sequencing transaction.
	stepTimeout = 30 * time.Second
)

// Relay moves committed events from the log to the broker. Every replica of a
// service runs one; one of them leads.
//
// It is a sequencer: the leader takes the rows that it sees in the outbox, in
// order of position, and gives each the next seq of its partition. A change
// that waited for another's row lock takes its position after it got the lock,
// and commits later: so it is neither seen earlier nor numbered lower, and the
// events of an aggregate keep their order. Ordering by transaction id would not
// promise that, as a transaction may have its id before it waits.
//
// A leader that was paused and comes back can do no harm: its epoch is compared
// in each sequencing transaction, and what it publishes twice is known by its
// position.
type Relay struct {
	// Area is the area of the log, such as "sales".
	Area string
	// DB is the service's database as role relay.
	DB *pgxpool.Pool
	// NATS is the broker.
	NATS *nats.Conn
	// Now is the clock by which the log's months and the age of idempotent
	// answers are told.
	Now func() time.Time
	// Logger gets what an operator should know.
	Logger *slog.Logger

	once    sync.Once
	wake    chan struct{} // for the loop of the leader
	tell    chan struct{} // for the leader in another process
	leading atomic.Bool
	// sequenced rings when events got their places.
	sequenced bell
	turn      atomic.Int32 // the partition whose turn it is to be published first
	// fail lets a test stop one relay of several at a failpoint, as a crash would.
	fail func(failpoint.Point) error
}

func (r *Relay) init() {
	r.once.Do(func() {
		r.wake = make(chan struct{}, 1)
		r.tell = make(chan struct{}, 1)
	})
}

func (r *Relay) at(point failpoint.Point) error {
	if r.fail != nil {
		return r.fail(point)
	}
	return failpoint.Hit(point)
}

// Wake tells the leader, wherever it runs, that there is work. It never blocks.
func (r *Relay) Wake() {
	r.init()
	if r.leading.Load() {
		signal(r.wake)
	} else {
		signal(r.tell)
	}
}

// signal leaves a note unless there is one already.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run relays until the context ends: it leads, or stands by to lead.
func (r *Relay) Run(ctx context.Context) error {
	r.init()
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wg.Go(func() { r.notify(ctx) })
	var pause backoff
	for {
		err := r.lead(ctx, pause.reset)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var stop *stopped
		if errors.As(err, &stop) {
			return err
		}
		r.Logger.WarnContext(ctx, "the relay gave up its lead", "area", r.Area, "error", err)
		pause.wait(ctx)
	}
}

// stopped is what a test's hook makes of a crash.
type stopped struct{ point failpoint.Point }

// Error implements error.
func (s *stopped) Error() string { return "stopped: " + string(s.point) }

// recover logs that publishing failed, and makes the stream anew where it is
// gone. The events stay in the log and are published by a later step.
func (r *Relay) recover(ctx context.Context, js jetstream.JetStream, err error) {
	if ctx.Err() != nil {
		return
	}
	r.Logger.WarnContext(ctx, "events cannot be published now", "area", r.Area, "error", err)
	if streamMissing(err) {
		r.ensureStream(ctx, js)
	}
}

func (r *Relay) ensureStream(ctx context.Context, js jetstream.JetStream) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if _, err := EnsureStream(ctx, js); err != nil {
		r.Logger.WarnContext(ctx, "the stream of events cannot be made now", "area", r.Area, "error", err)
	}
}

// backoff pauses ever longer between attempts, up to 5 seconds. The zero value
// is ready.
type backoff struct{ last time.Duration }

const (
	backoffFirst = 50 * time.Millisecond
	backoffMost  = 5 * time.Second
)

func (b *backoff) reset() { b.last = 0 }

// next is the next pause, with a random part so that replicas do not go in step.
func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, backoffFirst), backoffMost)
	return b.last/2 + rand.N(b.last/2)
}

func (b *backoff) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(b.next()):
	}
}
