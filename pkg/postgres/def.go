package postgres

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// Def describes a table of resources: what may be filtered and sorted, and what
// its constraints mean to a caller.
type Def struct {
	// Name is the SQL table. Its columns are those of the row type, and tenant.
	Name string
	// Kind is the resource in words, such as "price list": it names NOT_FOUND.
	Kind string
	// Collection names a row in errors, such as "priceLists"; may be empty.
	Collection string
	// Fields are what filter and order_by may name. Anything else is refused.
	Fields []Field
	// Orders lists the indexes that lists rely on, each as the paths of its
	// columns without the leading tenant and the trailing id: {"owner",
	// "create_time"} stands for an index (tenant, owner, create_time, id). A
	// list is declared when its equality conditions are exactly a leading part
	// of one of them and its order, in one direction, exactly the rest; a list
	// without either is served by the primary key. Any other list runs under
	// UndeclaredTimeout. CheckIndexes proves the declaration.
	Orders [][]string
	// DefaultOrder sorts lists that ask for no order, written as they would
	// ("create_time desc"). Empty sorts by id, which is nearly by age.
	DefaultOrder string
	// Constraints maps a constraint's name to the error its violation means.
	Constraints map[string]*errs.Error
	// Search is the column of normalised text that Table.Search looks through;
	// empty where the resource has no search.
	Search string
}

// Field is one name that a filter or an order may use.
type Field = filter.Field

// FieldType is what a field holds, and so which operators it has.
type FieldType = filter.Type

// The types of fields: see package filter for what each may be compared with.
// Decimal, List, Map and JSON cannot use an index under row-level security, and
// IndexedMap needs its triggers: see lingkar_index_map in the base migration.
const (
	Text       = filter.Text
	Int        = filter.Int
	Time       = filter.Time
	Date       = filter.Date
	Bool       = filter.Bool
	UUID       = filter.UUID
	Enum       = filter.Enum
	Decimal    = filter.Decimal
	List       = filter.List
	Map        = filter.Map
	IndexedMap = filter.IndexedMap
	JSON       = filter.JSON
)

// Cond is a condition the server adds to a list, such as the parent or the
// record scope. It is trusted: Column is SQL. Make it by Eq, In, Holds or AnyOf.
type Cond struct {
	column string
	value  any
	many   bool
	within bool
	until  bool
	any    []Cond
}

// Eq asks for rows whose column equals the value.
func Eq(column string, value any) Cond { return Cond{column: column, value: value} }

// In asks for rows whose column is one of the values, which must be a slice. An
// empty slice matches nothing.
func In(column string, values any) Cond { return Cond{column: column, value: values, many: true} }

// Holds asks for rows whose column, a JSON list of texts, has at least one of the texts.
// No index serves it.
func Holds(column string, texts []string) Cond {
	return Cond{column: column, value: append([]string{}, texts...), many: true, within: true}
}

// Until asks for rows whose column is a moment that lies at or before the given one: the
// present, which goes on from page to page.
func Until(column string, now time.Time) Cond { return Cond{column: column, value: now, until: true} }

// AnyOf asks for rows that meet at least one of the conditions.
func AnyOf(conds ...Cond) Cond { return Cond{any: conds} }

// Query is one List call.
type Query struct {
	// PageSize 0 means 50; more than 1,000 is cut to 1,000; negative is refused.
	PageSize int32
	// PageToken continues where an earlier page ended. It is bound to all other
	// fields of the query except PageSize, and expires after 72 hours.
	PageToken string
	// Filter and OrderBy are as the caller wrote them (AIP-160, AIP-132); an
	// empty OrderBy is the table's DefaultOrder.
	Filter, OrderBy string
	// ShowDeleted includes soft deleted rows.
	ShowDeleted bool
	// Subject is the caller: a token works for nobody else.
	Subject string
	// Where are the server's own conditions.
	Where []Cond
	// Entry answers the fields that are known for this list alone, by their paths, such
	// as the custom fields of the tenant; nil where there are none.
	Entry func(path string) (Field, bool)
}
