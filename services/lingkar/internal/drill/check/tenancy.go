package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// tenantTables are the tables that role app may read and that hold tenants' rows.
const tenantTables = `
	SELECT c.table_name FROM information_schema.columns c
	JOIN information_schema.tables t USING (table_schema, table_name)
	WHERE t.table_type = 'BASE TABLE' AND c.table_schema = 'public' AND c.column_name = 'tenant'
	  AND has_table_privilege(current_user, format('%I.%I', c.table_schema, c.table_name), 'SELECT')
	ORDER BY 1`

// tenancy asks every database as the role that serves requests, without the
// conditions that the services add: as one tenant, and as none. It must see that
// tenant's rows alone (I10).
func (r *Run) tenancy(ctx context.Context) Result {
	result := Result{ID: "I10", Title: "a tenant's rows are hidden from every other, also without the services' own conditions"}
	var own, hidden int64
	tables := 0
	for _, d := range fleet.All() {
		url, err := os.ReadFile(filepath.Join(r.Cluster.Secrets.Dir, d.Name, secrets.AppURL))
		if err != nil {
			result.breach("%v", err)
			continue
		}
		conn, err := pgx.Connect(ctx, strings.TrimSpace(string(url)))
		if err != nil {
			result.breach("%s cannot be asked: %v", d.Name, err)
			continue
		}
		names, err := texts(ctx, conn, tenantTables)
		if err != nil {
			result.breach("%s: %v", d.Name, err)
		}
		for _, name := range names {
			tables++
			mine, err := r.look(ctx, &result, conn, d.Name, name)
			if err != nil {
				result.breach("%s.%s: %v", d.Name, name, err)
			}
			own += mine
			hidden += r.total(ctx, &result, d.Area, name) - mine
		}
		conn.Close(ctx)
	}
	if hidden <= 0 {
		result.breach("there was nothing to hide, so this shows nothing")
	}
	result.Evidence = fmt.Sprintf("%d tables: %d rows of the one tenant seen, %d of others hidden", tables, own, hidden)
	return result
}

// look counts what one tenant sees of a table, and expects none of others, and
// nothing at all without a tenant.
func (r *Run) look(ctx context.Context, result *Result, conn *pgx.Conn, service, table string) (mine int64, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	id := r.Tenants[0].ID
	if _, err := tx.Exec(ctx, "SELECT set_config('app.tenant', $1, true)", id); err != nil {
		return 0, err
	}
	var foreign int64
	sql := "SELECT count(*), count(*) FILTER (WHERE tenant::text <> $1) FROM " + pgx.Identifier{table}.Sanitize()
	if err := tx.QueryRow(ctx, sql, id).Scan(&mine, &foreign); err != nil {
		return 0, err
	}
	if foreign > 0 {
		result.breach("%s.%s: the tenant sees %d rows of others", service, table, foreign)
	}
	nobody, err := tx.Begin(ctx)
	if err != nil {
		return mine, err
	}
	var seen int64
	_, err = nobody.Exec(ctx, "SELECT set_config('app.tenant', '', true)")
	if err == nil && nobody.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&seen) == nil && seen > 0 {
		result.breach("%s.%s: without a tenant %d rows are seen", service, table, seen)
	}
	return mine, nobody.Rollback(ctx)
}

// total counts a table's rows, as the superuser.
func (r *Run) total(ctx context.Context, result *Result, area, table string) (n int64) {
	err := with(ctx, r.Cluster, fleet.Database(area), func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&n)
	})
	if err != nil {
		result.breach("%s.%s cannot be counted: %v", area, table, err)
	}
	return n
}
