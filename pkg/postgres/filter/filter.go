// Package filter turns a caller's filter (AIP-160) into one SQL condition with
// parameters.
//
// It promises that the condition names columns of its allow-list only, that no
// text of the caller becomes SQL, that every value has the type of its field, and
// that the work is linear in the length of the filter. Any mistake is one *Error
// with the column of the first bad position.
//
// As AIP-160 wants, OR binds tighter than AND, and NOT and - negate. The logic
// has two values: a field without a value equals nothing, so != and NOT are true
// for it. Not supported, and refused: conditions without AND between them,
// functions, wildcards within values (`due_time:*` asks for presence).
package filter

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// The limits of one filter.
const (
	MaxBytes = 8 << 10 // of the text
	MaxTerms = 20      // comparisons
	MaxDepth = 5       // of parentheses
)

// Field is one name that a filter or an order may use.
type Field struct {
	// Path is the name as a caller writes it, such as "create_time".
	Path string
	// Column is the SQL column; empty where it equals Path.
	Column string
	// Type says what it is compared with.
	Type Type
	// Values maps the names of an Enum to the stored numbers.
	Values map[string]int32
	// Fold, where set, brings a Text value into the form that the column holds,
	// such as a name without the case of its letters.
	Fold func(string) string
	// Family, for a UUID, is an SQL function that answers, of the tenant and a value, the
	// values that are one with it: then = finds the rows of all of them. Empty for none.
	Family string
	// Entry, for an Entry, is what it is; nil for all others.
	Entry *EntryOf
}

// EntryOf is a typed entry of a JSON column, such as a custom field that a tenant has put
// on file. Its values stand in the column as they are, and in table custom_value by their
// keys (function custom_key), which sort byte by byte as the values do.
type EntryOf struct {
	// Field is its id in custom_value, Key its key in the column, Type what custom_key
	// calls its type.
	Field uuid.UUID
	Key   string
	Type  int16
	// Many says that it holds a list: `custom_fields.branches:"JKT"`.
	Many bool
	// Indexed says that custom_value holds every value.
	Indexed bool
	// Ordered says that it has < <= > >= beside = and !=.
	Ordered bool
	// Unsortable says why a list cannot be sorted by it; empty where it can.
	Unsortable string
	// Parse answers the JSON of a value as a caller writes it, or what is wrong with it.
	Parse func(text string, quoted bool) (asJSON, problem string)
}

// Type is what a field holds, and so which operators it has.
type Type int

// The types of fields. Only those whose operators PostgreSQL knows to be
// leakproof can use an index under row-level security: not Decimal, List, Map and
// JSON.
const (
	// Text is compared byte by byte: = != < <= > >=.
	Text Type = iota
	// Int is smallint, integer or bigint.
	Int
	// Time is timestamptz, written as RFC 3339.
	Time
	// Date is date, written as 2006-01-02.
	Date
	// Bool has = and !=, and may stand alone: `pinned`, `NOT pinned`.
	Bool
	// UUID has = and !=; a resource name such as "contacts/…" is accepted too.
	UUID
	// Enum is stored as integer and written as its name: = and != only.
	Enum
	// Decimal is numeric.
	Decimal
	// List is text[]: `roles:"CUSTOMER"`.
	List
	// Map is jsonb from text to text: `labels.tier = "gold"`, `labels:tier`.
	Map
	// IndexedMap is Map with its entries in table map_entry, which an index
	// serves. The migration must have called lingkar_index_map for the column:
	// without it the filter finds nothing.
	IndexedMap
	// JSON is jsonb with typed values, such as custom fields:
	// `custom_fields.seats > 5`, `custom_fields.vip = true`.
	JSON
	// Entry is an entry of a JSON column whose type is known: see EntryOf.
	Entry
)

// Error is a mistake in a filter.
type Error struct {
	// Column counts characters from 1.
	Column int
	// Message says what is wrong, without the caller's text.
	Message string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Message) }

// Condition is a compiled filter.
type Condition struct {
	// SQL is a boolean expression over the table alias t; empty where the filter
	// is.
	SQL string
	// Equal are the paths that must equal a value; Range those with < <= > >=.
	// Both count only outside OR and NOT.
	Equal, Range []string
	// Other says that there is more than Equal and Range.
	Other bool
	// Members are the values that were compared for themselves, while others may be one
	// with them.
	Members []Member
	// Valued says that the condition is about the entry that the list is sorted by, as
	// v.value, and holds only where that has a value.
	Valued bool
}

// Member is a value that others may be one with, as the SQL function tells.
type Member struct {
	Function string
	ID       uuid.UUID
}

// Fields is the allow-list of one table.
type Fields struct {
	table  string
	byPath map[string]Field
	known  string
	// entry answers the entries of JSON columns whose types are known; nil for none.
	entry func(path string) (Field, bool)
	// sorted is the entry that the list is sorted by, whose value is v.value; nil for
	// none.
	sorted *EntryOf
}

// NewFields makes the allow-list. The table's name is that of the source column
// in map_entry.
func NewFields(table string, fields []Field) *Fields {
	f := &Fields{table: table, byPath: make(map[string]Field, len(fields))}
	names := make([]string, len(fields))
	for i, field := range fields {
		if field.Column == "" {
			field.Column = field.Path
		}
		f.byPath[field.Path] = field
		names[i] = field.Path
	}
	f.known = strings.Join(names, ", ")
	return f
}

// With answers the allow-list together with the entries of JSON columns whose types are
// known for one list.
func (f *Fields) With(entry func(path string) (Field, bool)) *Fields {
	with := *f
	with.entry = entry
	return &with
}

// SortedBy answers the allow-list for a list that is sorted by an entry, whose value is
// v.value there.
func (f *Fields) SortedBy(entry *EntryOf) *Fields {
	by := *f
	by.sorted = entry
	return &by
}

// Lookup answers the field of a path.
func (f *Fields) Lookup(path string) (Field, bool) {
	field, ok := f.byPath[path]
	if !ok && f.entry != nil {
		return f.entry(path)
	}
	return field, ok
}

// Known names all fields, for messages.
func (f *Fields) Known() string { return f.known }

// Compile makes the condition of a filter. It appends the values to args, whose
// first element must be the tenant.
func (f *Fields) Compile(text string, args *[]any) (Condition, error) {
	return f.CompileAmong(text, args, nil)
}

// CompileAmong is Compile where it is known which values are one.
func (f *Fields) CompileAmong(text string, args *[]any, families map[Member][]uuid.UUID) (Condition, error) {
	root, err := parse(text)
	if root == nil || err != nil {
		return Condition{}, err
	}
	w := &writer{fields: f, args: args, families: families}
	w.conjuncts(root)
	if w.err != nil {
		return Condition{}, w.err
	}
	w.condition.SQL = w.sql.String()
	return w.condition, nil
}
