package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// attempts is how often a transaction runs that meets a deadlock or a
// serialization failure.
const attempts = 3

// Sender is what a statement can be sent to: a *DB (as role app) or a pgx.Tx.
type Sender interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// QueueTenant queues the setting that row-level security reads. It holds until
// the end of the transaction, which for a batch outside one is the batch.
func QueueTenant(b *pgx.Batch, tenant uuid.UUID) {
	b.Queue("SELECT set_config('app.tenant', $1, true)", tenant.String())
}

// Run sends a batch, runs its callbacks in order and answers the first error,
// as SQLError words it. Outside a transaction the batch is one.
func Run(ctx context.Context, to Sender, b *pgx.Batch) error {
	return sqlError(ctx, to.SendBatch(ctx, b).Close())
}

// Submit builds a batch and runs it in one round trip, again when it met a
// deadlock. The build function runs once an attempt, and must start from the
// same values each time.
func Submit(ctx context.Context, to Sender, build func(b *pgx.Batch) error) error {
	return retry(ctx, func() error {
		b := &pgx.Batch{}
		if err := build(b); err != nil {
			return err
		}
		if err := failpoint.Hit(failpoint.WriteBeforeCommit); err != nil {
			return err
		}
		return to.SendBatch(ctx, b).Close()
	})
}

// InTx runs fn in a transaction, and commits when it answers nil. A deadlock or
// a serialization failure runs it again, at most three times in all, so fn must
// have no effect outside the transaction. Errors are as SQLError words them.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	return retry(ctx, func() error {
		conn, err := acquire(ctx, pool)
		if err != nil {
			return err
		}
		defer conn.Release()
		return pgx.BeginFunc(ctx, conn, fn)
	})
}

// Decide runs a transaction in two round trips, as role app: what read queues
// goes with BEGIN, and when its callbacks have run, what write queues goes with
// COMMIT. An error of write, or of a statement, rolls back; one that a callback
// of write answers comes too late for that. Retries are those of InTx.
func Decide(ctx context.Context, db *DB, read func(b *pgx.Batch), write func(b *pgx.Batch) error) error {
	return Transact(ctx, db, func(between Sender, last *pgx.Batch) error {
		first := &pgx.Batch{}
		read(first)
		if err := between.SendBatch(ctx, first).Close(); err != nil {
			return err
		}
		return write(last)
	})
}

// Transact is Decide for any number of looks: work sends them through between, each
// in one round trip, which answers errors as the database words them. BEGIN goes
// with the first of them; where there is none, last is the whole transaction. What
// between answers is to be closed and nothing else: its callbacks get the results.
func Transact(ctx context.Context, db *DB, work func(between Sender, last *pgx.Batch) error) error {
	return retry(ctx, func() error {
		conn, err := acquire(ctx, db.App)
		if err != nil {
			return err
		}
		defer conn.Release()
		err = transact(ctx, conn.Conn(), work)
		if conn.Conn().PgConn().TxStatus() != idle {
			rollback(ctx, conn)
		}
		return err
	})
}

// idle is the transaction status of a session outside transactions.
const idle = 'I'

// rollback saves the connection. When it fails, the pool drops the connection,
// and the server rolls back.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK")
}

func transact(ctx context.Context, conn *pgx.Conn, work func(between Sender, last *pgx.Batch) error) error {
	between, last := &beginning{conn: conn}, &pgx.Batch{}
	if err := work(between, last); err != nil {
		return err
	}
	if err := failpoint.Hit(failpoint.WriteBeforeCommit); err != nil {
		return err
	}
	if between.begun {
		last.Queue("COMMIT")
	}
	return conn.SendBatch(ctx, last).Close()
}

// beginning sends BEGIN with the first batch.
type beginning struct {
	conn  *pgx.Conn
	begun bool
}

func (t *beginning) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if !t.begun {
		t.begun = true
		first := &pgx.Batch{}
		first.Queue("BEGIN")
		first.QueuedQueries = append(first.QueuedQueries, b.QueuedQueries...)
		b = first
	}
	return t.conn.SendBatch(ctx, b)
}

// retry runs fn until it ends otherwise than by a deadlock or a serialization
// failure, with a random pause so that the rivals do not meet again.
func retry(ctx context.Context, fn func() error) error {
	for attempt := 1; ; attempt++ {
		err := fn()
		if err == nil || attempt == attempts || !retryable(err) {
			return sqlError(ctx, err)
		}
		pause := time.Duration(1+rand.IntN(20*attempt)) * time.Millisecond
		select {
		case <-ctx.Done():
			return sqlError(ctx, err)
		case <-time.After(pause):
		}
	}
}
