package customfield

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

const (
	// buildInterval is how often an index that is to be filled or emptied is looked for.
	buildInterval = time.Second
	// stepRows is how many records one step looks at, or how many values it removes.
	stepRows = 1000
	// emptyAfter is how long values of an index that was given up stay: replicas that do
	// not know of it yet still go by them.
	emptyAfter = 2 * trusted
)

// Builder fills and empties the indexes of fields, in steps of 1,000 records, each a
// short transaction that locks the records which have a value. Several replicas may run
// it: a step is done by one of them. That an index is ready is no change of its field: it
// makes no event.
type Builder struct {
	DB *postgres.DB
	// Schemas are those of this process: they learn at once what became ready.
	Schemas *Schemas
	// Tables are those of the resources.
	Tables map[string]string
	Logger *slog.Logger
}

// build is what is to be done about one index.
type build struct {
	tenant, field uuid.UUID
	resource, key string
	fieldType     Type
	state         IndexState
	unique        bool
	searchable    bool
	horizon       *int64
	after         uuid.UUID
}

// Run works until the context ends.
func (w *Builder) Run(ctx context.Context) error {
	for {
		more, err := w.step(ctx)
		if err != nil && ctx.Err() == nil {
			w.Logger.WarnContext(ctx, "the index of a custom field cannot be built now", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(buildInterval):
		}
	}
}

// step does one step of the oldest work that is not in the hands of another replica, and
// reports whether there may be more.
func (w *Builder) step(ctx context.Context) (more bool, err error) {
	var b build
	err = postgres.InTx(ctx, w.DB.System, func(tx pgx.Tx) error {
		b, more = build{}, false
		err := tx.QueryRow(ctx, `
			SELECT b.tenant, b.field, b.horizon, coalesce(b.after, '00000000-0000-0000-0000-000000000000'),
				f.resource, f.key, f.type, f.index_state, f.is_unique, f.searchable
			FROM custom_build AS b
			JOIN custom_field AS f ON f.tenant = b.tenant AND f.id = b.field
			WHERE f.index_state = 1 OR clock_timestamp() - b.since > $1
			ORDER BY (b.horizon IS NOT NULL AND pg_snapshot_xmin(pg_current_snapshot())::text::bigint < b.horizon), b.since
			LIMIT 1
			FOR UPDATE OF b SKIP LOCKED`, emptyAfter).
			Scan(&b.tenant, &b.field, &b.horizon, &b.after, &b.resource, &b.key, &b.fieldType, &b.state, &b.unique, &b.searchable)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		case b.state == Building:
			more, err = w.fill(ctx, tx, &b)
		default:
			more, err = true, w.empty(ctx, tx, &b)
		}
		return err
	})
	if err == nil && more {
		w.Schemas.Forget(b.tenant)
	}
	return more, err
}

// fill enters the values of the next records. It begins when no transaction is left that
// may have written a record without knowing of the field.
func (w *Builder) fill(ctx context.Context, tx pgx.Tx, b *build) (more bool, err error) {
	if b.horizon == nil {
		_, err = tx.Exec(ctx, `
			UPDATE custom_build SET horizon = pg_snapshot_xmax(pg_current_snapshot())::text::bigint
			WHERE tenant = $1 AND field = $2`, b.tenant, b.field)
		return true, err
	}
	var settled bool
	if err := tx.QueryRow(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1", *b.horizon).Scan(&settled); err != nil || !settled {
		return false, err
	}
	table, ok := w.Tables[b.resource]
	if !ok {
		return false, fmt.Errorf("customfield: no table of resource %q", b.resource)
	}
	var last *uuid.UUID
	err = tx.QueryRow(ctx, fmt.Sprintf(`
		SELECT max(id::text)::uuid
		FROM (SELECT id FROM %s WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT %d) AS page`, filter.Quote(table), stepRows), b.tenant, b.after).Scan(&last)
	if err != nil {
		return false, err
	}
	if last == nil {
		if _, err := tx.Exec(ctx, "UPDATE custom_field SET index_state = 2 WHERE tenant = $1 AND id = $2 AND index_state = 1", b.tenant, b.field); err != nil {
			return false, err
		}
		return true, w.done(ctx, tx, b)
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf(fillSQL, filter.Quote(table)), b.tenant, b.after, *last, b.key, b.field, b.fieldType, b.unique, b.searchable); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, "UPDATE custom_build SET after = $3 WHERE tenant = $1 AND field = $2", b.tenant, b.field, *last)
	return true, err
}

// fillSQL enters the values of the records in a range. Of records that have the same value
// already, the oldest holds it alone: the others keep it until it is written again.
const fillSQL = `
	WITH held AS MATERIALIZED (
		SELECT id, custom_fields, delete_time
		FROM %s
		WHERE tenant = $1 AND id > $2 AND id <= $3 AND custom_fields ? $4
		FOR SHARE
	), keyed AS (
		SELECT h.id, k.value, $7 AND h.delete_time IS NULL AS unique_here, $8 AND h.delete_time IS NULL AS searchable,
			row_number() OVER (PARTITION BY k.value, h.delete_time IS NULL ORDER BY h.id) AS place
		FROM held AS h
		CROSS JOIN LATERAL custom_keys($6, h.custom_fields -> $4) AS k (value)
	)
	INSERT INTO custom_value (tenant, id, field, value, alone, searchable)
	SELECT $1, k.id, $5, k.value, k.unique_here AND k.place = 1 AND NOT EXISTS (
		SELECT FROM custom_value AS v WHERE v.tenant = $1 AND v.field = $5 AND v.value = k.value AND v.alone), k.searchable
	FROM keyed AS k
	ON CONFLICT (tenant, id, field, value) DO UPDATE SET searchable = EXCLUDED.searchable`

// empty removes the next values of an index that was given up.
func (w *Builder) empty(ctx context.Context, tx pgx.Tx, b *build) error {
	tag, err := tx.Exec(ctx, fmt.Sprintf(`
		DELETE FROM custom_value AS v
		USING (SELECT id, value FROM custom_value WHERE tenant = $1 AND field = $2 ORDER BY value, id LIMIT %d) AS gone
		WHERE v.tenant = $1 AND v.field = $2 AND v.id = gone.id AND v.value = gone.value`, stepRows), b.tenant, b.field)
	if err != nil || tag.RowsAffected() == stepRows {
		return err
	}
	return w.done(ctx, tx, b)
}

// done takes the work off the list.
func (w *Builder) done(ctx context.Context, tx pgx.Tx, b *build) error {
	_, err := tx.Exec(ctx, "DELETE FROM custom_build WHERE tenant = $1 AND field = $2", b.tenant, b.field)
	return err
}
