package postgres

import (
	"context"
	"fmt"
	"strings"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// Children asks for the newest rows of each of some parents, or how many there are.
type Children struct {
	// Parents are what the columns refer to.
	Parents []uuid.UUID
	// Columns refer to a parent, each with an index (tenant, column, Newest, id).
	Columns []string
	// Family is the SQL function that answers all parents that are one with a parent.
	Family string
	// Newest is the column of time that rows are ordered by.
	Newest string
	// Limit is how many rows each parent has at most; more are not counted either.
	Limit int
	// Where are the server's own conditions.
	Where []Cond
}

// QueueChildren queues reading the rows, deleted ones not, in one statement whatever the
// number of parents: those of a parent together, the newest first. Through is the parent
// itself or the one of its family that the row refers to, by the first column that does.
func (t *Table[T]) QueueChildren(b *pgx.Batch, tenant uuid.UUID, c Children, found func(parent, through uuid.UUID, row *T)) {
	sql, args := t.childrenSQL(tenant, c)
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var parent, through uuid.UUID
			row := new(T)
			if err := t.plan.scan(rows, unsafe.Pointer(row), &parent, &through); err != nil {
				return err
			}
			found(parent, through, row)
		}
		return rows.Err()
	})
}

// ExplainChildren answers the plan of QueueChildren.
func (t *Table[T]) ExplainChildren(ctx context.Context, db *DB, tenant uuid.UUID, c Children) (string, error) {
	sql, args := t.childrenSQL(tenant, c)
	return ExplainAs(ctx, db, tenant, sql, args...)
}

func (t *Table[T]) childrenSQL(tenant uuid.UUID, c Children) (string, []any) {
	args := []any{[16]byte(tenant), parameter(c.Parents)}
	where := t.childrenWhere(c, &args)
	order := fmt.Sprintf("t.%s DESC, t.id DESC", filter.Quote(c.Newest))
	ways, once := make([]string, len(c.Columns)), ""
	for i, column := range c.Columns {
		ways[i] = fmt.Sprintf("(SELECT %s FROM %s t WHERE t.tenant = $1 AND t.%s = f.id%s%s ORDER BY %s LIMIT %d)",
			t.plan.list("t."), filter.Quote(t.def.Name), filter.Quote(column), where, once, order, c.Limit)
		once += notOf(column)
	}
	return fmt.Sprintf(`SELECT %s, p.id, t.child_through FROM unnest($2::uuid[]) WITH ORDINALITY AS p (id, place)
		CROSS JOIN LATERAL %s($1, p.id) AS g (family) CROSS JOIN LATERAL (
		SELECT t.*, f.id AS child_through FROM unnest(g.family) AS f (id) CROSS JOIN LATERAL (%s) AS t ORDER BY %s LIMIT %d
		) AS t ORDER BY p.place, %s`, t.plan.list("t."), c.Family, strings.Join(ways, " UNION ALL "), order, c.Limit, order), args
}

// QueueCountChildren queues counting the rows, deleted ones not, in one statement whatever
// the number of parents. Newest does not matter.
func (t *Table[T]) QueueCountChildren(b *pgx.Batch, tenant uuid.UUID, c Children, counted func(parent uuid.UUID, rows int32)) {
	sql, args := t.countSQL(tenant, c)
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		var parent uuid.UUID
		var n int32
		_, err := pgx.ForEachRow(rows, []any{&parent, &n}, func() error {
			counted(parent, n)
			return nil
		})
		return err
	})
}

// ExplainCountChildren answers the plan of QueueCountChildren.
func (t *Table[T]) ExplainCountChildren(ctx context.Context, db *DB, tenant uuid.UUID, c Children) (string, error) {
	sql, args := t.countSQL(tenant, c)
	return ExplainAs(ctx, db, tenant, sql, args...)
}

func (t *Table[T]) countSQL(tenant uuid.UUID, c Children) (string, []any) {
	args := []any{[16]byte(tenant), parameter(c.Parents)}
	where, once := t.childrenWhere(c, &args), ""
	ways := make([]string, len(c.Columns))
	for i, column := range c.Columns {
		ways[i] = fmt.Sprintf("(SELECT FROM %s t WHERE t.tenant = $1 AND t.%s = f.id%s%s LIMIT %d)",
			filter.Quote(t.def.Name), filter.Quote(column), where, once, c.Limit)
		once += notOf(column)
	}
	return fmt.Sprintf(`SELECT p.id, t.n FROM unnest($2::uuid[]) AS p (id) CROSS JOIN LATERAL %s($1, p.id) AS g (family) CROSS JOIN LATERAL (
		SELECT count(*)::int AS n FROM (SELECT FROM unnest(g.family) AS f (id) CROSS JOIN LATERAL (%s) AS t LIMIT %d) AS t
		) AS t`, c.Family, strings.Join(ways, " UNION ALL "), c.Limit), args
}

// childrenWhere are the conditions on a row of t beside its parent.
func (t *Table[T]) childrenWhere(c Children, args *[]any) string {
	where := ""
	if t.plan.find("delete_time") != nil {
		where = " AND t.delete_time IS NULL"
	}
	for _, cond := range c.Where {
		where += " AND " + cond.write(args)
	}
	return where
}

// notOf leaves out of the next way rows that were found by a column.
func notOf(column string) string {
	return fmt.Sprintf(" AND t.%s <> ALL (g.family)", filter.Quote(column))
}

// QueueGetAll queues reading those of the rows that exist, deleted or not.
func (t *Table[T]) QueueGetAll(b *pgx.Batch, tenant uuid.UUID, ids []uuid.UUID, found func(row *T)) {
	b.Queue(t.allSQL, [16]byte(tenant), parameter(ids)).Query(t.each(found))
}

// each answers what hands over the rows of a statement.
func (t *Table[T]) each(found func(row *T)) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			row := new(T)
			if err := t.plan.scan(rows, unsafe.Pointer(row)); err != nil {
				return err
			}
			found(row)
		}
		return rows.Err()
	}
}
