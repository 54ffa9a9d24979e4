package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// poisoned is see, but fails for one event of one aggregate until it is cured.
type poisoned struct {
	aggregate string
	seq       int64
	cured     atomic.Bool
	// fail is how it fails.
	fail func(ctx context.Context, tx pgx.Tx) error
}

func (p *poisoned) projection() eventlog.Projection {
	healthy := see("p")
	apply := healthy.Apply
	healthy.Apply = func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		for _, e := range events {
			if e.GetAggregate() == p.aggregate && e.GetAggregateSeq() == p.seq && !p.cured.Load() {
				return p.fail(ctx, tx)
			}
		}
		return apply(ctx, tx, events)
	}
	return healthy
}

// Ways in which an event is poison.
var poisons = map[string]func(context.Context, pgx.Tx) error{
	"an error":       func(context.Context, pgx.Tx) error { return errors.New("cannot be applied") },
	"a panic":        func(context.Context, pgx.Tx) error { panic("cannot be applied") },
	"bad input":      func(context.Context, pgx.Tx) error { return errs.Invalid("x", "", "cannot be applied") },
	"a failed query": func(ctx context.Context, tx pgx.Tx) error { return exec(ctx, tx, "SELECT 1/0 -- cannot be applied") },
	"a constraint at the end": func(ctx context.Context, tx pgx.Tx) error {
		return exec(ctx, tx, `
			CREATE TEMPORARY TABLE IF NOT EXISTS once (id int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP;
			INSERT INTO once VALUES (1), (1) -- cannot be applied`)
	},
}

func exec(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// One event that cannot be applied is parked with the later ones of its
// customer. All others go through, and so does everything once it is cured.
func TestRunner_parksPoisonWhileOthersFlow(t *testing.T) {
	t.Parallel()
	for name, fail := range poisons {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			relay := b.relay()
			b.log.Wake = relay.Wake
			start(t, relay.Run)
			tenant, victim := uuid.New(), uuid.New()
			p := &poisoned{aggregate: "contacts/" + victim.String(), seq: 3, fail: fail}
			runner := b.runner(p.projection())
			start(t, runner.Run)

			ctx := t.Context()
			b.write(ctx, tenant, victim, 2)
			b.churn(10)
			b.write(ctx, tenant, victim, 3) // the third is poison, two wait behind it
			b.churn(10)
			b.write(ctx, tenant, victim, 1)
			b.churn(10)
			eventually(t, "all but four are applied", func() bool {
				return b.count("SELECT count(*) FROM seen") == b.written()-4 && b.count("SELECT count(*) FROM parked_event") == 4
			})
			b.checkParked(runner, victim)

			id := uuid.MustParse(b.parked(runner)[0].Event.GetId())
			if n, err := unpark(ctx, runner, func(tx pgx.Tx) (int, error, error) { return runner.RetryParked(ctx, tx, id) }); n != 0 || errs.Reason(err) != "EVENT_STILL_FAILS" {
				t.Errorf("retrying before the cure: %d, %v", n, err)
			}
			if attempts := b.parked(runner)[0].Attempts; attempts != 2 {
				t.Errorf("%d attempts, want 2", attempts)
			}
			p.cured.Store(true)
			if n, err := unpark(ctx, runner, func(tx pgx.Tx) (int, error, error) { return runner.RetryParked(ctx, tx, id) }); n != 4 || err != nil {
				t.Errorf("retrying after the cure: %d, %v", n, err)
			}
			b.write(ctx, tenant, victim, 1)
			b.seesAggregates("p")
		})
	}
}

func (b *bench) parked(r *eventlog.Runner) []eventlog.ParkedEvent {
	b.t.Helper()
	events, err := r.Parked(b.t.Context(), nil, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	return events
}

// checkParked checks what an operator sees of the parked events of a contact.
func (b *bench) checkParked(r *eventlog.Runner, victim uuid.UUID) {
	b.t.Helper()
	events := b.parked(r)
	for i, p := range events {
		if p.Event.GetAggregate() != "contacts/"+victim.String() || p.Event.GetAggregateSeq() != int64(3+i) {
			b.t.Errorf("parked %d: event %d of %s", i, p.Event.GetAggregateSeq(), p.Event.GetAggregate())
		}
		if p.Event.GetSealed() == nil || strings.Contains(p.Event.String(), canary) {
			b.t.Errorf("parked %d is not sealed: %v", i, p.Event)
		}
		if first := i == 0; first != (p.Cause != "") || first != (p.Attempts == 1) {
			b.t.Errorf("parked %d: cause %q after %d attempts", i, p.Cause, p.Attempts)
		}
	}
	rest, err := r.Parked(b.t.Context(), events[0].Event, 2)
	if err != nil || len(rest) != 2 || rest[0].Event.GetId() != events[1].Event.GetId() {
		b.t.Errorf("the page after the first: %d events, %v", len(rest), err)
	}
}

// seesAggregates is sees where parking may have changed the order between
// customers: it checks the order of each aggregate alone.
func (b *bench) seesAggregates(name string) {
	b.t.Helper()
	eventually(b.t, name+" has seen all", func() bool {
		return b.count("SELECT count(*) FROM seen WHERE projection = $1", name) >= b.written()
	})
	if n := b.count(`
		SELECT count(*) FROM (
			SELECT aggregate_seq, lag(aggregate_seq, 1, 0::bigint) OVER (PARTITION BY aggregate ORDER BY n) AS before
			FROM seen WHERE projection = $1) x
		WHERE aggregate_seq <> before + 1`, name); n > 0 {
		b.t.Errorf("%s: %d events out of the order of their aggregate", name, n)
	}
}

// Giving up a parked event lets those behind it through, and is on record.
func TestRunner_discardsAParkedEvent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	tenant, victim := uuid.New(), uuid.New()
	p := &poisoned{aggregate: "contacts/" + victim.String(), seq: 1, fail: poisons["an error"]}
	runner := b.runner(p.projection())
	start(t, runner.Run)
	b.write(t.Context(), tenant, victim, 3)
	eventually(t, "three are parked", func() bool { return b.count("SELECT count(*) FROM parked_event") == 3 })

	ctx := auth.With(t.Context(), auth.Caller{Tenant: tenant, Subject: "users/operator"})
	id := uuid.MustParse(b.parked(runner)[0].Event.GetId())
	if n, err := unpark(ctx, runner, func(tx pgx.Tx) (int, error, error) {
		return runner.DiscardParked(ctx, tx, id, "the order was cancelled")
	}); n != 2 || err != nil {
		t.Fatalf("DiscardParked = %d, %v", n, err)
	}
	if n := b.count("SELECT count(*) FROM seen"); n != 2 {
		t.Errorf("%d events applied, want 2", n)
	}
	if n := b.count(`SELECT count(*) FROM audit WHERE tenant = $1 AND actor = 'users/operator'
		AND resource = $2 AND note = 'discarded: the order was cancelled'`, tenant, "deadLetters/"+id.String()); n != 1 {
		t.Errorf("%d audit entries, want 1", n)
	}
	if _, err := unpark(ctx, runner, func(tx pgx.Tx) (int, error, error) { return runner.DiscardParked(ctx, tx, id, "again") }); errs.Reason(err) != "DEAD_LETTER_NOT_FOUND" {
		t.Errorf("discarding again: %v", err)
	}
}

// What is the database's fault parks nothing.
func TestRunner_waitsForTheDatabase(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40P01", "53100", "53300", "57P01", "55P03", "08006"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			relay := b.relay()
			b.log.Wake = relay.Wake
			start(t, relay.Run)
			victim := uuid.New()
			var failures atomic.Int32
			p := &poisoned{aggregate: "contacts/" + victim.String(), seq: 1}
			p.fail = func(ctx context.Context, tx pgx.Tx) error {
				if failures.Add(1) == 4 {
					p.cured.Store(true)
				}
				return exec(ctx, tx, fmt.Sprintf("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '%s'; END $$", code))
			}
			start(t, b.runner(p.projection()).Run)
			b.write(t.Context(), uuid.New(), victim, 2)
			b.sees("p")
			if n := b.count("SELECT count(*) FROM parked_event"); n != 0 {
				t.Errorf("%d events were parked", n)
			}
		})
	}
}

// An event whose sealed part was altered on the way is poison too.
func TestRunner_parksAnAlteredEvent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tenant, victim := uuid.New(), uuid.New()
	b.write(t.Context(), tenant, victim, 1)
	// The ciphertext is the last field of these events.
	b.count(`UPDATE event_log SET event = set_byte(event, octet_length(event) - 1, get_byte(event, octet_length(event) - 1) # 1) RETURNING 1`)
	b.churn(5)
	start(t, b.relay().Run)
	start(t, b.runner(see("p")).Run)
	eventually(t, "the others are applied", func() bool {
		return b.count("SELECT count(*) FROM parked_event") == 1 && b.count("SELECT count(*) FROM seen") == b.written()-1
	})
}

// unpark runs a change of parked events in a transaction of its own, and answers how
// many were applied and why one was not.
func unpark(ctx context.Context, r *eventlog.Runner, change func(tx pgx.Tx) (applied int, still, err error)) (applied int, err error) {
	var still error
	err = pgx.BeginFunc(ctx, r.DB, func(tx pgx.Tx) (err error) {
		applied, still, err = change(tx)
		return err
	})
	return applied, errors.Join(err, still)
}
