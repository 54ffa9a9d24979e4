package eventlog_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Ordering by transaction id would turn these events round: the first
// transaction has its id before it waits for the row lock of the second.
func TestRelay_keepsTheOrderOfAnAggregate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	tenant, contact := uuid.New(), uuid.New()
	lock := func(tx pgx.Tx) {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(1)"); err != nil {
			t.Error(err)
		}
	}
	change := func(tx pgx.Tx, seq int64) {
		var batch pgx.Batch
		b.log.Queue(&batch, b.prepare(ctx, tenant, contact, seq, 1))
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			t.Error(err)
		}
	}
	begin := func() pgx.Tx {
		tx, err := b.db.App.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var batch pgx.Batch
		postgres.QueueTenant(&batch, tenant)
		batch.Queue("SELECT pg_current_xact_id()")
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	early := begin()
	late := begin()
	lock(late)
	var wg sync.WaitGroup
	wg.Go(func() {
		lock(early)
		change(early, 1)
		if err := early.Commit(ctx); err != nil {
			t.Error(err)
		}
	})
	change(late, 0)
	if err := late.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	wg.Wait()

	start(t, b.relay().Run)
	start(t, b.runner(see("p")).Run)
	b.sees("p")
}

// A change may take its position early and commit late: later positions go ahead
// of it, and it is not lost.
func TestRelay_losesNoLateCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	start(t, b.runner(see("p")).Run)
	ctx := t.Context()
	tenant, contact := uuid.New(), uuid.New()
	late, err := b.db.App.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var batch pgx.Batch
	postgres.QueueTenant(&batch, tenant)
	b.log.Queue(&batch, b.prepare(ctx, tenant, contact, 0, 2))
	if err := late.SendBatch(ctx, &batch).Close(); err != nil {
		t.Fatal(err)
	}
	b.churn(10)
	b.sees("p")
	if err := late.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	b.sees("p")
}

// N writers change few aggregates at once: the history is what was written,
// without gaps (I2, I3).
func TestLog_race(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	start(t, b.runner(see("p")).Run)
	const writers, rounds = 8, 25
	tenant := uuid.New()
	contacts := []uuid.UUID{entity.NewID(), entity.NewID(), entity.NewID()}
	locks := make([]sync.Mutex, len(contacts))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				c := (w + i) % len(contacts)
				locks[c].Lock()
				b.write(context.Background(), tenant, contacts[c], 1)
				locks[c].Unlock()
			}
		})
	}
	wg.Wait()
	b.sees("p")
	if n := b.written(); n != writers*rounds {
		t.Errorf("%d events, want %d", n, writers*rounds)
	}
}

// An outbox that was empty when it was last counted is emptied by looking at each of
// its rows a few times: the plan is made for no rows, and there are thousands.
func TestRelay_outboxCountedWhenEmpty(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := t.Context()
	owner, err := pgx.Connect(ctx, b.urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(ctx))
	const rows, taken = 5000, 1000
	fill := func() {
		_, err := b.db.System.Exec(ctx, "INSERT INTO outbox (position, recorded_at, partition) SELECT n, now(), n % 16 FROM generate_series(1, $1) AS n", rows)
		if err != nil {
			t.Fatal(err)
		}
	}
	fill()
	if _, err := b.db.System.Exec(ctx, "DELETE FROM outbox"); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(ctx, "ANALYZE outbox"); err != nil {
		t.Fatal(err)
	}
	fill()
	var epoch int64
	if err := b.db.System.QueryRow(ctx, "SELECT epoch FROM relay_epoch").Scan(&epoch); err != nil {
		t.Fatal(err)
	}
	var plan []struct{ Plan node }
	if err := b.db.System.QueryRow(ctx, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+eventlog.GiveSeqs, epoch, taken).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	if left := b.count("SELECT count(*) FROM outbox"); left != rows-taken {
		t.Errorf("%d rows are left, want %d", left, rows-taken)
	}
	if looks := plan[0].Plan.looks(); looks > 10*rows {
		t.Errorf("looked at %.0f rows to take %d of %d", looks, taken, rows)
	}
}

// node is one of a plan.
type node struct {
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Join Filter"`
	Plans   []node
}

// looks is how many rows all nodes answered or threw away.
func (n node) looks() float64 {
	sum := n.Rows*n.Loops + n.Removed
	for _, below := range n.Plans {
		sum += below.looks()
	}
	return sum
}
