package eventlog

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// tenure is the work of a relay while it leads: give out seqs, publish, note what was
// published. While some events are being stored by the broker, the next are on their way
// to it, and those after them are numbered and read.
type tenure struct {
	*Relay
	epoch int64
	js    jetstream.JetStream
	out   *publisher

	// published is what the broker has acknowledged and the database does not know.
	published marks
	// flights are what is being published, the next to be stored first.
	flights []*flight
	// next is when the next step may begin that a wake asks for.
	next time.Time
}

// relay is the leader's loop. While the broker is away it goes on giving out seqs, so
// that projections can read the log itself.
func (r *Relay) relay(ctx context.Context, epoch int64) error {
	js, err := jetstream.New(r.NATS)
	if err != nil {
		return err
	}
	defer js.CleanupPublisher()
	t := &tenure{Relay: r, epoch: epoch, js: js, out: &publisher{area: r.Area, conn: r.NATS, js: js, at: r.at}}
	defer t.abandon()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.ensureStream(ctx, js)
	if err := r.at(failpoint.RelayAfterLead); err != nil {
		return err
	}
	for {
		more, err := t.advance(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if err := t.wait(ctx); err != nil {
			return err
		}
	}
}

// flightsMost is how many flights there are at most while a step is done.
const flightsMost = 2

// advance is one step and what follows of it. It reports whether there may be more to do
// at once.
func (t *tenure) advance(ctx context.Context) (more bool, err error) {
	began := time.Now()
	todo, err := t.step(ctx, t.epoch, t.published, t.inFlight(), t.out.room())
	if err != nil {
		return false, err
	}
	t.published = nil
	t.next = began.Add(pace(int(todo.given), time.Since(began), paceStep))
	t.sequenced.ring()
	if err := t.at(failpoint.RelayAfterSequence); err != nil {
		return false, err
	}
	if len(todo.entries) > 0 {
		t.flights = append(t.flights, t.out.takeOff(ctx, todo.entries, t.last()))
	}
	for len(t.flights) > flightsMost || len(t.flights) > 0 && t.flights[0].isOver() {
		if landed, err := t.land(ctx); err != nil || !landed {
			return false, err
		}
	}
	return todo.more, nil
}

// last is the flight that took off last, or nil.
func (t *tenure) last() *flight {
	if len(t.flights) == 0 {
		return nil
	}
	return t.flights[len(t.flights)-1]
}

// inFlight are the marks where the log is read on from while the flights last.
func (t *tenure) inFlight() marks {
	m := marks{}
	for _, f := range t.flights {
		maps.Copy(m, marksOf(f.entries))
	}
	return m
}

// land waits until the first flight is over, and answers false where it failed: the
// others fail with it then, and a later step reads all of them again.
func (t *tenure) land(ctx context.Context) (bool, error) {
	f := t.flights[0]
	<-f.ended
	if f.err != nil {
		t.abandon()
		t.flights = nil
	} else {
		t.flights = t.flights[1:]
	}
	if t.published == nil {
		t.published = marks{}
	}
	maps.Copy(t.published, marksOf(f.entries[:f.stored]))
	relayedEvents.Add(ctx, int64(f.stored), t.attributes())
	t.out.ended(f.err)
	if f.err != nil {
		t.recover(ctx, t.js, f.err)
	}
	return f.err == nil, t.at(failpoint.RelayAfterPublish)
}

// abandon waits until nothing is being published any more. What was, is left to a later
// step or to the next leader.
func (t *tenure) abandon() {
	for _, f := range t.flights {
		<-f.ended
	}
}

// wait returns when there may be work: at a wake, when marks wait to be noted for long
// enough, or when the poll finds some.
func (t *tenure) wait(ctx context.Context) error {
	for {
		timeout := pollInterval
		if len(t.published) > 0 {
			timeout = markInterval
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.landing():
			if _, err := t.land(ctx); err != nil {
				return err
			}
			continue
		case <-t.wake:
			return sleep(ctx, time.Until(t.next))
		case <-time.After(timeout):
		}
		if len(t.published) > 0 {
			return nil
		}
		work, err := t.pending(ctx)
		if work || err != nil {
			return err
		}
	}
}

// sleep waits for a while, or for the end of the context, which is an error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// landing is closed when the first flight is over; where there is none it never is.
func (t *tenure) landing() <-chan struct{} {
	if len(t.flights) == 0 {
		return nil
	}
	return t.flights[0].ended
}

// errFlightBefore says that events could not be published, because those before them
// were not.
var errFlightBefore = errors.New("eventlog: the events before these were not published")

// flight is some events on their way to the broker.
type flight struct {
	entries []entry
	// ended is closed when the broker has acknowledged the first so many of them, or
	// all of them where err is nil.
	ended  chan struct{}
	stored int
	err    error
}

// takeOff begins to publish the entries. They are stored after the flight before them,
// and not at all where that fails: a partition would have a gap.
func (p *publisher) takeOff(ctx context.Context, entries []entry, before *flight) *flight {
	f := &flight{entries: entries, ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		f.stored, f.err = p.publish(ctx, entries, before.landed)
	}()
	return f
}

// landed waits until the flight is over, and answers errFlightBefore where it failed. No
// flight is over at once.
func (f *flight) landed() error {
	if f == nil {
		return nil
	}
	<-f.ended
	if f.err != nil {
		return errFlightBefore
	}
	return nil
}

func (f *flight) isOver() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}
