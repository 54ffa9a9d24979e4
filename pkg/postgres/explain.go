package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ExplainAs answers the plan of a statement as role app has it, for one tenant:
// row-level security takes indexes away from operators that are not leakproof,
// and only the plan shows it. A small table is read whole whatever there is: fill
// it and ANALYZE first.
func ExplainAs(ctx context.Context, db *DB, tenant uuid.UUID, sql string, args ...any) (string, error) {
	var plan []string
	b := &pgx.Batch{}
	QueueTenant(b, tenant)
	b.Queue("EXPLAIN "+sql, args...).Query(func(rows pgx.Rows) (err error) {
		plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	err := Run(ctx, db, b)
	return strings.Join(plan, "\n"), err
}

// Explain answers the plan of the first page of a list.
func (t *Table[T]) Explain(ctx context.Context, db *DB, tenant uuid.UUID, q Query) (string, error) {
	l, err := t.prepare(tenant, q, nil)
	if err != nil {
		return "", err
	}
	sql, args := t.runSQL(l, runs(l.keys, nil)[0], l.size+1)
	return ExplainAs(ctx, db, tenant, sql, args...)
}

// CheckIndexes answers an error for each of Def.Orders that has no usable index:
// a valid B-tree on exactly tenant, these columns and id, on all rows or those
// that are not deleted, of operators that row-level security lets use it. For
// tests; the table may be empty.
func (t *Table[T]) CheckIndexes(ctx context.Context, db *DB) error {
	usable := map[string]bool{}
	err := InTx(ctx, db.App, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, usableIndexes, t.def.Name)
		if err != nil {
			return err
		}
		var columns []string
		_, err = pgx.ForEachRow(rows, []any{&columns}, func() error {
			usable[strings.Join(columns, ", ")] = true
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	var missing []error
	for _, columns := range t.indexes {
		want := strings.Join(slices.Concat([]string{"tenant"}, columns, []string{"id"}), ", ")
		if !usable[want] {
			missing = append(missing, fmt.Errorf("table %s has no usable index (%s)", t.def.Name, want))
		}
	}
	return errors.Join(missing...)
}

// usableIndexes answers the columns of the indexes that serve role app.
const usableIndexes = `
	SELECT ARRAY(
		SELECT a.attname::text
		FROM unnest(i.indkey) WITH ORDINALITY k(number, place)
		JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
		WHERE k.place <= i.indnkeyatts
		ORDER BY k.place)
	FROM pg_index i
	JOIN pg_class c ON c.oid = i.indexrelid
	JOIN pg_am m ON m.oid = c.relam
	WHERE i.indrelid = $1::text::regclass AND i.indisvalid AND m.amname = 'btree' AND i.indexprs IS NULL
		AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '(delete_time IS NULL)')
		AND (SELECT count(DISTINCT option) = 1 FROM unnest(i.indoption) option)
		AND (
			SELECT bool_and(p.proleakproof)
			FROM unnest(i.indclass) k(class)
			JOIN pg_opclass o ON o.oid = k.class
			JOIN pg_amop x ON x.amopfamily = o.opcfamily AND x.amoplefttype = o.opcintype AND x.amoprighttype = o.opcintype
			JOIN pg_operator op ON op.oid = x.amopopr
			JOIN pg_proc p ON p.oid = op.oprcode)`
