package postgres

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// Table reads and writes rows of type T. It is made once per process and safe
// for concurrent use.
type Table[T any] struct {
	// Size, where set before first use, answers about how many bytes a row takes
	// on the wire: a page ends when its rows reach MaxPageBytes.
	Size func(row *T) int

	def     Def
	plan    *plan
	fields  *filter.Fields
	indexes [][]string // Def.Orders as columns

	insert, update                                          *Statement
	deleteSQL, getSQL, lockSQL, allSQL, lockAllSQL, listSQL string
}

// NewTable builds the plan of T, a struct whose fields carry `db:"column"` or
// `db:"column,json"`; embedded structs count as written out, and there must be a
// column "id" of type uuid.UUID. It panics where T and the definition do not fit
// each other: that is a mistake of the program.
func NewTable[T any](d Def) *Table[T] {
	p, err := newPlan(reflect.TypeFor[T]())
	if err != nil {
		panic(fmt.Sprintf("postgres: table %s: %v", d.Name, err))
	}
	if id := p.find("id"); id == nil || id.typ != uuidType {
		panic(fmt.Sprintf("postgres: table %s has no column id of type uuid.UUID", d.Name))
	}
	t := &Table[T]{def: d, plan: p, fields: filter.NewFields(d.Name, d.Fields)}
	for _, order := range d.Orders {
		t.indexes = append(t.indexes, t.columnsOf(order))
	}
	if _, err := t.order(t.fields, d.DefaultOrder); err != nil {
		panic(fmt.Sprintf("postgres: table %s: default order %q: %v", d.Name, d.DefaultOrder, err))
	}
	t.writeSQL()
	return t
}

// columnsOf answers the columns of paths, which must be fields.
func (t *Table[T]) columnsOf(paths []string) []string {
	columns := make([]string, len(paths))
	for i, path := range paths {
		field, ok := t.fields.Lookup(path)
		if !ok {
			panic(fmt.Sprintf("postgres: table %s orders by %q, which is not a field", t.def.Name, path))
		}
		columns[i] = field.Column
	}
	return columns
}

// writeSQL writes the statements that do not depend on a query.
func (t *Table[T]) writeSQL() {
	name := filter.Quote(t.def.Name)
	places := make([]string, len(t.plan.columns))
	var sets []string
	for i, c := range t.plan.columns {
		places[i] = fmt.Sprintf("$%d", i+2)
		if c.name != "id" {
			sets = append(sets, filter.Quote(c.name)+" = "+places[i])
		}
	}
	idPlace := places[indexOf(t.plan, "id")]
	t.insert, t.update = t.statement(), t.statement()
	t.insert.one = fmt.Sprintf("INSERT INTO %s (tenant, %s) VALUES ($1, %s)", name, t.plan.list(""), strings.Join(places, ", "))
	t.update.one = fmt.Sprintf("UPDATE %s SET %s WHERE tenant = $1 AND id = %s", name, strings.Join(sets, ", "), idPlace)
	t.writeBulkSQL(name)
	t.update.missing = t.NotFound
	t.deleteSQL = fmt.Sprintf("DELETE FROM %s WHERE tenant = $1 AND id = $2", name)
	t.listSQL = fmt.Sprintf("SELECT %s FROM %s t WHERE t.tenant = $1", t.plan.list("t."), name)
	t.getSQL = t.listSQL + " AND t.id = $2"
	t.lockSQL = t.getSQL + " FOR UPDATE"
	t.allSQL = t.listSQL + " AND t.id = ANY ($2)"
	t.lockAllSQL = t.allSQL + " ORDER BY t.id FOR UPDATE"
}

// statement begins one that takes all columns of a row.
func (t *Table[T]) statement() *Statement {
	s := NewStatement(t.def.Name, "")
	for i := range t.plan.columns {
		if t.plan.columns[i].list() {
			s.lists = append(s.lists, i)
		}
	}
	return s
}

// writeBulkSQL writes the statements that take arrays.
func (t *Table[T]) writeBulkSQL(name string) {
	var arrays, values, sets []string
	for i := range t.plan.columns {
		c := &t.plan.columns[i]
		carrier, cast := c.sqlType()
		value := "u." + filter.Quote(c.name)
		if cast != "" {
			value = "CAST(" + value + " AS " + cast + ")"
		}
		arrays, values = append(arrays, fmt.Sprintf("$%d::%s[]", i+2, carrier)), append(values, value)
		if c.name != "id" {
			sets = append(sets, filter.Quote(c.name)+" = "+value)
		}
	}
	from := fmt.Sprintf("unnest(%s) AS u (%s)", strings.Join(arrays, ", "), t.plan.list(""))
	t.insert.many = fmt.Sprintf("INSERT INTO %s (tenant, %s) SELECT $1, %s FROM %s", name, t.plan.list(""), strings.Join(values, ", "), from)
	t.update.many = fmt.Sprintf("UPDATE %s AS t SET %s FROM %s WHERE t.tenant = $1 AND t.id = u.id", name, strings.Join(sets, ", "), from)
}

func indexOf(p *plan, name string) int {
	for i, c := range p.columns {
		if c.name == name {
			return i
		}
	}
	return -1
}

// Def answers the definition the table was made of.
func (t *Table[T]) Def() Def { return t.def }

// ID answers the id of a row.
func (t *Table[T]) ID(row *T) uuid.UUID {
	return *(*uuid.UUID)(t.plan.find("id").pointer(unsafe.Pointer(row)))
}

// Insert adds a row as it is now to the writes. A violated constraint shows when
// they are sent: word it with Error.
func (t *Table[T]) Insert(w *Writes, row *T) {
	w.table(t.def.Name).of(t.insert).add(t.ID(row), t.values(row))
}

// Update adds writing all columns of a row as it is now, found by its id. Where there
// is none the batch fails with NOT_FOUND; where the batch is the whole transaction,
// or ends with COMMIT, its other statements stand by then, so lock the row first.
func (t *Table[T]) Update(w *Writes, row *T) {
	of, id, values := w.table(t.def.Name), t.ID(row), t.values(row)
	if !of.group(t.insert).replace(id, values) && !of.group(t.update).replace(id, values) {
		of.of(t.update).add(id, values)
	}
}

// QueueInsert queues the insertion of rows as they are now, in one statement.
func (t *Table[T]) QueueInsert(b *pgx.Batch, tenant uuid.UUID, rows ...*T) {
	w := NewWrites(tenant)
	for _, row := range rows {
		t.Insert(w, row)
	}
	w.Flush(b)
}

// QueueUpdate queues writing rows as they are now, as Update does, in one statement.
func (t *Table[T]) QueueUpdate(b *pgx.Batch, tenant uuid.UUID, rows ...*T) {
	w := NewWrites(tenant)
	for _, row := range rows {
		t.Update(w, row)
	}
	w.Flush(b)
}

// QueueDelete queues removing the row for good. A row that is not there is no
// error.
func (t *Table[T]) QueueDelete(b *pgx.Batch, tenant, id uuid.UUID) *pgx.QueuedQuery {
	return b.Queue(t.deleteSQL, [16]byte(tenant), [16]byte(id))
}

// QueueGet queues reading a row, deleted or not; found gets it, or nil.
func (t *Table[T]) QueueGet(b *pgx.Batch, tenant, id uuid.UUID, found func(row *T) error) {
	t.queueOne(b, t.getSQL, tenant, id, found)
}

// QueueLock is QueueGet FOR UPDATE: the row stays as it is until the end of the
// transaction.
func (t *Table[T]) QueueLock(b *pgx.Batch, tenant, id uuid.UUID, found func(row *T) error) {
	t.queueOne(b, t.lockSQL, tenant, id, found)
}

// QueueReferred queues reading the row whose id stands in a column of a row of
// another table; found gets it, or nil.
func (t *Table[T]) QueueReferred(b *pgx.Batch, tenant uuid.UUID, table, column string, id uuid.UUID, found func(row *T) error) {
	sql := fmt.Sprintf("%s AND t.id = (SELECT r.%s FROM %s r WHERE r.tenant = $1 AND r.id = $2)", t.listSQL, filter.Quote(column), filter.Quote(table))
	t.queueOne(b, sql, tenant, id, found)
}

// QueueLockAll queues reading those of the rows that exist, FOR UPDATE, in the order
// of their ids: two transactions that lock the same rows wait for each other, and
// never both at once.
func (t *Table[T]) QueueLockAll(b *pgx.Batch, tenant uuid.UUID, ids []uuid.UUID, found func(row *T)) {
	b.Queue(t.lockAllSQL, [16]byte(tenant), parameter(ids)).Query(t.each(found))
}

func (t *Table[T]) queueOne(b *pgx.Batch, sql string, tenant, id uuid.UUID, found func(row *T) error) {
	b.Queue(sql, [16]byte(tenant), [16]byte(id)).Query(func(rows pgx.Rows) error {
		var row *T
		if rows.Next() {
			row = new(T)
			if err := t.plan.scan(rows, unsafe.Pointer(row)); err != nil {
				return err
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
		return found(row)
	})
}

// Get reads a row in one round trip, deleted or not. NOT_FOUND when there is
// none.
func (t *Table[T]) Get(ctx context.Context, db Sender, tenant, id uuid.UUID) (*T, error) {
	var row *T
	b := &pgx.Batch{}
	QueueTenant(b, tenant)
	t.QueueGet(b, tenant, id, func(found *T) error {
		row = found
		return nil
	})
	if err := Run(ctx, db, b); err != nil {
		return nil, err
	}
	if row == nil {
		return nil, t.NotFound(id)
	}
	return row, nil
}

// GetAll reads the rows in one round trip, deleted or not, in the order of ids.
// NOT_FOUND, naming the first id that is missing, when there is one.
func (t *Table[T]) GetAll(ctx context.Context, db Sender, tenant uuid.UUID, ids []uuid.UUID) ([]*T, error) {
	found := make(map[uuid.UUID]*T, len(ids))
	b := &pgx.Batch{}
	QueueTenant(b, tenant)
	t.QueueGetAll(b, tenant, ids, func(row *T) { found[t.ID(row)] = row })
	if err := Run(ctx, db, b); err != nil {
		return nil, err
	}
	all := make([]*T, len(ids))
	for i, id := range ids {
		row, ok := found[id]
		if !ok {
			return nil, t.NotFound(id)
		}
		all[i] = row
	}
	return all, nil
}

// Error answers what a violated constraint of the definition means, and any
// other error as SQLError words it.
func (t *Table[T]) Error(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.ConstraintName == "" {
		return SQLError(err)
	}
	if e, ok := t.def.Constraints[pg.ConstraintName]; ok {
		return e.Wrap(err)
	}
	if pg.ConstraintName == "map_entry_alone" {
		return errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another "+t.def.Kind+" has this id of the other system").Wrap(err)
	}
	return SQLError(err)
}

// NotFound is what is said of a row that is not there. Whoever hides a row that is must
// say the same, to the last detail.
func (t *Table[T]) NotFound(id uuid.UUID) error {
	return errs.NotFound(t.def.Kind, t.def.Collection+"/"+id.String())
}

func (t *Table[T]) values(row *T) []any {
	return t.plan.values(make([]any, 0, len(t.plan.columns)), unsafe.Pointer(row))
}
