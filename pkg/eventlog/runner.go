package eventlog

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Projection is a read model: a pure function of the events of some areas.
type Projection struct {
	// Name is unique within the database, such as "timeline".
	Name string
	// Areas are the areas whose events it reads.
	Areas []string
	// Personal says what Apply sees of personal fields.
	Personal Personal
	// Linger is how long a batch waits for more events after its first; 3 ms where
	// 0. One that nobody waits for can take longer, and costs less then.
	Linger time.Duration
	// Apply writes what the events mean, in the transaction that also moves the
	// cursor. The events are of several tenants and partitions, each partition in
	// order, and each comes once. Apply must do nothing but read and write through
	// tx: it runs again when the transaction is repeated, and on parts of a batch
	// when one of its events is poison. It must not keep or change the events.
	Apply func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error
	// Erase, where set, removes what the database holds in the open of a contact that
	// was erased, whatever projection wrote it. It runs after Apply, in the same
	// transaction, and again a minute later. One projection of a database that reads
	// the contact area has it.
	Erase Erase
}

// Personal is how a projection gets the personal fields of events.
type Personal int

const (
	// Unsealed projections get them as they were written.
	Unsealed Personal = iota
	// Sealed projections store the events themselves, sealed. The keys are at hand,
	// so that Apply can unseal copies.
	Sealed
	// Unread personal fields stay sealed, and nobody asks for their keys.
	Unread
)

// Runner keeps a projection up to date. Every replica of a service may run one:
// they compete, and the cursor lets each event through once. One that finds its
// events applied by another stands by, and takes over when events stay
// unapplied for half a second.
type Runner struct {
	Projection
	// DB is the projection's database as role relay.
	DB *pgxpool.Pool
	// Feed brings the events. While the broker is away the runner reads the sources
	// alone, once a second.
	Feed *Feed
	// Keys unseal the events.
	Keys Keys
	// Sources are the logs of the areas: area to source.
	Sources map[string]Source
	// Logger gets what an operator should know.
	Logger *slog.Logger

	progress progress
	// fail lets a test stop one runner of several at a failpoint, as a crash would.
	fail func(failpoint.Point) error
}

const (
	// lingerTime is the Linger of a projection that says none.
	lingerTime = 3 * time.Millisecond
	// paceBatch is how far the batches of a projection lie apart that takes many events,
	// where the batches themselves are short.
	paceBatch = 20 * time.Millisecond
	// standbyDelay is how long a runner that stands by leaves an event to the one
	// at work.
	standbyDelay = 500 * time.Millisecond
	// compareInterval is how often the cursors are compared with the heads that
	// were seen the time before.
	compareInterval = 5 * time.Second
	// brokerlessInterval is how often the sources are read without a broker.
	brokerlessInterval = time.Second
)

// Run applies events until the context ends.
func (r *Runner) Run(ctx context.Context) error {
	s := newSession(r)
	var pause backoff
	for {
		err := s.serve(ctx, pause.reset)
		var stop *stopped
		if ctx.Err() != nil || errors.As(err, &stop) {
			return err
		}
		level := slog.LevelWarn
		if errors.Is(err, errFeedBroken) {
			level = slog.LevelDebug
		}
		r.Logger.Log(ctx, level, "the projection starts anew", "projection", r.Name, "error", err)
		pause.wait(ctx)
	}
}

func (r *Runner) at(point failpoint.Point) error {
	if r.fail != nil {
		return r.fail(point)
	}
	return failpoint.Hit(point)
}

// session is one run of a Runner.
type session struct {
	*Runner
	// cursors are those of the database when they were last read or set.
	cursors map[slot]int64
	// heads are those of the sources when they were last compared.
	heads map[slot]int64
	// away is when a source could not be asked last.
	away map[string]time.Time
	// began is when the runner was started.
	began time.Time
	// standby is set when another runner was faster.
	standby bool
}

// slot is one partition of one area.
type slot struct {
	area      string
	partition int16
}

func slotOf(e *eventv1.Event) slot { return slot{e.GetArea(), int16(e.GetPartition())} }

func newSession(r *Runner) *session {
	return &session{Runner: r, heads: map[slot]int64{}, away: map[string]time.Time{}, began: time.Now()}
}

// serve catches up and then follows the broker until that breaks. The order is
// subscribe first, read the log second: nothing falls between.
func (s *session) serve(ctx context.Context, settled func()) error {
	if err := s.makeCursors(ctx); err != nil {
		return err
	}
	f, err := s.Feed.follow(ctx, s.Areas)
	if err != nil {
		if err := s.followSources(ctx); err != nil {
			return err
		}
		settled()
		return errors.Join(errFeedBroken, err)
	}
	defer f.stop()
	if err := s.reconcile(ctx); err != nil {
		return err
	}
	settled()
	compare := time.NewTicker(compareInterval)
	defer compare.Stop()
	for next := (time.Time{}); ; {
		batch, err := f.collect(ctx, compare.C, cmp.Or(s.Linger, lingerTime), next)
		if err != nil {
			return err
		}
		began := time.Now()
		if len(batch) == 0 {
			err = s.compare(ctx)
		} else {
			err = s.follow(ctx, batch)
		}
		if err != nil {
			return err
		}
		next = began.Add(pace(len(batch), time.Since(began), paceBatch))
	}
}

// followSources stands in for the broker for a moment.
func (s *session) followSources(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(brokerlessInterval):
	}
	return s.reconcile(ctx)
}

// follow applies what arrived and is new. A partition with a gap is read from
// its source.
func (s *session) follow(ctx context.Context, batch []arrival) error {
	for _, a := range batch {
		Forget(s.Keys, a.event) // also where another runner applies it
	}
	for {
		if s.standby {
			if err := s.loadCursors(ctx); err != nil {
				return err
			}
		}
		events, oldest, behind := s.fresh(batch)
		if len(events) == 0 && len(behind) == 0 {
			return nil
		}
		if wait := standbyDelay - time.Since(oldest); s.standby && wait > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait):
				continue
			}
		}
		if err := s.apply(ctx, events); err != nil {
			return err
		}
		return s.catchUp(ctx, behind)
	}
}

// fresh answers the events that continue the cursors, when the oldest that does
// not stand behind a cursor arrived, and the slots that have a gap.
func (s *session) fresh(batch []arrival) (events []*eventv1.Event, oldest time.Time, behind []slot) {
	next := map[slot]int64{}
	gaps := map[slot]bool{}
	for _, a := range batch {
		at := slotOf(a.event)
		if _, seen := next[at]; !seen {
			next[at] = s.cursors[at] + 1
		}
		if gaps[at] || a.event.GetPosition() < next[at] {
			continue
		}
		if oldest.IsZero() {
			oldest = a.at
		}
		if a.event.GetPosition() > next[at] {
			gaps[at] = true
			behind = append(behind, at)
			continue
		}
		next[at]++
		events = append(events, a.event)
	}
	return events, oldest, behind
}
