package limit

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// part is some rows of one table of the suite.
type part struct {
	table string
	// from and where say which rows they are: t has the columns.
	from, where string
}

// imported are the rows that an import wrote, in the order of their foreign keys.
func imported(id uuid.UUID) []part {
	rows := fmt.Sprintf("(SELECT tenant, resource, right(resource, 36)::uuid AS contact FROM import_row WHERE import = '%s' AND outcome = 1) r", id)
	events := part{from: rows + " JOIN event_log t ON t.tenant = r.tenant AND t.aggregate = r.resource", table: "event_log"}
	return []part{
		{table: "import", from: "import t", where: fmt.Sprintf("id = '%s'", id)},
		{table: "contact", from: rows + " JOIN contact t ON t.tenant = r.tenant AND t.id = r.contact"},
		{table: "identifier", from: rows + " JOIN identifier t ON t.tenant = r.tenant AND t.contact = r.contact"},
		{table: "blocking_key", from: rows + " JOIN blocking_key t ON t.tenant = r.tenant AND t.contact = r.contact"},
		events,
		{table: "outbox", from: events.from},
		{table: "audit", from: rows + " JOIN audit t ON t.tenant = r.tenant AND t.resource = r.resource"},
		{table: "import_row", from: "import_row t", where: fmt.Sprintf("import = '%s'", id)},
	}
}

// CopyImport copies the rows that an import wrote, with the sealing keys of its
// contacts, into the same tables, and answers how long writing them took.
func (w *Writes) CopyImport(ctx context.Context, liveURL, keysURL string, id uuid.UUID) (time.Duration, error) {
	live, err := pgx.Connect(ctx, liveURL)
	if err != nil {
		return 0, err
	}
	defer live.Close(context.WithoutCancel(ctx))
	// Nothing has been counted of the new rows yet: the planner takes them for one, and
	// would read a table whole for each.
	if _, err := live.Exec(ctx, "SET enable_nestloop = off"); err != nil {
		return 0, err
	}
	keys, err := pgx.Connect(ctx, keysURL)
	if err != nil {
		return 0, err
	}
	defer keys.Close(context.WithoutCancel(ctx))
	var ids []string
	err = live.QueryRow(ctx, `
		SELECT array_agg(DISTINCT c.key_id::text) FROM import_row r JOIN contact c ON c.tenant = r.tenant AND c.id = right(r.resource, 36)::uuid
		WHERE r.import = $1 AND r.outcome = 1`, id).Scan(&ids)
	if err != nil {
		return 0, err
	}
	files, err := readParts(ctx, live, imported(id)...)
	defer removeAll(files)
	if err != nil {
		return 0, err
	}
	more, err := readParts(ctx, keys, part{table: "contact_key", from: "contact_key t", where: "id IN ('" + strings.Join(ids, "','") + "')"})
	defer removeAll(more)
	if err != nil {
		return 0, err
	}
	return w.write(ctx, append(files, more...))
}

// file holds rows of one table as COPY writes them.
type file struct {
	*os.File
	into string
}

func removeAll(files []file) {
	for _, f := range files {
		_ = f.Close()           // it was only read since
		_ = os.Remove(f.Name()) // in the place for temporary files
	}
}

// readParts copies rows into files. What it opened it answers with an error too.
func readParts(ctx context.Context, conn *pgx.Conn, parts ...part) ([]file, error) {
	var files []file
	for _, p := range parts {
		columns, err := columnsOf(ctx, conn, p.table)
		if err != nil {
			return files, err
		}
		f, err := os.CreateTemp("", "lingkar-limit-")
		if err != nil {
			return files, err
		}
		files = append(files, file{f, fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)", p.table, strings.Join(columns, ", "))})
		sql := "SELECT t." + strings.Join(columns, ", t.") + " FROM " + p.from
		if p.where != "" {
			sql += " WHERE " + p.where
		}
		if _, err := conn.PgConn().CopyTo(ctx, f, "COPY ("+sql+") TO STDOUT (FORMAT binary)"); err != nil {
			return files, fmt.Errorf("%s: %w", p.table, err)
		}
		if _, err := f.Seek(0, 0); err != nil {
			return files, err
		}
	}
	return files, nil
}

// columnsOf answers the columns of a table that no sequence of its own fills.
func columnsOf(ctx context.Context, conn *pgx.Conn, table string) ([]string, error) {
	rows, err := conn.Query(ctx, `
		SELECT quote_ident(attname) FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = '' ORDER BY attnum`, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// write copies the files in, in one transaction.
func (w *Writes) write(ctx context.Context, files []file) (time.Duration, error) {
	began := time.Now()
	err := pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		for _, f := range files {
			if _, err := tx.Conn().PgConn().CopyFrom(ctx, f, f.into); err != nil {
				return fmt.Errorf("%s: %w", f.into, err)
			}
		}
		return nil
	})
	return time.Since(began), err
}
