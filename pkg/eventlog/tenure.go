package eventlog

import (
	"context"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// tenure is the work of a relay while it leads: give out seqs, publish, note what was
// published. While some events are being published, the next are numbered and read.
type tenure struct {
	*Relay
	epoch int64
	js    jetstream.JetStream
	out   *publisher

	// published is what the broker has acknowledged and the database does not know.
	published marks
	// flight is what is being published, or nil.
	flight *flight
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

// advance is one step and what follows of it. It reports whether there may be more to do
// at once.
func (t *tenure) advance(ctx context.Context) (more bool, err error) {
	began := time.Now()
	todo, err := t.step(ctx, t.epoch, t.published, t.flight.marks(), t.out.room())
	if err != nil {
		return false, err
	}
	t.published = nil
	t.next = began.Add(min(time.Duration(todo.given)*paceEvent, paceMost))
	t.sequenced.ring()
	if err := t.at(failpoint.RelayAfterSequence); err != nil {
		return false, err
	}
	landed, err := t.land(ctx)
	if err != nil || !landed {
		return false, err // what was read would leave a gap: a later step reads it again
	}
	if len(todo.entries) > 0 {
		t.flight = t.out.takeOff(ctx, todo.entries)
	}
	return todo.more, nil
}

// land waits until what is being published is published, and answers false where that
// failed.
func (t *tenure) land(ctx context.Context) (bool, error) {
	f := t.flight
	if f == nil {
		return true, nil
	}
	<-f.ended
	t.flight = nil
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

// abandon leaves what is being published to the next leader.
func (t *tenure) abandon() {
	if t.flight != nil {
		<-t.flight.ended
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
		case <-t.flight.landing():
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

// flight is some events on their way to the broker.
type flight struct {
	entries []entry
	// ended is closed when the broker has acknowledged the first so many of them, or
	// all of them where err is nil.
	ended  chan struct{}
	stored int
	err    error
}

// takeOff begins to publish the entries.
func (p *publisher) takeOff(ctx context.Context, entries []entry) *flight {
	f := &flight{entries: entries, ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		f.stored, f.err = p.publish(ctx, entries)
	}()
	return f
}

// landing is closed when a flight has ended; nothing in flight never does.
func (f *flight) landing() <-chan struct{} {
	if f == nil {
		return nil
	}
	return f.ended
}

// marks are where the log is read on from while the flight lasts.
func (f *flight) marks() marks {
	if f == nil {
		return nil
	}
	return marksOf(f.entries)
}
