package store_test

import (
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
			if _, err := tx.Exec(t.Context(), "SELECT refuse_duplicates($1, $2, '{1}', '{siti}', '{2001-02-03}', '{2}', '{+62899}', '{false}')",
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
