package seed

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// makeMonths makes the partitions of the logs for as far back as copies reach.
func makeMonths(ctx context.Context, conn *pgx.Conn) error {
	first := time.Now().Add(-span - 24*time.Hour)
	if _, err := conn.Exec(ctx, "SELECT event_log_months($1, 13)", first); err != nil {
		return err
	}
	var store bool
	err := conn.QueryRow(ctx, "SELECT to_regproc('event_store_month') IS NOT NULL").Scan(&store)
	if err == nil && store {
		_, err = conn.Exec(ctx, "SELECT event_store_month(m) FROM generate_series($1::timestamptz, now() + interval '1 month', interval '20 days') AS m", first)
	}
	return err
}

// indexes are those that hold no constraint and belong to no other index. That of a
// partitioned table is made again for its partitions too, which ONLY would leave out.
const indexes = `
SELECT replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '), i.indexrelid::regclass::text
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = 'public'::regnamespace AND t.relname = ANY ($1)
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`

// dropIndexes drops the indexes of the tables and answers the statements that
// make them again.
func dropIndexes(ctx context.Context, conn *pgx.Conn, tables []*table) (restore []string, err error) {
	var names []string
	for _, t := range tables {
		if len(t.stencils[0])+len(t.stencils[1]) > 0 {
			names = append(names, t.name)
		}
	}
	rows, err := conn.Query(ctx, indexes, names)
	if err != nil {
		return nil, err
	}
	var drop []string
	var definition, name string
	if _, err := pgx.ForEachRow(rows, []any{&definition, &name}, func() error {
		restore, drop = append(restore, definition), append(drop, name)
		return nil
	}); err != nil || len(drop) == 0 {
		return nil, err
	}
	_, err = conn.Exec(ctx, "DROP INDEX "+strings.Join(drop, ", "))
	return restore, err
}

// numberChanges gives the copies their places in the order of changes, as if each had
// changed when it was created.
const numberChanges = `
INSERT INTO contact_change (tenant, contact, number, owners, teams)
SELECT c.tenant, c.id, (SELECT max(number) FROM contact_change WHERE tenant = $1) + row_number() OVER (ORDER BY c.create_time, c.id),
	array_remove(ARRAY[c.owner], ''), array_remove(ARRAY[c.team], '')
FROM contact c
WHERE c.tenant = $1
ON CONFLICT (tenant, contact) DO NOTHING`

// setHeads brings the ends of the log of a database, and what gives out numbers,
// to where the copies end.
func (f *filler) setHeads(ctx context.Context, database string) error {
	conn := f.db.of(database)
	for area, name := range f.order.areas {
		if f.alone || fleet.Database(name) != database {
			continue
		}
		if _, err := conn.Exec(ctx, "SELECT setval('event_position', $1)", max(1, f.end.positions[area])); err != nil {
			return err
		}
		for partition, seq := range f.end.seqs[area] {
			if _, err := conn.Exec(ctx, "UPDATE partition_head SET seq = $2, published = $2 WHERE partition = $1", partition, seq); err != nil {
				return err
			}
		}
	}
	contacts := copiesFrom + f.copies()*groupSize
	switch database {
	case fleet.Database("contact"):
		if _, err := conn.Exec(ctx, "UPDATE customer_number SET next = $2 WHERE tenant = $1", f.tokens.tenant, firstID+contacts); err != nil || f.alone {
			return err
		}
		_, err := conn.Exec(ctx, numberChanges, f.tokens.tenant)
		return err
	case fleet.Database("ticket"):
		_, err := conn.Exec(ctx, "UPDATE ticket_number SET last = $2 WHERE tenant = $1", f.tokens.tenant, firstID+copiesFrom+f.copies()*f.tokens.tickets)
		return err
	case fleet.Database("analytics"):
		_, err := conn.Exec(ctx, "SELECT setval('event_arrival', $1)", f.end.arrival/arrivalBatch+1)
		return err
	}
	return nil
}

// setCursors makes all projections stand at the ends of the logs, since what they
// would have made of the copies was copied too.
func (f *filler) setCursors(ctx context.Context) error {
	for _, database := range f.db.names {
		for area, name := range f.order.areas {
			for partition, seq := range f.end.seqs[area] {
				if _, err := f.db.of(database).Exec(ctx,
					"UPDATE projection_cursor SET seq = $3, recorded_at = COALESCE(recorded_at, now()) WHERE area = $1 AND partition = $2 AND seq <> $3",
					name, partition, seq); err != nil {
					return fmt.Errorf("cursors of %s: %w", database, err)
				}
			}
		}
	}
	return nil
}
