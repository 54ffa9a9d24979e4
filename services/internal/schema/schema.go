// Package schema writes down what a database looks like after all migrations: a file
// for people, who need not add up migrations in their heads, and for reviews, which show
// what a migration changed.
//
// What a package of pkg makes in the databases of several services is written once,
// beside its own migrations, and again in a service only where that one changes it.
//
// The text is in SQL, but not made to be run: migrations make databases. Partitions are
// left out, as they come and go with the months, and so are grants.
package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// AnyService is what stands for the service in the names of roles that each has of its
// own, where the schema is that of no service.
const AnyService = "service"

// tables are those of the schema public, with what hangs on each: a line each.
const tables = `
SELECT format(E'CREATE TABLE %s (\n%s\n)%s;\n%s', c.relname,
	(SELECT string_agg(line, E',\n' ORDER BY n, line) FROM (
		SELECT a.attnum AS n, format('%s%s %s%s%s', chr(9), a.attname, format_type(a.atttypid, a.atttypmod),
			CASE WHEN a.attidentity <> '' THEN ' GENERATED AS IDENTITY'
			     WHEN a.attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
			     WHEN d.adbin IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
			CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END) AS line
		FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT 10000, format('%sCONSTRAINT %s %s', chr(9), conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('p', 'u', 'f', 'c', 'x')
	) AS lines),
	CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END,
	(SELECT coalesce(string_agg(line || E';\n', '' ORDER BY n, line), '') FROM (
		SELECT 1 AS n, replace(replace(pg_get_indexdef(i.indexrelid), 'public.', ''), ' ON ONLY ', ' ON ') AS line
		FROM pg_index AS i
		WHERE i.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = c.oid)
		UNION ALL
		SELECT 2, format('CREATE POLICY %s ON %s TO %s USING (%s)', p.policyname, c.relname, array_to_string(p.roles, ', '), p.qual)
		FROM pg_policies AS p WHERE p.schemaname = 'public' AND p.tablename = c.relname
		UNION ALL
		SELECT 3, replace(pg_get_triggerdef(oid), 'public.', '') FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
	) AS lines))
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
	AND c.relname NOT LIKE '%version'
ORDER BY c.relname`

// functions are those of the schema public that no extension brought.
const functions = `
SELECT replace(pg_get_functiondef(p.oid), 'public.', '') || E';\n'
FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
	AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)`

// Schema is what a database looks like.
type Schema struct {
	// Version is the major one of the server that worded it: another may word it
	// otherwise.
	Version int
	// parts are a table with what hangs on it, or a function, each.
	parts []string
	// service begins the names of its roles.
	service string
}

// Read reads the schema of the database of a connection, which belongs to a service.
func Read(ctx context.Context, conn *pgx.Conn, service string) (*Schema, error) {
	s := &Schema{service: service}
	for _, query := range []string{tables, functions} {
		rows, err := conn.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("read the catalog: %w", err)
		}
		parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("read the catalog: %w", err)
		}
		s.parts = append(s.parts, parts...)
	}
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&s.Version)
	return s, err
}

// TextBeside words the schema without what is the same in the other, but for the
// service's own roles.
func (s *Schema) TextBeside(other *Schema) string {
	known := make(map[string]bool, len(other.parts))
	for _, part := range other.parts {
		known[other.common(part)] = true
	}
	var b strings.Builder
	for _, part := range s.parts {
		if !known[s.common(part)] {
			b.WriteString("\n" + part)
		}
	}
	return b.String()
}

// common words a part as that of any service.
func (s *Schema) common(part string) string {
	var pairs []string
	for _, role := range []string{"_owner", "_app", "_relay"} {
		pairs = append(pairs, " "+s.service+role, " "+AnyService+role)
	}
	return strings.NewReplacer(pairs...).Replace(part)
}
