package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/ahead"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

const (
	// swapPatience is how long the swap may wait for the readers of a live table,
	// and so how long it may make others wait behind it; finishTries is how often
	// it is tried.
	swapPatience = 500 * time.Millisecond
	finishTries  = 100
	// lockNotAvailable is the SQLSTATE of a lock that was not got in time.
	lockNotAvailable = "55P03"
)

// rebuilder is one attempt at a rebuild. Each attempt begins with empty shadows,
// so a crash at any point leaves nothing behind that matters.
type rebuilder struct {
	*Store
	conn    *pgx.Conn
	id      uuid.UUID
	batch   int
	compare bool

	// read is the newest arrival that was applied, by tenant.
	read map[uuid.UUID]int64
	// gone are contacts that events tell of and that no longer exist.
	gone map[uuid.UUID]bool
}

func (w *rebuilder) run(ctx context.Context) error {
	w.read, w.gone = map[uuid.UUID]int64{}, map[uuid.UUID]bool{}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for {
		applied, err := w.pass(ctx)
		if err != nil {
			return err
		}
		if applied < w.batch {
			break
		}
	}
	if _, err := w.conn.Exec(ctx, "SELECT rebuild_analyze()"); err != nil {
		return err
	}
	return w.finishAtLast(ctx)
}

// finishAtLast tries to finish until nothing is in the way any more: a key that has
// to be fetched, or a reader who holds a live table. Meanwhile new events come in.
func (w *rebuilder) finishAtLast(ctx context.Context) error {
	for try := 1; ; try++ {
		err := w.finish(ctx)
		var missing *eventlog.KeyMissingError
		var held *pgconn.PgError
		switch {
		case errors.As(err, &missing):
			if err := w.keys.Fetch(ctx, missing.Tenant, missing.Contacts...); errs.Code(err) == codes.NotFound {
				w.noteGone(missing)
			} else if err != nil {
				return err
			}
		case errors.As(err, &held) && held.Code == lockNotAvailable && try < finishTries:
			if _, err := w.pass(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// noteGone notes which contacts have no key, now that those of the others are cached.
func (w *rebuilder) noteGone(missing *eventlog.KeyMissingError) {
	for _, contact := range missing.Contacts {
		if _, cached := w.keys.Cached(missing.Tenant, contact); !cached {
			w.gone[contact] = true
		}
	}
}

// begin makes the shadows. The total is what the cursors say, which counts the
// parked events too.
func (w *rebuilder) begin(ctx context.Context) error {
	b := &pgx.Batch{}
	b.Queue("SELECT rebuild_begin()")
	b.Queue(`
		UPDATE rebuild
		SET attempts = attempts + 1, done = 0, start_time = $2,
		    total = (SELECT COALESCE(sum(seq), 0) FROM projection_cursor WHERE projection = $3)
		WHERE id = $1`, w.id, w.now(), ProjectionName)
	return w.conn.SendBatch(ctx, b).Close()
}

// pass applies what every tenant has that was not applied yet. While a batch is being
// written the next one is read and unsealed.
func (w *rebuilder) pass(ctx context.Context) (applied int, err error) {
	after := maps.Clone(w.read)
	err = ahead.Use(ctx, func(ctx context.Context, hand func(batch) error) error {
		return w.readOn(ctx, after, hand)
	}, func(b batch) error {
		applied += len(b.stored)
		return w.apply(ctx, b)
	})
	return applied, err
}

// batch is some of a tenant's events, in the order of arrival, which holds the order of
// each aggregate, and what they mean.
type batch struct {
	tenant uuid.UUID
	stored []Stored
	rows   *projection.Rows
}

// readOn hands on what every tenant has after such arrivals.
func (w *rebuilder) readOn(ctx context.Context, after map[uuid.UUID]int64, hand func(batch) error) error {
	for tenant := (uuid.UUID{}); ; {
		var found bool
		var err error
		if tenant, found, err = nextTenant(ctx, w.db.System, tenant); err != nil || !found {
			return err
		}
		for full := true; full; {
			b, err := w.prepare(ctx, tenant, after[tenant])
			if err != nil {
				return err
			}
			if len(b.stored) == 0 {
				break
			}
			after[tenant] = b.stored[len(b.stored)-1].Arrival
			full = len(b.stored) == w.batch
			if err := hand(b); err != nil {
				return err
			}
		}
	}
}

// prepare reads a batch; it is empty where there are no more events.
func (w *rebuilder) prepare(ctx context.Context, tenant uuid.UUID, after int64) (batch, error) {
	b := batch{tenant: tenant}
	var err error
	if b.stored, err = w.next(ctx, w.db.System, tenant, after); err != nil || len(b.stored) == 0 {
		return b, err
	}
	events := b.events()
	if err := eventlog.FetchKeys(ctx, w.keys, events); err != nil {
		return b, err
	}
	b.rows, err = readRows(ctx, w.keys, events)
	return b, err
}

func (b batch) events() []*eventv1.Event {
	return column(b.stored, func(s Stored) *eventv1.Event { return s.Event })
}

// querier is a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func nextTenant(ctx context.Context, conn querier, after uuid.UUID) (tenant uuid.UUID, found bool, err error) {
	err = conn.QueryRow(ctx, "SELECT tenant FROM event_store WHERE tenant > $1 ORDER BY tenant LIMIT 1", after).Scan(&tenant)
	if errors.Is(err, pgx.ErrNoRows) {
		return tenant, false, nil
	}
	return tenant, err == nil, err
}

// apply writes a batch into the shadows.
func (w *rebuilder) apply(ctx context.Context, b batch) error {
	err := pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
		// A crash begins the rebuild again: nothing waits for the disk before the end.
		if _, err := tx.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', true)"); err != nil {
			return err
		}
		return w.write(ctx, tx, b)
	})
	if err != nil {
		return err
	}
	w.read[b.tenant] = b.stored[len(b.stored)-1].Arrival
	return failpoint.Hit(failpoint.RebuildAfterBatch)
}

const selectArrived = `
SELECT arrival, event
FROM event_store
WHERE tenant = $1 AND arrival > $2
ORDER BY arrival
LIMIT $3`

func (w *rebuilder) next(ctx context.Context, conn querier, tenant uuid.UUID, after int64) ([]Stored, error) {
	rows, err := conn.Query(ctx, selectArrived, tenant, after, w.batch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanStored)
}

// write adds a batch to the shadows.
func (w *rebuilder) write(ctx context.Context, tx pgx.Tx, events batch) error {
	b := &pgx.Batch{}
	b.Queue("SELECT set_config('search_path', 'shadow, public', true)")
	queueRows(b, events.rows)
	b.Queue("UPDATE rebuild SET done = done + $2 WHERE id = $1", w.id, len(events.stored))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return eraseAgain(ctx, tx, events.events())
}

// finish lets no new event be applied, applies the last ones to the shadows, and
// puts these in the place of the live tables: one transaction. A key that is not
// at hand is an error, because no service is called within it.
func (w *rebuilder) finish(ctx context.Context) error {
	return pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM projection_cursor WHERE projection = $1 FOR UPDATE", ProjectionName); err != nil {
			return err
		}
		if err := w.applyLast(ctx, tx); err != nil {
			return err
		}
		var digests []Digest
		if w.compare {
			var err error
			if digests, err = digest(ctx, tx); err != nil {
				return err
			}
		}
		if err := failpoint.Hit(failpoint.RebuildBeforeSwap); err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue("SELECT set_config('lock_timeout', $1, true)", fmt.Sprint(swapPatience.Milliseconds()))
		b.Queue("SELECT rebuild_swap()")
		b.Queue("UPDATE rebuild SET state = 'DONE', end_time = $2, digests = $3 WHERE id = $1", w.id, w.now(), digests)
		return tx.SendBatch(ctx, b).Close()
	})
}

// applyLast leaves read as it is: the transaction may yet fail.
func (w *rebuilder) applyLast(ctx context.Context, tx pgx.Tx) error {
	for tenant := (uuid.UUID{}); ; {
		var found bool
		var err error
		if tenant, found, err = nextTenant(ctx, tx, tenant); err != nil || !found {
			return err
		}
		for after := w.read[tenant]; ; {
			b := batch{tenant: tenant}
			if b.stored, err = w.next(ctx, tx, tenant, after); err != nil {
				return err
			}
			if len(b.stored) == 0 {
				break
			}
			if b.rows, err = readRows(ctx, atHand{w.keys, w.gone}, b.events()); err != nil {
				return err
			}
			if err := w.write(ctx, tx, b); err != nil {
				return err
			}
			after = b.stored[len(b.stored)-1].Arrival
		}
	}
}

// atHand are the keys that need no call. Those of contacts that are gone count as
// destroyed.
type atHand struct {
	eventlog.Keys
	gone map[uuid.UUID]bool
}

// Cached implements eventlog.Keys.
func (k atHand) Cached(tenant, contact uuid.UUID) (eventlog.Key, bool) {
	if k.gone[contact] {
		return eventlog.Key{}, true
	}
	return k.Keys.Cached(tenant, contact)
}

// Fetch says which keys would have to be fetched.
func (atHand) Fetch(_ context.Context, tenant uuid.UUID, contacts ...uuid.UUID) error {
	return &eventlog.KeyMissingError{Tenant: tenant, Contacts: contacts}
}

// projections are the tables of the projections and the columns that order their
// rows.
var projections = []struct{ table, key string }{
	{"aggregate_state", "tenant, aggregate, seq, contact"},
	{"customer", "tenant, aggregate, seq"},
	{"exchange_rate", "tenant, aggregate, seq"},
	{"fact", "tenant, aggregate, seq"},
	{"first_relation", "tenant, contact"},
	{"tenant_setting", "tenant"},
	{"timeline", "tenant, contact, occurred_at, event_id"},
}

// digest compares every projection with its shadow.
func digest(ctx context.Context, tx pgx.Tx) ([]Digest, error) {
	var digests []Digest
	for _, p := range projections {
		d := Digest{Projection: p.table}
		var err error
		if d.Live, _, err = digestOf(ctx, tx, "public."+p.table, p.key); err != nil {
			return nil, err
		}
		if d.Rebuilt, d.Rows, err = digestOf(ctx, tx, "shadow."+p.table, p.key); err != nil {
			return nil, err
		}
		digests = append(digests, d)
	}
	return digests, nil
}

// digestOf answers the SHA-256 of a table's rows in the order of its key.
func digestOf(ctx context.Context, tx pgx.Tx, table, key string) (sum string, rows int64, err error) {
	hash := sha256.New()
	tag, err := tx.Conn().PgConn().CopyTo(ctx, hash, fmt.Sprintf("COPY (SELECT * FROM %s ORDER BY %s) TO STDOUT", table, key))
	return hex.EncodeToString(hash.Sum(nil)), tag.RowsAffected(), err
}
