package timer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/pkg/timer"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// clock is one that tests set.
type clock struct{ now atomic.Pointer[time.Time] }

func (c *clock) Now() time.Time { return *c.now.Load() }

func (c *clock) set(at time.Time) { c.now.Store(&at) }

// house is a database with timers.
type house struct {
	t testing.TB
	*clock
	db     *postgres.DB
	log    *eventlog.Log
	tenant uuid.UUID
}

var began = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t testing.TB) *house {
	t.Helper()
	urls := testkit.Database(t, "timed", func(ctx context.Context, ownerURL string) error {
		if err := postgres.Migrate(ctx, ownerURL, eventlog.VersionTable, eventlog.Migrations); err != nil {
			return err
		}
		return postgres.Migrate(ctx, ownerURL, timer.VersionTable, timer.Migrations)
	}, eventlog.Migrations, timer.Migrations)
	db, err := postgres.Open(t.Context(), urls.App, urls.System, postgres.Options{PageKey: []byte("a key for tests only")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	h := &house{t: t, clock: &clock{}, db: db, tenant: uuid.New()}
	h.set(began)
	h.log = &eventlog.Log{Area: "timed", Now: h.Now}
	return h
}

// arm sets timers in a transaction of their own.
func (h *house) arm(timers ...timer.Timer) {
	h.t.Helper()
	h.queue(func(b *pgx.Batch) { timer.Arm(b, timers...) })
}

func (h *house) queue(queue func(b *pgx.Batch)) {
	h.t.Helper()
	b := &pgx.Batch{}
	queue(b)
	if err := h.db.System.SendBatch(h.t.Context(), b).Close(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) timer(key string, due time.Time) timer.Timer {
	return timer.Timer{Tenant: h.tenant, Kind: "bell", Key: key, Due: due}
}

// run runs as many runners as replicas, until the test ends.
func (h *house) run(replicas int, handler timer.Handler) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for range replicas {
		r := &timer.Runner{
			DB: h.db, Now: h.Now, Handlers: map[string]timer.Handler{"bell": handler}, Logger: slog.New(slog.DiscardHandler),
			As: func(ctx context.Context, _ uuid.UUID) (context.Context, error) { return ctx, nil },
		}
		running.Go(func() { _ = r.Run(ctx) }) // it ends with its context
	}
	h.t.Cleanup(func() { stop(); running.Wait() })
}

// rung notes what fired.
type rung struct {
	mu  sync.Mutex
	all []string
}

func (r *rung) note(t timer.Timer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, t.Key+"@"+t.Due.UTC().Format("15:04")+string(t.Payload))
}

func (r *rung) heard(t testing.TB, n int) []string {
	t.Helper()
	testkit.Eventually(t, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.all) != n {
			return fmt.Errorf("rang %v, want %d", r.all, n)
		}
		return nil
	})
	return r.all
}

// take takes the timer as a handler does, and then does the work.
func (h *house) take(ctx context.Context, t timer.Timer, work func() error) error {
	_, err := record.Write(ctx, h.db, h.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		return &emptypb.Empty{}, work()
	})
	return err
}

// PLT-03: each of many timers fires once, though several replicas look for them at once;
// none before its time, and one that was moved or cancelled not as it was.
func TestRunner_firesOnce(t *testing.T) {
	t.Parallel()
	h, heard := open(t), &rung{}
	const many = 450 // more than two pages
	var timers []timer.Timer
	for i := range many {
		timers = append(timers, h.timer(fmt.Sprint(i), began.Add(-time.Minute)))
	}
	h.arm(timers...)
	h.arm(h.timer("later", began.Add(time.Hour)), h.timer("moved", began.Add(-time.Minute)), h.timer("cancelled", began.Add(-time.Minute)))
	moved := h.timer("moved", began.Add(2*time.Hour))
	moved.Payload = []byte("!")
	h.arm(moved)
	h.queue(func(b *pgx.Batch) { timer.Cancel(b, h.tenant, "bell", "cancelled") })
	h.arm(timer.Timer{Tenant: h.tenant, Kind: "of nobody", Key: "x", Due: began})
	h.run(3, func(ctx context.Context, due timer.Timer) error {
		return h.take(ctx, due, func() error {
			heard.note(due)
			return nil
		})
	})
	seen := map[string]bool{}
	for _, key := range heard.heard(t, many) {
		if seen[key] {
			t.Errorf("%s rang twice", key)
		}
		seen[key] = true
	}
	h.set(began.Add(time.Hour))
	if all := heard.heard(t, many+1); all[many] != "later@13:00" {
		t.Errorf("rang %s", all[many])
	}
	h.set(began.Add(3 * time.Hour)) // as after a restart that lasted longer
	if all := heard.heard(t, many+2); all[many+1] != "moved@14:00!" {
		t.Errorf("rang %s", all[many+1])
	}
}

// A timer that fails is tried again, later each time, and parked after six failures of
// its own; what is away counts for nothing, a panic is a failure, and arming it again
// begins anew.
func TestRunner_parks(t *testing.T) {
	t.Parallel()
	h := open(t)
	var mode atomic.Value
	mode.Store("away")
	var calls atomic.Int64
	h.arm(h.timer("broken", began))
	h.run(1, func(ctx context.Context, due timer.Timer) error {
		return h.take(ctx, due, func() error {
			calls.Add(1)
			switch mode.Load() {
			case "away":
				return errs.Unavailable("AWAY", "the peer is away", 0)
			case "panics":
				panic("of its own")
			case "fails":
				return errors.New("it is broken")
			}
			return nil
		})
	})
	state := func() (attempts int, parked bool, left int, cause string) {
		t.Helper()
		err := h.db.System.QueryRow(t.Context(), "SELECT coalesce(max(attempts), 0), coalesce(bool_or(parked), false), count(*), coalesce(max(error), '') FROM timer").
			Scan(&attempts, &parked, &left, &cause)
		if err != nil {
			t.Fatal(err)
		}
		return attempts, parked, left, cause
	}
	called := func(n int64) {
		t.Helper()
		testkit.Eventually(t, func() error {
			h.set(h.Now().Add(time.Hour)) // past every pause
			if got := calls.Load(); got < n {
				return fmt.Errorf("was tried %d times", got)
			}
			return nil
		})
	}
	called(3)
	if attempts, parked, _, _ := state(); attempts != 0 || parked {
		t.Errorf("what is away counts: %d, %v", attempts, parked)
	}
	mode.Store("panics")
	called(calls.Load() + 2)
	mode.Store("fails")
	testkit.Eventually(t, func() error {
		h.set(h.Now().Add(time.Hour))
		if attempts, parked, _, cause := state(); !parked || attempts != 6 || !strings.Contains(cause, "it is broken") {
			return fmt.Errorf("%d attempts, parked %v for %q", attempts, parked, cause)
		}
		return nil
	})
	mode.Store("works")
	h.arm(h.timer("broken", h.Now()))
	testkit.Eventually(t, func() error {
		if _, _, left, _ := state(); left != 0 {
			return errors.New("it is still there")
		}
		return nil
	})
}
