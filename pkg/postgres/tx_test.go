package postgres_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestInTx_commitsOrRollsBack(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(1)
	insert(t, db, tenant, g)
	rename := func(title string, fail error) error {
		return postgres.InTx(t.Context(), db.System, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE gadget SET title = $1", title)
			return errors.Join(err, fail)
		})
	}
	refused := errs.Refused("NO", "no")
	if err := rename("first", nil); err != nil {
		t.Fatal(err)
	}
	if err := rename("second", refused); !errors.Is(err, refused) {
		t.Errorf("err %v", err)
	}
	if got, err := gadgets.Get(t.Context(), db, tenant, g.ID); err != nil || got.Title != "first" {
		t.Errorf("title %q, %v", got.Title, err)
	}
}

// Two transactions that lock two rows in opposite order deadlock; the one that
// PostgreSQL ends runs again and wins.
func TestInTx_runsAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	a, b := newGadget(1), newGadget(2)
	insert(t, db, tenant, a, b)
	var runs atomic.Int32
	var met sync.WaitGroup
	met.Add(2)
	swap := func(first, second uuid.UUID) error {
		firstRun := true
		return postgres.InTx(t.Context(), db.System, func(tx pgx.Tx) error {
			runs.Add(1)
			const add = "UPDATE gadget SET amount = amount + 1 WHERE id = $1"
			if _, err := tx.Exec(t.Context(), add, first); err != nil {
				return err
			}
			if firstRun {
				firstRun = false
				met.Done()
				met.Wait()
			}
			_, err := tx.Exec(t.Context(), add, second)
			return err
		})
	}
	var failures [2]error
	var wg sync.WaitGroup
	wg.Go(func() { failures[0] = swap(a.ID, b.ID) })
	wg.Go(func() { failures[1] = swap(b.ID, a.ID) })
	wg.Wait()
	if err := errors.Join(failures[:]...); err != nil {
		t.Fatal(err)
	}
	if runs.Load() != 3 {
		t.Errorf("%d runs, want 3: no deadlock?", runs.Load())
	}
	rows, err := gadgets.GetAll(t.Context(), db, tenant, []uuid.UUID{a.ID, b.ID})
	if err != nil || rows[0].Amount != a.Amount+2 || rows[1].Amount != b.Amount+2 {
		t.Errorf("amounts %d, %d, %v", rows[0].Amount, rows[1].Amount, err)
	}
}

func TestInTx_givesUpAfterThreeTimes(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	runs := 0
	err := postgres.InTx(t.Context(), db.System, func(tx pgx.Tx) error {
		runs++
		_, err := tx.Exec(t.Context(), "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")
		return err
	})
	if runs != 3 || errs.Code(err) != codes.Aborted {
		t.Errorf("%d runs, %v", runs, err)
	}
}

func TestInTx_waitsForALockTwoSeconds(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(1)
	insert(t, db, tenant, g)
	lock := func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT FROM gadget WHERE id = $1 FOR UPDATE", g.ID)
		return err
	}
	err := postgres.InTx(t.Context(), db.System, func(tx pgx.Tx) error {
		if err := lock(tx); err != nil {
			t.Error(err)
		}
		start := time.Now()
		err := postgres.InTx(t.Context(), db.System, lock)
		if took := time.Since(start); took < 1900*time.Millisecond {
			t.Errorf("gave up after %s", took)
		}
		return err
	})
	if errs.Code(err) != codes.Aborted || errs.Reason(err) != "LOCKED" {
		t.Errorf("err %v", err)
	}
}

func TestDecide_locksAndWritesInOneTransaction(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(0)
	insert(t, db, tenant, g)
	increment := func() error {
		var row *gadget
		return postgres.Decide(t.Context(), db, func(b *pgx.Batch) {
			postgres.QueueTenant(b, tenant)
			gadgets.QueueLock(b, tenant, g.ID, func(found *gadget) error { row = found; return nil })
		}, func(b *pgx.Batch) error {
			row.Amount++
			gadgets.QueueUpdate(b, tenant, row)
			return nil
		})
	}
	const n = 20
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := increment(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, err := gadgets.Get(t.Context(), db, tenant, g.ID); err != nil || got.Amount != n {
		t.Errorf("amount %d after %d increments, %v", got.Amount, n, err)
	}
}

func TestDecide_rollsBack(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(0)
	refused := errs.Refused("NO", "no")
	read := func(b *pgx.Batch) {
		postgres.QueueTenant(b, tenant)
		gadgets.QueueInsert(b, tenant, g)
	}
	for name, write := range map[string]func(b *pgx.Batch) error{
		"a rule says no":     func(*pgx.Batch) error { return refused },
		"a statement fails":  func(b *pgx.Batch) error { b.Queue("SELECT 'x'::uuid"); return nil },
		"a constraint fails": func(b *pgx.Batch) error { gadgets.QueueInsert(b, tenant, g); return nil },
	} {
		if err := postgres.Decide(t.Context(), db, read, write); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := gadgets.Get(t.Context(), db, tenant, g.ID); errs.Code(err) != codes.NotFound {
			t.Errorf("%s: the row was kept: %v", name, err)
		}
	}
	if err := postgres.Decide(t.Context(), db, func(b *pgx.Batch) { b.Queue("SELECT 'x'::uuid") }, nil); errs.Code(err) != codes.InvalidArgument {
		t.Errorf("reading failed: %v", err)
	}
	if open := db.App.Stat().AcquiredConns(); open != 0 {
		t.Errorf("%d connections were not given back", open)
	}
}

func TestRun_givesTheConnectionBackWhenACallbackPanics(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		b := &pgx.Batch{}
		b.Queue("SELECT 1").Query(func(pgx.Rows) error { panic("callback") })
		_ = postgres.Run(t.Context(), db, b)
	}()
	for end := time.Now().Add(5 * time.Second); db.App.Stat().AcquiredConns() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the connection is still in use")
		}
	}
}

func TestOpen_limitsThePool(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db, err := postgres.Open(t.Context(), urls.App, urls.System, postgres.Options{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	held, err := db.App.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	start := time.Now()
	err = postgres.InTx(t.Context(), db.App, func(pgx.Tx) error { return nil })
	if errs.Code(err) != codes.ResourceExhausted || time.Since(start) < 900*time.Millisecond {
		t.Errorf("all connections in use: after %s %v", time.Since(start), err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := postgres.InTx(short, db.App, func(pgx.Tx) error { return nil }); errs.Code(err) != codes.DeadlineExceeded {
		t.Errorf("the caller's own deadline: %v", err)
	}
}

func TestOpen_setsTheSession(t *testing.T) {
	t.Parallel()
	db := openGadgets(t)
	for setting, want := range map[string]string{
		"statement_timeout":                   "5s",
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "30s",
		"tcp_keepalives_idle":                 "30",
		"tcp_user_timeout":                    "10000",
		"timezone":                            "UTC",
	} {
		var got string
		if err := db.App.QueryRow(t.Context(), "SHOW "+setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, want %q, %v", setting, got, want, err)
		}
	}
}
