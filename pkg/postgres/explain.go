package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// ExplainAs answers the plan of a statement as role app of the pool has it, for
// one tenant: row-level security takes indexes away from operators that are not
// leakproof, and only the plan shows it.
func ExplainAs(ctx context.Context, db *DB, tenant uuid.UUID, sql string, args ...any) (string, error) {
	return explain(ctx, db.App, tenant, nil, sql, args...)
}

func explain(ctx context.Context, pool *pgxpool.Pool, tenant uuid.UUID, settings []string, sql string, args ...any) (string, error) {
	var plan []string
	b := &pgx.Batch{}
	QueueTenant(b, tenant)
	for _, name := range settings {
		b.Queue("SELECT set_config($1, 'off', true)", name)
	}
	b.Queue("EXPLAIN "+sql, args...).Query(func(rows pgx.Rows) (err error) {
		plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	err := InTx(ctx, pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
	return strings.Join(plan, "\n"), err
}

// Explain answers the plan of a list. It does not look at the query's token.
func (t *Table[T]) Explain(ctx context.Context, db *DB, tenant uuid.UUID, q Query) (string, error) {
	l, err := t.prepare(tenant, q)
	if err != nil {
		return "", err
	}
	sql, args := t.runSQL(l, runs(l.keys, nil)[0], l.size+1)
	return ExplainAs(ctx, db, tenant, sql, args...)
}

// avoid makes the planner take an index wherever there is one that serves, also
// on a table too small to need it.
var avoid = []string{"enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"}

// CheckIndexes is for tests: it answers an error for each combination of filter
// and order that the definition declares and no index serves as role app.
func (t *Table[T]) CheckIndexes(ctx context.Context, db *DB, tenant uuid.UUID) []error {
	var problems []error
	for _, order := range t.def.Orders {
		for equal := range len(order) + 1 {
			for _, direction := range []string{"", " desc"} {
				q := Query{OrderBy: strings.Join(order[equal:], direction+", ")}
				if q.OrderBy != "" {
					q.OrderBy += direction
				}
				if err := t.checkIndex(ctx, db, tenant, order[:equal], q); err != nil {
					problems = append(problems, err)
				}
			}
		}
	}
	return problems
}

// checkIndex looks for a sort, a sequential scan, and equalities that are tested
// row by row.
func (t *Table[T]) checkIndex(ctx context.Context, db *DB, tenant uuid.UUID, equal []string, q Query) error {
	terms := make([]string, len(equal))
	for i, path := range equal {
		field, _ := t.fields.Lookup(path)
		terms[i] = path + " = " + sample(field)
	}
	q.Filter = strings.Join(terms, " AND ")
	l, err := t.prepare(tenant, q)
	if err != nil {
		return fmt.Errorf("filter %q, order %q: %w", q.Filter, q.OrderBy, err)
	}
	if !l.declared {
		return fmt.Errorf("filter %q, order %q: not declared", q.Filter, q.OrderBy)
	}
	for _, r := range runs(l.keys, nil) {
		sql, args := t.runSQL(l, r, l.size+1)
		plan, err := explain(ctx, db.App, tenant, avoid, sql, args...)
		if err != nil {
			return err
		}
		if !served(plan, t.columnsOf(equal)) {
			return fmt.Errorf("filter %q, order %q: no index serves\n%s\n%s", q.Filter, q.OrderBy, sql, plan)
		}
	}
	return nil
}

func served(plan string, equal []string) bool {
	if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
		return false
	}
	var conditions string
	for line := range strings.SplitSeq(plan, "\n") {
		if _, condition, ok := strings.Cut(line, "Index Cond: "); ok {
			conditions += condition
		}
	}
	for _, column := range equal {
		if !strings.Contains(conditions, column+" = ") && !strings.Contains(conditions, filter.Quote(column)+" = ") {
			return false
		}
	}
	return true
}

// sample answers some value of the field, as a filter writes it.
func sample(f Field) string {
	switch f.Type {
	case Int:
		return "1"
	case Time:
		return `"2026-01-31T09:00:00Z"`
	case Date:
		return `"2026-01-31"`
	case Bool:
		return "true"
	case UUID:
		return uuid.Nil.String()
	case Enum:
		for name := range f.Values {
			return name
		}
	}
	return `"x"`
}
