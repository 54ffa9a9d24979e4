package store_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// Looking for a duplicate of a new contact reads those who have its phone number, and
// not all who have its name, whatever was counted.
func TestRefuseDuplicates_readsNotAllOfAName(t *testing.T) {
	t.Parallel()
	db, tenant := filled(t)
	owner := testkit.Owner(t, "contact", db)
	for _, statement := range []string{
		// Many share a number when it is counted, and few a name; then it is otherwise.
		"SELECT set_config('app.tenant', '" + tenant.String() + "', false)",
		"ALTER TABLE identifier NO FORCE ROW LEVEL SECURITY",
		"ALTER TABLE contact NO FORCE ROW LEVEL SECURITY",
		"DELETE FROM identifier",
		"INSERT INTO identifier (tenant, kind, key, contact) SELECT tenant, 2, '+6281' || row_number() OVER () % 5, id FROM contact",
		"ANALYZE identifier",
		"UPDATE contact SET name_key = 'siti', kind = 1, birthday = '1990-01-01'",
		"INSERT INTO identifier (tenant, kind, key, contact) SELECT tenant, 2, '+62899', id FROM contact WHERE customer_id = 'C-7'",
	} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var read int
	err := postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant', $1, true)", tenant.String()); err != nil {
			return err
		}
		for range 10 { // also as it is planned for any arguments
			if _, err := tx.Exec(t.Context(), "SELECT refuse_duplicates($1, $2, '{1}', '{siti}', '{2001-02-03}', '{2}', '{+62899}', '{false}', $2)",
				tenant, []uuid.UUID{uuid.New()}); err != nil {
				return err
			}
		}
		return tx.QueryRow(t.Context(), `
			SELECT COALESCE(sum(seq_tup_read + COALESCE(idx_tup_fetch, 0)), 0)
			FROM pg_stat_xact_user_tables
			WHERE relname = 'contact'`).Scan(&read)
	})
	if err != nil {
		t.Fatal(err)
	}
	if read > 100 {
		t.Errorf("ten looks read %d contacts", read)
	}
}

// Contacts of two calls that share a transaction are compared with each other; those of
// one call are not, as the caller wants them side by side.
func TestRefuseDuplicates_ofCalls(t *testing.T) {
	t.Parallel()
	db, tenant := filled(t)
	one, two := uuid.New(), uuid.New()
	for what, c := range map[string]struct {
		phone string
		calls []uuid.UUID
		want  bool
	}{
		"of one call":  {"+62871", []uuid.UUID{one, one}, false},
		"of two calls": {"+62872", []uuid.UUID{one, two}, true},

		"of the version before": {"+62873", nil, false},
	} {
		err := postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant', $1, true)", tenant.String()); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), `
				WITH twins AS (
					SELECT array_agg(id) AS ids, array_agg(kind) AS kinds, array_agg(name_key) AS names, array_agg(birthday) AS birthdays
					FROM (SELECT id, kind, name_key, birthday FROM contact WHERE customer_id IN ('C-7', 'C-8') ORDER BY id) AS c
				), alike AS (
					INSERT INTO identifier (tenant, kind, key, contact) SELECT $1, 2, $2, unnest(ids) FROM twins RETURNING contact
				)
				SELECT count(*) FROM alike`, tenant, c.phone)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "UPDATE contact SET kind = 1, name_key = 'siti', birthday = '' WHERE customer_id IN ('C-7', 'C-8')"); err != nil {
				return err
			}
			const look = `
				SELECT refuse_duplicates($1, array_agg(id), '{1, 1}', '{siti, siti}', '{"", ""}', '{2, 2}', ARRAY[$2, $2], '{f, f}'%s)
				FROM contact WHERE customer_id IN ('C-7', 'C-8')`
			if c.calls == nil {
				_, err = tx.Exec(t.Context(), fmt.Sprintf(look, ""), tenant, c.phone)
			} else {
				_, err = tx.Exec(t.Context(), fmt.Sprintf(look, ", $3"), tenant, c.phone, c.calls)
			}
			return err
		})
		if refused := postgres.Violates(err, "contact_duplicate_certain"); refused != c.want || !refused && err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}
