package testkit

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// copied is how far the positions of copied events lie, at least, above those of any
// others.
const copied = int64(1) << 40

// CopyTenant copies the rows that a tenant has in some tables to a tenant that has
// none, by COPY in one transaction, and answers how long that took: the limit that
// bulk work is measured by. Tables stand in the order of their foreign keys; outbox
// gets the rows of the tenant's events.
func CopyTenant(t testing.TB, db *postgres.DB, from, to uuid.UUID, tables ...string) time.Duration {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), adminOf(t, db))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	shift := copied + time.Now().UnixMicro() // two copies in one database do not meet
	type file struct {
		into    string
		content bytes.Buffer
	}
	files := make([]file, len(tables))
	for i, table := range tables {
		columns := copiedColumns(t, conn, table)
		files[i].into = fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", table, strings.Join(columns, ", "))
		of := table
		if table == "outbox" {
			of = "event_log"
		}
		for n, column := range columns {
			switch column {
			case `tenant`:
				columns[n] = fmt.Sprintf("'%s'::uuid", to)
			case `"position"`:
				columns[n] += fmt.Sprintf(" + %d", shift)
			}
		}
		sql := fmt.Sprintf("COPY (SELECT %s FROM %s WHERE tenant = '%s') TO STDOUT (FORMAT binary)", strings.Join(columns, ", "), of, from)
		if _, err := conn.PgConn().CopyTo(t.Context(), &files[i].content, sql); err != nil {
			t.Fatal(table, err)
		}
	}
	began := time.Now()
	err = pgx.BeginFunc(t.Context(), conn, func(pgx.Tx) error {
		for i := range files {
			if _, err := conn.PgConn().CopyFrom(t.Context(), &files[i].content, files[i].into); err != nil {
				return fmt.Errorf("%s: %w", tables[i], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// adminOf answers the URL of a test's database for the superuser, whom row-level
// security does not keep from COPY.
func adminOf(t testing.TB, db *postgres.DB) string {
	t.Helper()
	u, err := url.Parse(Postgres(t).AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + db.App.Config().ConnConfig.Database
	return u.String()
}

// copiedColumns answers the columns of a table that no sequence of its own fills.
func copiedColumns(t testing.TB, conn *pgx.Conn, table string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		SELECT quote_ident(attname) FROM pg_attribute
		WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' ORDER BY attnum`, table)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return columns
}
