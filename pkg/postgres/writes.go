package postgres

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Statement writes rows of one table. Its SQL takes the tenant as $1 and from $2 on
// an array of each value of the rows:
//
//	INSERT INTO tag (tenant, name) SELECT $1, t.name FROM unnest($2::text[]) AS t (name)
type Statement struct {
	table, many string
	// one takes the values of a single row in the place of arrays; empty where many
	// does for one row too.
	one string
	// lists are the places of values that are lists themselves.
	lists []int
	// missing is the error of a statement that changes rows and does not meet all of
	// them; nil in statements that add rows.
	missing func(id uuid.UUID) error
}

// NewStatement makes a statement that writes rows of the table.
func NewStatement(table, sql string) *Statement {
	return &Statement{table: table, many: sql}
}

// Writes collects the writes of one transaction for one tenant, so that rows of a
// table go together in one statement. Flush adds what was collected to a batch.
//
// Tables are written in the order in which they were first used. The rows of a
// Table are written changed ones first, then new ones; those of other statements
// stay in their order. So a row must not refer to one of a table that comes up
// later, and two rows of a Table cannot pass a unique value on to each other, unless
// Flush is called between.
type Writes struct {
	tenant uuid.UUID
	origin uuid.UUID
	tables []*tableWrites
}

type tableWrites struct {
	table  string
	groups []*group
}

// group is rows that one statement writes.
type group struct {
	statement *Statement
	rows      [][]any
	// ids are those of the rows, for the statements of a Table; places are where each
	// stands, made when it is first asked for.
	ids    []uuid.UUID
	places map[uuid.UUID]int
	// single is a statement with arguments of its own.
	single string
}

// NewWrites begins the writes of a tenant.
func NewWrites(tenant uuid.UUID) *Writes { return &Writes{tenant: tenant} }

// Tenant is whose rows are written.
func (w *Writes) Tenant() uuid.UUID { return w.tenant }

// Origin is a mark of this Writes, for a statement that must tell its rows from those
// that joined them.
func (w *Writes) Origin() uuid.UUID {
	if w.origin == uuid.Nil {
		w.origin = uuid.New()
	}
	return w.origin
}

// Queue adds a statement that stands alone. Such statements stay in their order, as
// those of a table do.
func (w *Writes) Queue(sql string, args ...any) {
	t := w.table("")
	t.groups = append(t.groups, &group{single: sql, rows: [][]any{args}})
}

// Add adds a row to what the statement writes, unless another statement was added
// to its table since: then it begins anew.
func (w *Writes) Add(s *Statement, values ...any) {
	t := w.table(s.table)
	if n := len(t.groups); n == 0 || t.groups[n-1].statement != s {
		t.groups = append(t.groups, &group{statement: s})
	}
	g := t.groups[len(t.groups)-1]
	g.rows = append(g.rows, values)
}

func (w *Writes) table(name string) *tableWrites {
	for _, t := range w.tables {
		if t.table == name {
			return t
		}
	}
	t := &tableWrites{table: name}
	w.tables = append(w.tables, t)
	return t
}

// group answers that of the statement, wherever it stands, or nil.
func (t *tableWrites) group(s *Statement) *group {
	for _, g := range t.groups {
		if g.statement == s {
			return g
		}
	}
	return nil
}

// of answers the statement's group, and makes it where there is none. Changes stand
// before insertions.
func (t *tableWrites) of(s *Statement) *group {
	if g := t.group(s); g != nil {
		return g
	}
	g := &group{statement: s}
	if s.missing != nil {
		t.groups = append([]*group{g}, t.groups...)
	} else {
		t.groups = append(t.groups, g)
	}
	return g
}

func (g *group) add(id uuid.UUID, values []any) {
	if g.places != nil {
		g.places[id] = len(g.rows)
	}
	g.ids, g.rows = append(g.ids, id), append(g.rows, values)
}

// replace puts other values in the place of a row's, and tells whether it was there.
func (g *group) replace(id uuid.UUID, values []any) bool {
	if g == nil || len(g.rows) == 0 {
		return false
	}
	if g.places == nil {
		g.places = make(map[uuid.UUID]int, len(g.ids))
		for place, id := range g.ids {
			g.places[id] = place
		}
	}
	place, ok := g.places[id]
	if ok {
		g.rows[place] = values
	}
	return ok
}

// Join takes over what another collected for the same tenant, after what is here: rows
// of one statement go together, as if they had been added to one.
func (w *Writes) Join(other *Writes) {
	for _, from := range other.tables {
		to := w.table(from.table)
		for _, g := range from.groups {
			n := len(to.groups)
			if g.statement == nil || n == 0 || to.groups[n-1].statement != g.statement {
				to.groups = append(to.groups, g)
				continue
			}
			last := to.groups[n-1]
			last.ids, last.rows, last.places = append(last.ids, g.ids...), append(last.rows, g.rows...), nil
		}
	}
	other.tables = nil
}

// Flush adds all that was collected to the batch, and begins anew.
func (w *Writes) Flush(b *pgx.Batch) {
	for _, t := range w.tables {
		for _, g := range t.groups {
			g.queue(b, w.tenant)
		}
	}
	w.tables = nil
}

func (g *group) queue(b *pgx.Batch, tenant uuid.UUID) {
	if g.statement == nil {
		b.Queue(g.single, g.rows[0]...)
		return
	}
	q := g.send(b, tenant)
	if missing := g.statement.missing; missing != nil {
		ids := g.ids
		q.Exec(func(tag pgconn.CommandTag) error {
			if tag.RowsAffected() != int64(len(ids)) {
				return missing(ids[0])
			}
			return nil
		})
	}
}

func (g *group) send(b *pgx.Batch, tenant uuid.UUID) *pgx.QueuedQuery {
	s := g.statement
	if len(g.rows) == 1 && s.one != "" {
		return b.Queue(s.one, append([]any{[16]byte(tenant)}, g.rows[0]...)...)
	}
	for _, at := range s.lists {
		for _, row := range g.rows {
			row[at] = ArrayLiteral(row[at])
		}
	}
	args := make([]any, 1+len(g.rows[0]))
	args[0] = [16]byte(tenant)
	for i := range g.rows[0] {
		args[i+1] = columnOf(g.rows, i)
	}
	return b.Queue(s.many, args...)
}
