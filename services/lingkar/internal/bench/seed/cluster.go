package seed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// settleTimeout is how long the projections may take to catch up.
const settleTimeout = 2 * time.Minute

// cluster are connections of the administrator, one to each database.
type cluster struct {
	names []string
	conns map[string]*pgx.Conn
}

func connectAll(ctx context.Context, url func(database string) string) (*cluster, error) {
	c := &cluster{names: databases(), conns: map[string]*pgx.Conn{}}
	for _, name := range append([]string{fleet.Keys}, c.names...) {
		conn, err := pgx.Connect(ctx, url(name))
		if err != nil {
			c.close()
			return nil, err
		}
		c.conns[name] = conn
	}
	return c, nil
}

func (c *cluster) of(database string) *pgx.Conn { return c.conns[database] }

func (c *cluster) close() {
	for _, conn := range c.conns {
		_ = conn.Close(context.Background()) // nothing is pending
	}
}

// numberFrom makes Customer IDs and ticket numbers as long as those of the copies.
func (c *cluster) numberFrom(ctx context.Context, tenant uuid.UUID) error {
	_, err := c.of(fleet.Database("contact")).Exec(ctx, "INSERT INTO customer_number (tenant, next) VALUES ($1, $2)", tenant, firstID)
	if err != nil {
		return err
	}
	_, err = c.of(fleet.Database("ticket")).Exec(ctx, "INSERT INTO ticket_number (tenant, last) VALUES ($1, $2)", tenant, firstID)
	return err
}

// uuidColumns are the columns of ids in tables of tenants' rows.
const uuidColumns = `
SELECT format('SELECT DISTINCT %I FROM %I WHERE %I IS NOT NULL', a.attname, c.relname, a.attname)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.atttypid = 'uuid'::regtype AND a.attname <> 'tenant'
  AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant')`

// ids answers all ids of all databases, but those of tenants and of keys that are
// in reserve.
func (c *cluster) ids(ctx context.Context) (map[uuid.UUID]bool, error) {
	all := map[uuid.UUID]bool{}
	for _, name := range c.names {
		rows, err := c.of(name).Query(ctx, uuidColumns)
		if err != nil {
			return nil, err
		}
		queries, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, err
		}
		for _, query := range queries {
			rows, err := c.of(name).Query(ctx, query)
			if err != nil {
				return nil, err
			}
			var id uuid.UUID
			if _, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				all[id] = true
				return nil
			}); err != nil {
				return nil, err
			}
		}
	}
	delete(all, uuid.Nil)
	return all, nil
}

// eventsOf answers the ids of the events of the aggregates that are wanted.
func (c *cluster) eventsOf(ctx context.Context, wanted func(aggregate uuid.UUID) bool) (map[uuid.UUID]bool, error) {
	found := map[uuid.UUID]bool{}
	for _, name := range c.names {
		rows, err := c.of(name).Query(ctx, "SELECT id, aggregate FROM event_log")
		if err != nil {
			return nil, err
		}
		var id uuid.UUID
		var aggregate string
		if _, err := pgx.ForEachRow(rows, []any{&id, &aggregate}, func() error {
			of, err := uuid.Parse(aggregate[strings.LastIndexByte(aggregate, '/')+1:])
			if err != nil || wanted(of) {
				found[id] = true
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// settle waits until every event is published and applied everywhere.
func (c *cluster) settle(ctx context.Context) error {
	deadline := time.Now().Add(settleTimeout)
	for calm := 0; calm < 3; {
		behind, err := c.behind(ctx)
		if err != nil {
			return err
		}
		calm++
		if behind != "" {
			calm = 0
			if time.Now().After(deadline) {
				return errors.New(behind)
			}
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// behind says who has not caught up; empty where all have.
func (c *cluster) behind(ctx context.Context) (string, error) {
	heads := map[string]int64{}
	for _, d := range fleet.All() {
		conn := c.of(fleet.Database(d.Area))
		var waiting, unpublished int64
		err := conn.QueryRow(ctx, "SELECT (SELECT count(*) FROM outbox), (SELECT sum(seq - published) FROM partition_head)").Scan(&waiting, &unpublished)
		if err != nil || waiting+unpublished > 0 {
			return fmt.Sprintf("%d events of area %s are not published", waiting+unpublished, d.Area), err
		}
		rows, err := conn.Query(ctx, "SELECT partition, seq FROM partition_head")
		if err != nil {
			return "", err
		}
		var partition int16
		var seq int64
		if _, err := pgx.ForEachRow(rows, []any{&partition, &seq}, func() error {
			heads[headKey(d.Area, partition)] = seq
			return nil
		}); err != nil {
			return "", err
		}
	}
	for _, name := range c.names {
		if behind, err := c.cursorsBehind(ctx, name, heads); err != nil || behind != "" {
			return behind, err
		}
	}
	return "", nil
}

func headKey(area string, partition int16) string { return fmt.Sprint(area, "/", partition) }

func (c *cluster) cursorsBehind(ctx context.Context, database string, heads map[string]int64) (behind string, err error) {
	rows, err := c.of(database).Query(ctx, "SELECT projection, area, partition, seq FROM projection_cursor")
	if err != nil {
		return "", err
	}
	var projection, area string
	var partition int16
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&projection, &area, &partition, &seq}, func() error {
		if seq < heads[headKey(area, partition)] {
			behind = fmt.Sprintf("projection %s is behind in area %s", projection, area)
		}
		return nil
	})
	return behind, err
}
