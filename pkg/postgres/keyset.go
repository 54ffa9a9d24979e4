package postgres

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// A page continues behind the sort keys of the last row of the page before
// (keyset), which costs the same on every page. A cursor holds them as the values
// of JSON: string, number or null.

// nullable reports whether the column may be NULL: its Go type is a pointer.
func (c *column) nullable() bool { return c.typ.Kind() == reflect.Pointer }

// cursorOf answers the sort keys of a row; value is that of an entry, beside the row.
func cursorOf(keys []sortKey, row unsafe.Pointer, value *string) []any {
	cursor := make([]any, len(keys))
	for i, k := range keys {
		switch {
		case k.entry == nil:
			cursor[i] = k.cursorValue(row)
		case value != nil:
			cursor[i] = *value
		}
	}
	return cursor
}

func (k sortKey) cursorValue(row unsafe.Pointer) any {
	v := reflect.NewAt(k.column.typ, k.column.pointer(row)).Elem()
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	switch {
	case v.Type() == uuidType:
		return v.Interface().(uuid.UUID).String()
	case v.Type() == timeType && k.kind == Date:
		return v.Interface().(time.Time).Format(time.DateOnly)
	case v.Type() == timeType:
		return v.Interface().(time.Time).UnixMicro()
	case v.CanInt():
		return v.Int()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	default:
		return v.String()
	}
}

// argument answers what a value of a cursor is sent as. Cursors are
// authenticated: they are what cursorValue made.
func (k sortKey) argument(value any) any {
	if micros, ok := value.(int64); ok && k.kind == Time {
		return time.UnixMicro(micros)
	}
	return value
}

// run is a part of a list in which the first sort key either is NULL or is not:
// within it the keys can be compared as one row, which an index serves. A list
// whose first key cannot be NULL is one run.
type run struct {
	condition string // on the first key; empty for the whole list
	null      bool
	keys      []sortKey
	cursor    []any // of the keys; nil at the start
	// entry is what the first key is, if it is one. Its values stand beside the rows.
	entry *filter.EntryOf
}

// runs answers the parts of the list that are still to be read, in order.
func runs(keys []sortKey, cursor []any) []run {
	first := keys[0]
	if !first.nullable {
		return []run{{keys: keys, cursor: cursor}}
	}
	if first.entry != nil {
		return entryRuns(keys, cursor)
	}
	column := first.sql()
	set := run{condition: column + " IS NOT NULL", keys: append([]sortKey{first.required()}, keys[1:]...)}
	null := run{condition: column + " IS NULL", null: true, keys: keys[1:]}
	both := []run{set, null}
	if first.desc {
		both = []run{null, set}
	}
	if cursor == nil {
		return both
	}
	if both[0].null != (cursor[0] == nil) {
		both = both[1:]
	}
	both[0].cursor = cursor
	if both[0].null {
		both[0].cursor = cursor[1:]
	}
	return both
}

// entryRuns answers the parts of a list that is sorted by an entry: the rows that have a
// value, then those that have none.
func entryRuns(keys []sortKey, cursor []any) []run {
	set := run{keys: append([]sortKey{keys[0].required()}, keys[1:]...), cursor: cursor, entry: keys[0].entry}
	null := run{null: true, keys: keys[1:], entry: keys[0].entry}
	if cursor != nil && cursor[0] == nil {
		null.cursor = cursor[1:]
		return []run{null}
	}
	return []run{set, null}
}

func (k sortKey) required() sortKey {
	k.nullable = false
	return k
}

// after writes the condition for rows behind the cursor.
func (r run) after(args *[]any) string {
	columns, places := make([]string, len(r.keys)), make([]string, len(r.keys))
	uniform := true
	for i, k := range r.keys {
		columns[i] = k.sql()
		if r.cursor[i] != nil {
			*args = append(*args, k.argument(r.cursor[i]))
			places[i] = fmt.Sprintf("$%d::%s", len(*args), casts[k.kind])
		}
		uniform = uniform && k.desc == r.keys[0].desc && !k.nullable
	}
	if uniform {
		return fmt.Sprintf("(%s) %s (%s)", strings.Join(columns, ", "), r.keys[0].operator(), strings.Join(places, ", "))
	}
	condition := r.behind(0, columns, places)
	if k := r.keys[0]; !k.nullable {
		// Says nothing new, but an index can start there.
		condition = fmt.Sprintf("%s %s= %s AND %s", columns[0], k.operator(), places[0], condition)
	}
	return condition
}

// behind writes the comparison from key i on, for orders of mixed direction and
// for keys that may be NULL: an empty place is a NULL in the cursor.
func (r run) behind(i int, columns, places []string) string {
	k := r.keys[i]
	equal, later := columns[i]+" = "+places[i], columns[i]+" "+k.operator()+" "+places[i]
	switch {
	case places[i] == "" && k.desc:
		equal, later = columns[i]+" IS NULL", columns[i]+" IS NOT NULL"
	case places[i] == "":
		equal, later = columns[i]+" IS NULL", "false"
	case k.nullable && !k.desc:
		later = "(" + later + " OR " + columns[i] + " IS NULL)"
	}
	if i == len(r.keys)-1 {
		return later
	}
	return fmt.Sprintf("(%s OR (%s AND %s))", later, equal, r.behind(i+1, columns, places))
}

func (k sortKey) operator() string {
	if k.desc {
		return "<"
	}
	return ">"
}
