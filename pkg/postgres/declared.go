package postgres

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Lister is a Table of any type: what its lists declare, and how the database does
// them.
type Lister interface {
	Def() Def
	Declared() []Query
	DeclaredWith(value func(Field) string) []Query
	CheckIndexes(ctx context.Context, db *DB) error
	Explain(ctx context.Context, db *DB, tenant uuid.UUID, q Query) (string, error)
}

// deepest is where a table stands in a store: Store, record.Store, Table.
const deepest = 3

// TablesIn answers the tables among the values and in their exported fields, by
// their SQL names.
func TablesIn(values ...any) map[string]Lister {
	tables := map[string]Lister{}
	for _, v := range values {
		collect(tables, reflect.ValueOf(v), 0)
	}
	return tables
}

func collect(tables map[string]Lister, v reflect.Value, depth int) {
	if depth > deepest || v.Kind() != reflect.Pointer || v.IsNil() {
		return
	}
	if table, ok := v.Interface().(Lister); ok {
		tables[table.Def().Name] = table
		return
	}
	if v = v.Elem(); v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			collect(tables, v.Field(i), depth+1)
		}
	}
}

// Declared answers a query for each combination of filter and order that the
// definition declares, with some value in the filter: for tests and documents.
func (t *Table[T]) Declared() []Query { return t.DeclaredWith(sample) }

// DeclaredWith is Declared with values that value answers for the fields, as a
// filter writes them, quotes included; "" stands for some value.
func (t *Table[T]) DeclaredWith(value func(Field) string) []Query {
	var queries []Query
	if t.def.DefaultOrder == "" {
		queries = append(queries, Query{})
	}
	for _, order := range t.def.Orders {
		for equal := range len(order) + 1 {
			terms := make([]string, equal)
			for i, path := range order[:equal] {
				field, _ := t.fields.Lookup(path)
				written := value(field)
				if written == "" {
					written = sample(field)
				}
				terms[i] = path + " = " + written
			}
			filter := strings.Join(terms, " AND ")
			queries = append(queries, Query{Filter: filter, OrderBy: strings.Join(order[equal:], ", ")})
			if equal < len(order) {
				queries = append(queries, Query{Filter: filter, OrderBy: strings.Join(order[equal:], " desc, ") + " desc"})
			}
		}
	}
	return queries
}

// sample answers some value of the field, as a filter writes it.
func sample(f Field) string {
	switch f.Type {
	case Int, Decimal:
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
		return slices.Min(slices.Collect(maps.Keys(f.Values)))
	default:
		return `"x"`
	}
}
