package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// The sizes of a page.
const (
	DefaultPageSize = 50
	MaxPageSize     = 1000
	MaxPageBytes    = 4 << 20 // where Table.Size is set
)

var errTooExpensive = errs.Exhausted("FILTER_TOO_EXPENSIVE", fmt.Sprintf(
	"no index serves this combination of filter and order, and it did not end within %s: narrow the filter, or use a documented combination",
	UndeclaredTimeout), 0)

// List reads one page, and answers the token of the next, empty at the end. It is
// one round trip, or two on the page where a nullable first sort key turns NULL, or where
// a value of the filter is one with others (Field.Family).
func (t *Table[T]) List(ctx context.Context, db *DB, tenant uuid.UUID, q Query) (rows []*T, next string, err error) {
	l, err := t.prepare(tenant, q, nil)
	if err != nil {
		return nil, "", err
	}
	binding := t.binding(tenant, q)
	var cursor []any
	if q.PageToken != "" {
		if cursor, err = db.pages.open(q.PageToken, binding); err != nil {
			return nil, "", err
		}
		if len(cursor) != len(l.keys) {
			return nil, "", errToken
		}
	}
	rows, more, families, err := t.read(ctx, db, tenant, l, cursor)
	if err == nil && len(families) > 0 {
		if l, err = t.prepare(tenant, q, families); err != nil {
			return nil, "", err
		}
		rows, more, _, err = t.read(ctx, db, tenant, l, cursor)
	}
	if err != nil || !more {
		return rows, "", err
	}
	next, err = db.pages.seal(cursorOf(l.keys, unsafe.Pointer(rows[len(rows)-1]), l.value), binding)
	if err != nil {
		return nil, "", errs.Internal(err)
	}
	return rows, next, nil
}

// listing is a query that was checked.
type listing struct {
	where    string // behind the tenant: " AND …", or empty
	args     []any  // its values; the first is the tenant
	keys     []sortKey
	size     int
	declared bool
	// members are the values of the filter that others may be one with.
	members []filter.Member
	// valued says that no row is sought which has no value of the entry it is sorted by;
	// value is that of the last row that was read.
	valued bool
	value  *string
}

// prepare checks a query, all but its token.
func (t *Table[T]) prepare(tenant uuid.UUID, q Query, families map[filter.Member][]uuid.UUID) (*listing, error) {
	size, err := pageSize(q.PageSize)
	if err != nil {
		return nil, err
	}
	fields := t.fields
	if q.Entry != nil {
		fields = fields.With(q.Entry)
	}
	keys, err := t.order(fields, t.orderBy(q))
	if err != nil {
		return nil, err
	}
	if keys[0].entry != nil {
		fields = fields.SortedBy(keys[0].entry)
	}
	l := &listing{args: []any{[16]byte(tenant)}, keys: keys, size: size}
	if !q.ShowDeleted && t.plan.find("delete_time") != nil {
		l.where += " AND t.delete_time IS NULL"
	}
	for _, c := range q.Where {
		l.where += " AND " + c.write(&l.args)
	}
	condition, err := fields.CompileAmong(q.Filter, &l.args, families)
	if err != nil {
		return nil, filterError(err)
	}
	if condition.SQL != "" {
		l.where += " AND " + condition.SQL
	}
	l.declared, l.members, l.valued = t.declared(q.Where, condition, keys), condition.Members, condition.Valued
	return l, nil
}

func pageSize(wanted int32) (int, error) {
	switch {
	case wanted < 0:
		return 0, errs.Invalid("page_size", "", "must not be negative")
	case wanted == 0:
		return DefaultPageSize, nil
	default:
		return int(min(wanted, MaxPageSize)), nil
	}
}

func filterError(err error) error {
	var mistake *filter.Error
	if !errors.As(err, &mistake) {
		return errs.Internal(err)
	}
	return errs.Invalid("filter", "FILTER_INVALID", mistake.Error()).With("column", strconv.Itoa(mistake.Column))
}

// write writes a condition of the server.
func (c Cond) write(args *[]any) string {
	if c.column == "" {
		if len(c.any) == 0 {
			return "false"
		}
		parts := make([]string, len(c.any))
		for i, one := range c.any {
			parts[i] = one.write(args)
		}
		return "(" + strings.Join(parts, " OR ") + ")"
	}
	*args = append(*args, parameter(c.value))
	if c.within {
		return fmt.Sprintf("t.%s ?| $%d::text[]", filter.Quote(c.column), len(*args))
	}
	if c.until {
		return fmt.Sprintf("t.%s <= $%d", filter.Quote(c.column), len(*args))
	}
	if c.many {
		return fmt.Sprintf("t.%s = ANY ($%d)", filter.Quote(c.column), len(*args))
	}
	return fmt.Sprintf("t.%s = $%d", filter.Quote(c.column), len(*args))
}

// declared reports whether an index of the definition serves the list: its
// equalities are exactly the leading columns, its order is the rest, and a range
// is on the first column of the order.
func (t *Table[T]) declared(where []Cond, f filter.Condition, keys []sortKey) bool {
	if keys[0].entry != nil {
		return len(where) == 0 && f.SQL == ""
	}
	equal, ranged := t.columnsOf(f.Equal), t.columnsOf(f.Range)
	for _, c := range where {
		if c.column == "" || c.many || c.until {
			return false
		}
		equal = append(equal, c.column)
	}
	order := keys[:len(keys)-1]
	if f.Other || mixed(keys) {
		return false
	}
	if len(equal)+len(ranged)+len(order) == 0 {
		return true // the primary key
	}
	return slices.ContainsFunc(t.indexes, func(index []string) bool {
		return serves(index, equal, ranged, order)
	})
}

func serves(index, equal, ranged []string, order []sortKey) bool {
	if len(index) != len(equal)+len(order) {
		return false
	}
	for _, column := range equal {
		if !slices.Contains(index[:len(equal)], column) {
			return false
		}
	}
	rest := index[len(equal):]
	for i, k := range order {
		if rest[i] != k.column.name {
			return false
		}
	}
	return !slices.ContainsFunc(ranged, func(column string) bool { return len(rest) == 0 || rest[0] != column })
}

// mixed reports whether the keys differ in direction, which no plain index serves.
func mixed(keys []sortKey) bool {
	return slices.ContainsFunc(keys, func(k sortKey) bool { return k.desc != keys[0].desc })
}

// binding is what a token is good for.
func (t *Table[T]) binding(tenant uuid.UUID, q Query) []byte {
	var where string
	var args []any
	for _, c := range q.Where {
		where += c.write(&args)
		if c.until {
			args = args[:len(args)-1]
		}
	}
	h := sha256.New()
	for _, part := range []string{
		tenant.String(), q.Subject, t.def.Name, q.Filter, t.orderBy(q),
		strconv.FormatBool(q.ShowDeleted), where, fmt.Sprint(args...),
	} {
		fmt.Fprintf(h, "%d %s ", len(part), part)
	}
	return h.Sum(nil)
}

// read reads the runs of the list until the page is full, and reports whether
// there is more. Where values of the filter are one with others it answers them instead:
// then the list is to be read again.
func (t *Table[T]) read(ctx context.Context, db Sender, tenant uuid.UUID, l *listing, cursor []any) (rows []*T, more bool, families map[filter.Member][]uuid.UUID, err error) {
	families = map[filter.Member][]uuid.UUID{}
	page := &pageOf[T]{table: t, limit: l.size}
	for i, r := range runs(l.keys, cursor) {
		if r.null && l.valued {
			break
		}
		page.beside = r.entry != nil
		sql, args := t.runSQL(l, r, l.size-len(page.rows)+1)
		b := &pgx.Batch{}
		QueueTenant(b, tenant)
		if !l.declared {
			queueTimeout(b, UndeclaredTimeout)
		}
		if i == 0 {
			queueFamilies(b, tenant, l.members, families)
		}
		b.Queue(sql, args...).Query(page.collect)
		if err := Run(ctx, db, b); err != nil {
			return nil, false, nil, l.error(ctx, err)
		}
		if page.more || len(families) > 0 {
			break
		}
	}
	l.value = page.value
	return page.rows, page.more, families, nil
}

// queueFamilies asks which values are one with others.
func queueFamilies(b *pgx.Batch, tenant uuid.UUID, members []filter.Member, families map[filter.Member][]uuid.UUID) {
	for _, m := range members {
		b.Queue("SELECT "+m.Function+"($1, $2)", tenant, m.ID).QueryRow(func(row pgx.Row) error {
			var family []uuid.UUID
			err := row.Scan(&family)
			if len(family) > 1 {
				families[m] = family
			}
			return err
		})
	}
}

// runSQL writes the statement of one run.
func (t *Table[T]) runSQL(l *listing, r run, limit int) (string, []any) {
	args := slices.Clone(l.args)
	sql := t.listSQL + l.where
	if r.entry != nil {
		sql = t.entrySQL(r, &args) + l.where
	}
	if r.condition != "" {
		sql += " AND " + r.condition
	}
	if r.cursor != nil {
		sql += " AND " + r.after(&args)
	}
	// A first key that is NULL throughout stays in the order: the planner sees the
	// order of the index by it. The limit stands as a number for the planner too.
	keys := l.keys
	if r.entry != nil {
		keys = r.keys
	}
	return sql + writeOrder(keys) + fmt.Sprintf(" LIMIT %d", limit), args
}

// entrySQL begins the statement of a run that is sorted by an entry: it answers its value
// behind the row.
func (t *Table[T]) entrySQL(r run, args *[]any) string {
	*args = append(*args, [16]byte(r.entry.Field))
	columns, name, field := t.plan.list("t."), filter.Quote(t.def.Name), fmt.Sprintf("$%d::uuid", len(*args))
	if r.null {
		return fmt.Sprintf(`SELECT %s, NULL::text FROM %s t WHERE t.tenant = $1 AND NOT EXISTS (
			SELECT FROM custom_value v WHERE v.tenant = $1 AND v.id = t.id AND v.field = %s)`, columns, name, field)
	}
	return fmt.Sprintf(`SELECT %s, v.value FROM custom_value v JOIN %s t ON t.tenant = $1 AND t.id = v.id
		WHERE v.tenant = $1 AND v.field = %s`, columns, name, field)
}

// queueTimeout caps the statements that follow in the transaction.
func queueTimeout(b *pgx.Batch, limit time.Duration) {
	b.Queue("SELECT set_config('statement_timeout', $1, true)", strconv.FormatInt(limit.Milliseconds(), 10))
}

// error tells a list that ran into its cap from one whose caller went away.
func (l *listing) error(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	if !l.declared && ctx.Err() == nil && errors.As(err, &pg) && pg.Code == stateCanceled {
		return errTooExpensive.Wrap(err)
	}
	return err
}

// pageOf gathers rows until the page is full.
type pageOf[T any] struct {
	table *Table[T]
	limit int
	bytes int
	rows  []*T
	more  bool
	// beside says that a value stands behind each row: value is the last one.
	beside bool
	value  *string
}

func (p *pageOf[T]) collect(rows pgx.Rows) error {
	for rows.Next() {
		if len(p.rows) == p.limit || p.bytes >= MaxPageBytes {
			p.more = true
			return nil
		}
		row := new(T)
		if err := p.scan(rows, row); err != nil {
			return err
		}
		p.rows = append(p.rows, row)
		if p.table.Size != nil {
			p.bytes += p.table.Size(row)
		}
	}
	return nil
}

func (p *pageOf[T]) scan(rows pgx.Rows, row *T) error {
	if !p.beside {
		return p.table.plan.scan(rows, unsafe.Pointer(row))
	}
	p.value = nil
	return p.table.plan.scan(rows, unsafe.Pointer(row), &p.value)
}
