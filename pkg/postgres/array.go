package postgres

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
)

// columnOf answers the values at one place of all rows, as pgx sends an array: typed
// where all are of one plain type, which spares a look-up for each.
func columnOf(rows [][]any, place int) any {
	switch rows[0][place].(type) {
	case string:
		return typed[string](rows, place)
	case uuid.UUID:
		return typed[uuid.UUID](rows, place)
	case [16]byte:
		return typed[[16]byte](rows, place)
	case time.Time:
		return typed[time.Time](rows, place)
	case int64:
		return typed[int64](rows, place)
	case int32:
		return typed[int32](rows, place)
	case int16:
		return typed[int16](rows, place)
	case bool:
		return typed[bool](rows, place)
	case []byte:
		return typed[[]byte](rows, place)
	}
	return boxed(rows, place)
}

func typed[T any](rows [][]any, place int) any {
	column := make([]T, len(rows))
	for i, row := range rows {
		v, ok := row[place].(T)
		if !ok {
			return boxed(rows, place)
		}
		column[i] = v
	}
	return column
}

func boxed(rows [][]any, place int) any {
	column := make([]any, len(rows))
	for i, row := range rows {
		column[i] = row[place]
	}
	return column
}

// sqlType answers the SQL type whose array carries the values of a column through
// unnest, and what each must be cast to then; an empty cast is none.
func (c *column) sqlType() (carrier, cast string) {
	typ := c.typ
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case c.json:
		return "jsonb", ""
	case typ == uuidType:
		return "uuid", ""
	case typ == timeType:
		return "timestamptz", ""
	case c.list():
		return "text", listTypes[typ.Elem().Kind()]
	}
	if name, ok := scalarTypes[typ.Kind()]; ok {
		return name, ""
	}
	return "numeric", "" // an exact number, the only other type of a column
}

// list tells whether the column holds an array.
func (c *column) list() bool {
	return !c.json && c.typ != uuidType && c.typ.Kind() == reflect.Slice && c.typ.Elem().Kind() != reflect.Uint8
}

var scalarTypes = map[reflect.Kind]string{
	reflect.String: "text", reflect.Bool: "boolean", reflect.Int16: "smallint", reflect.Int32: "integer", reflect.Int64: "bigint",
	reflect.Int: "bigint", reflect.Float64: "double precision", reflect.Slice: "bytea",
}

// listTypes are the arrays that a list column can be. PostgreSQL would take an array
// of arrays apart down to the elements, so they travel as text.
var listTypes = map[reflect.Kind]string{reflect.String: "text[]", reflect.Array: "uuid[]", reflect.Int32: "integer[]", reflect.Int64: "bigint[]"}

// ArrayLiteral writes a list as PostgreSQL reads it from text.
func ArrayLiteral(list any) any {
	v := reflect.ValueOf(list)
	if !v.IsValid() {
		return nil
	}
	quoted := make([]string, v.Len())
	for i := range quoted {
		element := v.Index(i).Interface()
		text := fmt.Sprint(element)
		if id, ok := element.([16]byte); ok {
			text = uuid.UUID(id).String()
		}
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}
