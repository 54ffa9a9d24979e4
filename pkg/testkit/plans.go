package testkit

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Apart names a table whose lists are proved otherwise, or need no index.
type Apart string

// Brought is how many of the tables that are found another package makes.
type Brought int

// rowsPerTenant is how many rows a table has of each of two tenants when its plans
// are asked for: enough that nobody would read it whole.
const rowsPerTenant = 4000

// Lists demands of each table of resources in the stores that every combination of
// filter and order it declares has an index of exactly these columns, which
// row-level security lets role app use, and that among thousands of rows of two
// tenants the planner reads no table whole. The same holds for an indexed custom field
// of tables that can have any.
//
// It finds the tables in the exported fields of the stores, fills them, which needs
// their checks, foreign keys and triggers dropped, and fails where the package
// under test makes a table that is neither among them nor named by an Apart; those of
// other packages among them are counted by a Brought. The
// database is the test's own.
func Lists(t *testing.T, urls postgres.URLs, stores ...any) {
	t.Helper()
	tables, apart := postgres.TablesIn(stores...), 0
	for _, s := range stores {
		switch s := s.(type) {
		case Apart:
			apart++
		case Brought:
			apart -= int(s)
		}
	}
	if made := tablesMade(t); made != len(tables)+apart {
		t.Errorf("the package makes %d tables, and %d were found in what the test names", made, len(tables)+apart)
	}
	db, tenant := Open(t, urls), uuid.New()
	customised := fillTables(t, urls.Owner, tables, tenant, uuid.New())
	for name, table := range tables {
		if err := table.CheckIndexes(t.Context(), db); err != nil {
			t.Error(err)
		}
		declared := table.Declared()
		if customised[name] {
			declared = append(declared, byCustomField...)
		}
		for _, q := range declared {
			plan, err := table.Explain(t.Context(), db, tenant, q)
			if errs.Reason(err) == "ORDER_BY_INVALID" {
				continue // the leading column of an index that only filters use
			}
			if err != nil || strings.Contains(plan, "Seq Scan") {
				t.Errorf("%s: filter %q, order %q: %v\n%s", name, q.Filter, q.OrderBy, err, plan)
			}
		}
	}
}

// tablesMade counts the tables that the package under test makes, in its source.
func tablesMade(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		made += strings.Count(string(source), "postgres.NewTable[")
	}
	return made
}

// grade is a custom field that every second row of a table that can have any has.
var grade = filter.EntryOf{
	Field: uuid.MustParse("0190a000-0000-7000-8000-0000000000f1"), Key: "grade", Type: int16(contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER),
	Indexed: true, Ordered: true, Parse: func(value string, _ bool) (asJSON, problem string) { return value, "" },
}

// fillGrades writes its values into a table's index, whose triggers are gone.
const fillGrades = `
INSERT INTO custom_value (tenant, id, field, value, alone)
SELECT tenant, id, $1, custom_number_key((hashtext(id::text) % 1000)::text), false FROM %s WHERE hashtext(id::text) % 2 = 0`

// byCustomField are the ways in which a list may use it.
var byCustomField = []postgres.Query{
	{OrderBy: "custom_fields.grade desc", Entry: graded},
	{Filter: "custom_fields.grade > 10", OrderBy: "custom_fields.grade", Entry: graded},
	{Filter: "custom_fields.grade = 7", Entry: graded},
}

func graded(path string) (postgres.Field, bool) {
	return postgres.Field{Path: path, Column: "custom_fields", Type: filter.Entry, Entry: &grade}, path == "custom_fields.grade"
}

// fillTables writes rows of each tenant into the tables, as their owner. It answers those
// that can have custom fields.
func fillTables(t *testing.T, ownerURL string, tables map[string]postgres.Lister, tenants ...uuid.UUID) (customised map[string]bool) {
	t.Helper()
	owner, err := pgx.Connect(t.Context(), ownerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	if _, err := owner.Exec(t.Context(), dropRules); err != nil {
		t.Fatal(err)
	}
	customised = map[string]bool{}
	for name := range tables {
		columns, values := columnsOf(t, owner, name)
		insert := fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM unnest($1::uuid[]) AS tenant, generate_series(1, %d) AS n ON CONFLICT DO NOTHING`,
			name, columns, values, rowsPerTenant)
		tag, err := owner.Exec(t.Context(), insert, tenants)
		if err != nil || tag.RowsAffected() < rowsPerTenant {
			t.Fatalf("fill %s: %d rows, %v", name, tag.RowsAffected(), err)
		}
		if _, err := owner.Exec(t.Context(), "ANALYZE "+name); err != nil {
			t.Fatal(err)
		}
		if customised[name] = hasCustomFields(t, owner, name); customised[name] {
			if _, err := owner.Exec(t.Context(), strings.Replace(fillGrades, "%s", name, 1), grade.Field); err != nil {
				t.Fatal(err)
			}
		}
	}
	if slices.Contains(slices.Collect(maps.Values(customised)), true) {
		if _, err := owner.Exec(t.Context(), "ANALYZE custom_value"); err != nil {
			t.Fatal(err)
		}
	}
	return customised
}

// hasCustomFields says whether values of custom fields are indexed of a table.
func hasCustomFields(t *testing.T, owner *pgx.Conn, table string) (has bool) {
	t.Helper()
	err := owner.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::text::regclass AND tgname = 'custom_values_insert')", table).Scan(&has)
	if err != nil {
		t.Fatal(err)
	}
	return has
}

// dropRules takes from every table what generated rows would break.
const dropRules = `
DO $$
DECLARE
	rule record;
BEGIN
	FOR rule IN
		SELECT conrelid::regclass AS target, conname
		FROM pg_constraint
		WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace AND conparentid = 0 AND coninhcount = 0 AND conrelid <> 0
	LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', rule.target, rule.conname);
	END LOOP;
	FOR rule IN SELECT c.oid::regclass AS target FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', rule.target);
	END LOOP;
END
$$`

// columnsOf answers the columns of a table that take values, and an expression for
// each that makes a value of the row number n.
func columnsOf(t *testing.T, owner *pgx.Conn, table string) (columns, values string) {
	t.Helper()
	rows, err := owner.Query(t.Context(), `
		SELECT attname::text, format_type(atttypid, NULL)
		FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
		ORDER BY attnum`, table)
	if err != nil {
		t.Fatal(err)
	}
	var names, expressions []string
	var name, kind string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		names, expressions = append(names, `"`+name+`"`), append(expressions, valueOf(t, name, kind))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, ", "), strings.Join(expressions, ", ")
}

// valueOf answers an expression for the values of a column: those of enums are few,
// all others differ from row to row.
func valueOf(t *testing.T, name, kind string) string {
	t.Helper()
	switch name {
	case "tenant":
		return "tenant"
	case "id":
		return "gen_random_uuid()"
	case "delete_time":
		return "NULL"
	}
	expression, ok := map[string]string{
		"uuid":                     "md5('%s' || n)::uuid",
		"text":                     "'%s ' || n",
		"smallint":                 "1 + n %% 4",
		"integer":                  "1 + n %% 4",
		"bigint":                   "n",
		"numeric":                  "n",
		"double precision":         "n",
		"boolean":                  "n %% 2 = 0",
		"timestamp with time zone": "now() + n * interval '1 s'",
		"date":                     "date '2000-01-01' + n",
		"jsonb":                    "'{}'",
		"bytea":                    "sha256(convert_to(tenant::text || n, 'UTF8'))",
		"text[]":                   "'{}'",
		"uuid[]":                   "'{}'",
	}[kind]
	if !ok {
		t.Fatalf("column %s has the type %s, of which no values are made", name, kind)
	}
	if strings.Count(expression, "%s") == 0 {
		return strings.ReplaceAll(expression, "%%", "%")
	}
	return fmt.Sprintf(expression, name)
}
