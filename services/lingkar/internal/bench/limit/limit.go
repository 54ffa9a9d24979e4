// Package limit holds the limits that the suite is measured against: the same
// work with nothing around it, as fast as PostgreSQL does it on this machine.
//
// Writes call one function that inserts the same rows into the same tables, with
// the same indexes and row-level security off, in a database of its own: what it
// writes must not reach the relay. Its tables begin empty, which favours the
// limit. Reads are one indexed read of the suite's own rows. There is no
// authentication, no validation and no gRPC in any of them.
package limit

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/contact"
)

const (
	database = "lingkar_limit"
	role     = "limit"
	// password opens a database that holds invented data for as long as a run.
	password = "limit"
)

// Writes is the database in which the write limits run.
type Writes struct{ pool *pgxpool.Pool }

// tables are those that a call may write to, in the order in which it does.
var tables = []string{"contact", "identifier", "blocking_key", "interaction", "event_log", "idempotency", "audit"}

// Open makes the database, with the schema of contact, through the administrator.
func Open(ctx context.Context, adminURL, liveURL string, clients int32) (*Writes, error) {
	if err := Drop(ctx, adminURL); err != nil {
		return nil, err
	}
	urls, err := postgres.Provision(ctx, adminURL, database, role, postgres.Passwords{Owner: password, App: password, Relay: password})
	if err != nil {
		return nil, err
	}
	if err := service.Migrate(ctx, contact.Definition, urls.Owner); err != nil {
		return nil, err
	}
	for name, files := range contact.Definition.Databases {
		if err := migrateBeside(ctx, urls.Owner, name, files); err != nil {
			return nil, err
		}
	}
	config, err := pgxpool.ParseConfig(strings.Replace(liveURL, "/lingkar_contact", "/"+database, 1))
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = clients, clients
	pool, err := pgxpool.NewWithConfig(ctx, config)
	return &Writes{pool: pool}, err
}

// migrateBeside makes the tables of a further database of contact in the same one.
func migrateBeside(ctx context.Context, ownerURL, name string, files fs.FS) error {
	below, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	return postgres.Migrate(ctx, ownerURL, name+"_version", below)
}

// Drop removes the database and its roles, where they are.
func Drop(ctx context.Context, adminURL string) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)")
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "DROP ROLE IF EXISTS limit_owner, limit_app, limit_relay")
	return err
}

// Close closes the connections; Drop removes what they wrote.
func (w *Writes) Close() { w.pool.Close() }

// Sample copies the rows that one call of the suite wrote, told by conditions on
// its tables, and makes the function limit_<call> that writes such rows again
// under ids of their own.
func (w *Writes) Sample(ctx context.Context, live *pgx.Conn, call string, where map[string]string) error {
	var body strings.Builder
	body.WriteString("CREATE OR REPLACE FUNCTION limit_" + call + "() RETURNS void LANGUAGE plpgsql AS $$\nDECLARE\n\tnew_id uuid := gen_random_uuid();\n\tpos bigint := nextval('event_position');\n")
	var declared, written strings.Builder
	for _, table := range tables {
		if where[table] == "" {
			continue
		}
		rows, err := live.Query(ctx, fmt.Sprintf("SELECT to_jsonb(t) FROM %s t WHERE %s", table, where[table]))
		if err != nil {
			return err
		}
		samples, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for i, sample := range samples {
			name := fmt.Sprintf("limit_%s_%s_%d", call, table, i)
			if err := w.keep(ctx, name, table, sample); err != nil {
				return err
			}
			fmt.Fprintf(&declared, "\t%s_%d %s%%ROWTYPE;\n", table, i, table)
			fmt.Fprintf(&written, "\tSELECT * INTO %[1]s_%[2]d FROM %[3]s;\n%[4]s\tINSERT INTO %[1]s OVERRIDING SYSTEM VALUE VALUES (%[1]s_%[2]d.*);\n",
				table, i, name, renewed(table, fmt.Sprintf("%s_%d", table, i)))
		}
	}
	// The relay has taken the suite's own row out of the outbox by now.
	written.WriteString("\tINSERT INTO outbox VALUES (pos, event_log_0.recorded_at, event_log_0.partition);\n")
	body.WriteString(declared.String() + "BEGIN\n" + written.String() + "END $$")
	_, err := w.pool.Exec(ctx, body.String())
	return err
}

// keep stores a sample in a table of one row.
func (w *Writes) keep(ctx context.Context, name, table, sample string) error {
	_, err := w.pool.Exec(ctx, fmt.Sprintf("DROP TABLE IF EXISTS %[1]s; CREATE UNLOGGED TABLE %[1]s (LIKE %[2]s)", name, table))
	if err != nil {
		return err
	}
	_, err = w.pool.Exec(ctx, fmt.Sprintf("INSERT INTO %s SELECT * FROM jsonb_populate_record(NULL::%s, $1)", name, table), sample)
	if err != nil || table != "interaction" {
		return err
	}
	// The contact that the interaction is with, for the foreign key.
	_, err = w.pool.Exec(ctx, fmt.Sprintf("UPDATE %s SET contact = (SELECT id FROM contact LIMIT 1), tenant = (SELECT tenant FROM contact LIMIT 1)", name))
	return err
}

// renewed sets what must not repeat.
func renewed(table, row string) string {
	set := func(column, value string) string { return fmt.Sprintf("\t%s.%s := %s;\n", row, column, value) }
	switch table {
	case "contact":
		return set("id", "new_id") + set("customer_id", "new_id::text")
	case "identifier":
		return set("contact", "new_id") + set("key", row+".key || new_id::text")
	case "blocking_key":
		return set("contact", "new_id") + set("key", row+".key # pos")
	case "interaction":
		return set("id", "new_id")
	case "event_log":
		return set("id", "new_id") + set("aggregate", "new_id::text") + set("position", "pos")
	case "idempotency":
		return set("key", "new_id::text")
	case "audit":
		return set("position", "pos")
	}
	return ""
}

// Call calls the function of a sample once.
func (w *Writes) Call(ctx context.Context, call string) error {
	_, err := w.pool.Exec(ctx, "SELECT limit_"+call+"()")
	return err
}
