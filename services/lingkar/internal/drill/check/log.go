package check

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// The queries below answer one line for each breach.
const (
	// uncommitted finds rows whose number of changes is not the number of their
	// events. The table is put in by name. A lifecycle is named by its contact's id.
	uncommitted = `
		SELECT format('%s %%s of %%s: the row says %%s changes, the log has %%s', t.id, t.tenant, t.seq, coalesce(l.n, 0))
		FROM %s t
		LEFT JOIN (
			SELECT tenant, right(aggregate, 36) AS id, count(*) AS n FROM event_log WHERE aggregate NOT LIKE 'lifecycles/%%' GROUP BY 1, 2
		) l ON l.tenant = t.tenant AND l.id = t.id::text
		WHERE t.seq <> coalesce(l.n, 0)
		LIMIT 20`
	// unmoved finds contacts whose number of moves is not the number of the events that
	// tell of them.
	unmoved = `
		SELECT format('lifecycle %s of %s: %s moves, the log has %s', t.id, t.tenant, t.moves, coalesce(l.n, 0))
		FROM contact_lifecycle t
		LEFT JOIN (
			SELECT tenant, right(aggregate, 36) AS id, count(*) AS n FROM event_log WHERE aggregate LIKE 'lifecycles/%' GROUP BY 1, 2
		) l ON l.tenant = t.tenant AND l.id = t.id::text
		WHERE t.moves <> coalesce(l.n, 0)
		LIMIT 20`
	// aggregates are the tables whose rows are made of events.
	aggregates = `
		SELECT c.table_name FROM information_schema.columns c
		JOIN information_schema.tables t USING (table_schema, table_name)
		WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.column_name IN ('tenant', 'id', 'seq', 'partition', 'create_time')
		GROUP BY c.table_name HAVING count(*) = 5 ORDER BY 1`
	// unordered finds events without a place, places without an event, and gaps.
	unordered = `
		SELECT format('event %s of %s has no place', l.id, l.aggregate)
		FROM event_log l LEFT JOIN event_order o ON o.position = l.position AND o.recorded_at = l.recorded_at
		WHERE o.position IS NULL
		UNION ALL
		SELECT format('place %s of partition %s has no event', o.seq, o.partition)
		FROM event_order o LEFT JOIN event_log l ON o.position = l.position AND o.recorded_at = l.recorded_at
		WHERE l.position IS NULL
		UNION ALL
		SELECT format('position %s was given %s places', position, count(*)) FROM event_order GROUP BY position HAVING count(*) > 1
		UNION ALL
		SELECT format('partition %s has %s places up to %s', partition, count(*), max(seq))
		FROM event_order GROUP BY partition HAVING count(*) <> max(seq)
		LIMIT 20`
	// inverted finds aggregates whose events do not ascend one by one.
	inverted = `
		SELECT format('%s of %s: number %s comes after %s', aggregate, tenant, aggregate_seq, before)
		FROM (
			SELECT l.tenant, l.aggregate, l.aggregate_seq,
			       lag(l.aggregate_seq, 1, 0::bigint) OVER (PARTITION BY l.tenant, l.aggregate ORDER BY o.seq) AS before
			FROM event_log l JOIN event_order o ON o.position = l.position AND o.recorded_at = l.recorded_at
		) s
		WHERE aggregate_seq <> before + 1
		LIMIT 20`
	// fingerprint is that of the events of an area in their order.
	produced = `
		SELECT count(*), coalesce(md5(string_agg(l.id::text, ',' ORDER BY o.partition, o.seq)), '')
		FROM event_log l JOIN event_order o ON o.position = l.position AND o.recorded_at = l.recorded_at`
	stored = `
		SELECT count(*), coalesce(md5(string_agg(event_id::text, ',' ORDER BY partition, position)), '')
		FROM event_store WHERE area = $1`
)

// commits checks that no row changed without its event, and that no event is
// without its row (I2).
func (r *Run) commits(ctx context.Context) Result {
	result := Result{ID: "I2", Title: "no change without its event, no event without its change"}
	tables := 0
	for _, area := range areas() {
		err := with(ctx, r.Cluster, fleet.Database(area), func(conn *pgx.Conn) error {
			names, err := texts(ctx, conn, aggregates)
			if err != nil {
				return err
			}
			for _, name := range names {
				tables++
				broken, err := texts(ctx, conn, fmt.Sprintf(uncommitted, name, pgx.Identifier{name}.Sanitize()))
				if err != nil {
					return err
				}
				for _, b := range broken {
					result.breach("%s: %s", area, b)
				}
			}
			return nil
		})
		if err != nil {
			result.breach("%s cannot be asked: %v", area, err)
		}
	}
	err := with(ctx, r.Cluster, fleet.Database("contact"), func(conn *pgx.Conn) error {
		broken, err := texts(ctx, conn, unmoved)
		for _, b := range broken {
			result.breach("contact: %s", b)
		}
		return err
	})
	if err != nil {
		result.breach("contact cannot be asked: %v", err)
	}
	result.Evidence = fmt.Sprintf("the rows of %d tables against their events, and the moves of lifecycles", tables)
	return result
}

// order checks that every event has one place, that partitions have no gaps, that
// the events of an aggregate ascend, and that analytics stored the same events in
// the same order (I3).
func (r *Run) order(ctx context.Context) Result {
	result := Result{ID: "I3", Title: "every event has its place, and each aggregate's events keep their order"}
	var events int64
	for _, area := range areas() {
		var count int64
		var digest string
		err := with(ctx, r.Cluster, fleet.Database(area), func(conn *pgx.Conn) error {
			for _, query := range []string{unordered, inverted} {
				broken, err := texts(ctx, conn, query)
				if err != nil {
					return err
				}
				for _, b := range broken {
					result.breach("%s: %s", area, b)
				}
			}
			return conn.QueryRow(ctx, produced).Scan(&count, &digest)
		})
		if err != nil {
			result.breach("%s cannot be asked: %v", area, err)
			continue
		}
		events += count
		r.compareStored(ctx, &result, area, count, digest)
	}
	result.Evidence = fmt.Sprintf("%d events of %d logs, against analytics' store", events, len(areas()))
	return result
}

// compareStored compares a log with what analytics keeps of it.
func (r *Run) compareStored(ctx context.Context, result *Result, area string, count int64, digest string) {
	err := with(ctx, r.Cluster, fleet.Database("analytics"), func(conn *pgx.Conn) error {
		var consumed bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM projection_cursor WHERE area = $1)", area).Scan(&consumed)
		if err != nil || !consumed {
			return err
		}
		var n int64
		var d string
		if err := conn.QueryRow(ctx, stored, area).Scan(&n, &d); err != nil {
			return err
		}
		if n != count || d != digest {
			result.breach("the log of %s has %d events (%s), analytics stored %d (%s)", area, count, digest, n, d)
		}
		return nil
	})
	if err != nil {
		result.breach("analytics cannot be asked: %v", err)
	}
}
