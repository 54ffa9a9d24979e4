package seed

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// skipped are tables of tenants' rows that are not copied: audit and kept answers
// (see the package comment), and what counts, numbers or waits.
var skipped = []string{"audit", "audit_block", "contact_change", "idempotency", "parked_event", "customer_number", "ticket_number", "segment_lookup", "campaign_send"}

// table is one whose rows are copied, with the stencils of each group.
type table struct {
	name     string
	columns  []column
	stencils [2][]*stencil
}

type column struct {
	name, kind string
	key        bool
}

const copiedTables = `
SELECT c.relname, a.attname, a.atttypid::regtype::text, COALESCE(a.attnum = ANY (i.indkey::smallint[]), false)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> ALL ($1)
  AND (c.relname = 'event_order' OR EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant'))
ORDER BY c.relname, a.attnum`

func readTables(ctx context.Context, conn *pgx.Conn) ([]*table, error) {
	rows, err := conn.Query(ctx, copiedTables, skipped)
	if err != nil {
		return nil, err
	}
	var tables []*table
	var name string
	var c column
	_, err = pgx.ForEachRow(rows, []any{&name, &c.name, &c.kind, &c.key}, func() error {
		if len(tables) == 0 || tables[len(tables)-1].name != name {
			tables = append(tables, &table{name: name})
		}
		last := tables[len(tables)-1]
		last.columns = append(last.columns, c)
		return nil
	})
	return tables, err
}

// inOrder is how the rows of a table are read: as they were written.
func (t *table) inOrder() string {
	order := "tableoid, ctid"
	switch t.name {
	case "event_log", "event_order":
		order = "position"
	case "event_store", "event_contact":
		order = "arrival"
	}
	return "SELECT * FROM " + pgx.Identifier{t.name}.Sanitize() + " ORDER BY " + order
}

// cutter makes stencils of the rows of one database.
type cutter struct {
	tokens *tokens
	times  seconds
	order  *order
	keys   *sealer
	// area is that of the database, as a number of order.areas.
	area int
}

// noteTimes collects the instants of a table.
func (t *table) noteTimes(tuples [][]byte, into seconds) error {
	for _, raw := range tuples {
		fields, _, err := split(raw)
		if err != nil {
			return err
		}
		for i, c := range t.columns {
			if f := fields[i]; c.kind == "timestamp with time zone" && f.size == 8 {
				into.addMicros(int64(binary.BigEndian.Uint64(raw[f.off:])))
			}
		}
	}
	return nil
}

// cut makes the stencils of a table of the rows that belong to a group.
func (c *cutter) cut(t *table, tuples [][]byte) error {
	for _, raw := range tuples {
		s, group, err := c.stencil(t, raw)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
		if group >= 0 {
			t.stencils[group] = append(t.stencils[group], s)
		}
	}
	return nil
}

// stencil answers the stencil of a row and its group; -1 where it is not copied:
// where its key, its event or its aggregate is nobody's in the groups.
func (c *cutter) stencil(t *table, raw []byte) (*stencil, int, error) {
	fields, _, err := split(raw)
	if err != nil {
		return nil, 0, err
	}
	s := &stencil{raw: raw}
	if t.name == "event_order" {
		return c.ordered(t, s, fields)
	}
	inKey := false
	for i, col := range t.columns {
		before := len(s.patches)
		c.find(s, col, fields[i])
		found := slices.ContainsFunc(s.patches[before:], func(p patch) bool { return p.kind <= patchText })
		inKey = inKey || found && col.key
		if !found && fields[i].size != null && (col.name == "event_id" || col.name == "aggregate") {
			return nil, -1, nil
		}
	}
	if !inKey {
		return nil, -1, nil
	}
	group, err := s.group(c.tokens)
	if err != nil {
		return nil, 0, err
	}
	return s, group, c.special(t, s, fields)
}

// find adds the patches of one field.
func (c *cutter) find(s *stencil, col column, f field) {
	if f.size == null {
		return
	}
	from, to := f.off, f.off+f.size
	switch col.kind {
	case "uuid", "uuid[]":
		s.findUUIDs(c.tokens, from, to)
	case "timestamp with time zone":
		if finite(int64(binary.BigEndian.Uint64(s.raw[from:]))) {
			s.patches = append(s.patches, patch{kind: patchMicros, off: int32(from)})
		}
	case "text", "text[]", "character varying":
		s.findTexts(c.tokens, from, to)
	case "jsonb":
		s.findTexts(c.tokens, from, to)
		s.findInstants(c.times, from, to)
	case "bytea":
		s.findTexts(c.tokens, from, to)
		s.findSeconds(c.times, from, to)
	}
}

// field answers where a column lies.
func (t *table) field(fields []field, name string) field {
	return fields[slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })]
}

func (s *stencil) id(f field) uuid.UUID { return uuid.UUID(s.raw[f.off : f.off+16]) }

// special adds what differs in rows of events.
func (c *cutter) special(t *table, s *stencil, fields []field) error {
	number := func(kind patchKind, column string) {
		s.patches = append(s.patches, patch{kind: kind, off: int32(t.field(fields, column).off)})
	}
	switch t.name {
	case "event_log":
		s.place = c.order.places[s.id(t.field(fields, "id"))]
		number(patchPosition, "position")
		return c.keys.open(s, t.field(fields, "event"), c.times)
	case "event_store":
		s.place = c.order.places[s.id(t.field(fields, "event_id"))]
		number(patchSeq, "position")
		number(patchArrival, "arrival")
		if err := s.findPosition(t.field(fields, "event")); err != nil {
			return err
		}
		return c.keys.open(s, t.field(fields, "event"), c.times)
	case "event_contact":
		s.place = c.order.places[s.id(t.field(fields, "event_id"))]
		number(patchArrival, "arrival")
	}
	return nil
}

// ordered makes the stencil of a row of event_order.
func (c *cutter) ordered(t *table, s *stencil, fields []field) (*stencil, int, error) {
	position := t.field(fields, "position")
	found, ok := c.order.byPosition[c.area][int64(binary.BigEndian.Uint64(s.raw[position.off:]))]
	if !ok {
		return nil, -1, nil
	}
	s.place = found.place
	s.patches = []patch{
		{kind: patchPosition, off: int32(position.off)},
		{kind: patchSeq, off: int32(t.field(fields, "seq").off)},
		{kind: patchMicros, off: int32(t.field(fields, "recorded_at").off)},
	}
	return s, found.group, nil
}
