package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
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

// pass applies what every tenant has that was not applied yet.
func (w *rebuilder) pass(ctx context.Context) (applied int, err error) {
	for tenant := (uuid.UUID{}); ; {
		var found bool
		if tenant, found, err = nextTenant(ctx, w.conn, tenant); err != nil || !found {
			return applied, err
		}
		for {
			n, err := w.applyNext(ctx, tenant)
			if err != nil {
				return applied, err
			}
			if err := failpoint.Hit(failpoint.RebuildAfterBatch); err != nil {
				return applied, err
			}
			applied += n
			if n < w.batch {
				break
			}
		}
	}
}

func nextTenant(ctx context.Context, conn *pgx.Conn, after uuid.UUID) (tenant uuid.UUID, found bool, err error) {
	err = conn.QueryRow(ctx, "SELECT tenant FROM event_store WHERE tenant > $1 ORDER BY tenant LIMIT 1", after).Scan(&tenant)
	if errors.Is(err, pgx.ErrNoRows) {
		return tenant, false, nil
	}
	return tenant, err == nil, err
}

// applyNext applies a batch of one tenant's events, in the order of arrival, which
// holds the order of each aggregate.
func (w *rebuilder) applyNext(ctx context.Context, tenant uuid.UUID) (int, error) {
	stored, err := w.next(ctx, tenant)
	if err != nil || len(stored) == 0 {
		return 0, err
	}
	events := column(stored, func(s Stored) *eventv1.Event { return s.Event })
	if err := eventlog.FetchKeys(ctx, w.keys, events); err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, w.conn, func(tx pgx.Tx) error {
		// A crash begins the rebuild again: nothing waits for the disk before the end.
		if _, err := tx.Exec(ctx, "SELECT set_config('synchronous_commit', 'off', true)"); err != nil {
			return err
		}
		return w.applyTo(ctx, tx, w.keys, stored)
	})
	if err == nil {
		w.read[tenant] = stored[len(stored)-1].Arrival
	}
	return len(stored), err
}

const selectArrived = `
SELECT arrival, event
FROM event_store
WHERE tenant = $1 AND arrival > $2
ORDER BY arrival
LIMIT $3`

func (w *rebuilder) next(ctx context.Context, tenant uuid.UUID) ([]Stored, error) {
	rows, err := w.conn.Query(ctx, selectArrived, tenant, w.read[tenant], w.batch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanStored)
}

// applyTo applies events to the shadows.
func (w *rebuilder) applyTo(ctx context.Context, tx pgx.Tx, keys eventlog.Keys, stored []Stored) error {
	rows, err := readRows(ctx, keys, column(stored, func(s Stored) *eventv1.Event { return s.Event }))
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("SELECT set_config('search_path', 'shadow, public', true)")
	queueRows(b, rows)
	b.Queue("UPDATE rebuild SET done = done + $2 WHERE id = $1", w.id, len(stored))
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	return eraseAgain(ctx, tx, column(stored, func(s Stored) *eventv1.Event { return s.Event }))
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
		if tenant, found, err = nextTenant(ctx, tx.Conn(), tenant); err != nil || !found {
			return err
		}
		for after := w.read[tenant]; ; {
			rows, err := tx.Query(ctx, selectArrived, tenant, after, w.batch)
			if err != nil {
				return err
			}
			stored, err := pgx.CollectRows(rows, scanStored)
			if err != nil {
				return err
			}
			if len(stored) == 0 {
				break
			}
			if err := w.applyTo(ctx, tx, atHand{w.keys, w.gone}, stored); err != nil {
				return err
			}
			after = stored[len(stored)-1].Arrival
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
