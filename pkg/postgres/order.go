package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// maxOrders is how many fields a list is sorted by at most.
const maxOrders = 5

// sortKey is one column of an order.
type sortKey struct {
	// column is nil for an entry: that stands as v.value, beside the row.
	column   *column
	entry    *filter.EntryOf
	desc     bool
	nullable bool
	kind     FieldType
}

// casts are the SQL types that a sort key's value is sent as.
var casts = map[FieldType]string{
	Text: "text", Int: "bigint", Enum: "bigint", Time: "timestamptz",
	Date: "date", Bool: "boolean", UUID: "uuid",
}

// order reads an order_by (AIP-132), such as "create_time desc, owner". The id
// always comes last, in the direction of what stands before it, so that the order
// is total. NULL sorts as the largest value.
// An entry stands alone, and rows that have no value of it come last in either direction.
func (t *Table[T]) order(fields *filter.Fields, text string) ([]sortKey, error) {
	var keys []sortKey
	if strings.TrimSpace(text) != "" {
		for part := range strings.SplitSeq(text, ",") {
			key, err := t.sortKey(fields, part)
			if err != nil {
				return nil, err
			}
			if len(keys) > 0 && (key.entry != nil || keys[0].entry != nil) {
				return nil, orderError("a list is sorted by a custom field alone")
			}
			if slices.ContainsFunc(keys, func(k sortKey) bool { return k.column == key.column }) {
				return nil, orderError("a field stands twice")
			}
			if keys = append(keys, key); len(keys) > maxOrders {
				return nil, orderError(fmt.Sprintf("at most %d fields", maxOrders))
			}
		}
	}
	id := sortKey{column: t.plan.find("id"), kind: UUID}
	if len(keys) > 0 {
		id.desc = keys[len(keys)-1].desc
	}
	return append(keys, id), nil
}

// orderBy is the order that the query asks for, else the table's own.
func (t *Table[T]) orderBy(q Query) string {
	if strings.TrimSpace(q.OrderBy) == "" {
		return t.def.DefaultOrder
	}
	return q.OrderBy
}

func (t *Table[T]) sortKey(fields *filter.Fields, text string) (sortKey, error) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 || (len(words) == 2 && words[1] != "asc" && words[1] != "desc") {
		return sortKey{}, orderError(`write fields with a comma between them, each with " desc" or " asc" behind it or nothing`)
	}
	field, ok := fields.Lookup(words[0])
	if !ok {
		return sortKey{}, orderError("unknown field; the fields are " + fields.Known())
	}
	desc := len(words) == 2 && words[1] == "desc"
	if field.Type == filter.Entry {
		if field.Entry.Unsortable != "" {
			return sortKey{}, orderError(field.Entry.Unsortable)
		}
		return sortKey{entry: field.Entry, desc: desc, nullable: true, kind: Text}, nil
	}
	c := t.plan.find(field.Column)
	if _, sortable := casts[field.Type]; !sortable || field.Type == UUID || c == nil {
		return sortKey{}, orderError("a list cannot be sorted by this field")
	}
	return sortKey{
		column:   c,
		desc:     desc,
		nullable: c.nullable(),
		kind:     field.Type,
	}, nil
}

// sql is the key in a statement.
func (k sortKey) sql() string {
	if k.entry != nil {
		return "v.value"
	}
	return "t." + filter.Quote(k.column.name)
}

func orderError(description string) error {
	return errs.Invalid("order_by", "ORDER_BY_INVALID", description)
}

// writeOrder writes ORDER BY. The places of NULL are PostgreSQL's own, so that an
// ordinary index serves both directions.
func writeOrder(keys []sortKey) string {
	parts := make([]string, len(keys))
	for i, k := range keys {
		parts[i] = k.sql()
		if k.desc {
			parts[i] += " DESC"
		}
	}
	return " ORDER BY " + strings.Join(parts, ", ")
}
