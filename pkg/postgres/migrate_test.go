package postgres_test

import (
	"context"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestMigrate_onceAmongMany(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	files := fstest.MapFS{
		"00001_one.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE one (x int);")},
		"00002_index.sql": {Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY one_x ON one (x);")},
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := postgres.Migrate(t.Context(), urls.Owner, "many_version", files); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var applied int
	conn, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM many_version WHERE version_id > 0").Scan(&applied); err != nil || applied != 2 {
		t.Errorf("%d migrations applied, %v", applied, err)
	}
	broken := fstest.MapFS{"00001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABLE two (x int);\nSELECT nonsense;")}}
	if err := postgres.Migrate(t.Context(), urls.Owner, "broken_version", broken); err == nil {
		t.Error("a broken migration passed")
	}
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relname = 'two'").Scan(&applied); err != nil || applied != 0 {
		t.Errorf("half a migration was kept: %d, %v", applied, err)
	}
}

// The owner is under row-level security too, but with a policy of its own: a
// migration that fills a column reaches every tenant.
func TestMigrate_canRewriteRows(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db := testkit.Open(t, urls)
	tenant, other := uuid.New(), uuid.New()
	mine, theirs := newGadget(1), newGadget(2)
	mine.Labels = map[string]string{"tier": "gold"}
	insert(t, db, tenant, mine)
	insert(t, db, other, theirs)
	files := fstest.MapFS{"00001_fill.sql": {Data: []byte("-- +goose Up\nUPDATE gadget SET title = 'filled';")}}
	if err := postgres.Migrate(t.Context(), urls.Owner, "fill_version", files); err != nil {
		t.Fatal(err)
	}
	for tenant, id := range map[uuid.UUID]uuid.UUID{tenant: mine.ID, other: theirs.ID} {
		if g, err := gadgets.Get(t.Context(), db, tenant, id); err != nil || g.Title != "filled" {
			t.Errorf("title %q, %v", g.Title, err)
		}
	}
}

func TestIndexMap_entersWhatExists(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db, tenant := testkit.Open(t, urls), uuid.New()
	g := newGadget(1)
	g.Options = map[string]any{"colour": "red"}
	insert(t, db, tenant, g)
	exec(t, urls.Owner, "SELECT lingkar_index_map('gadget', 'options', alone => true)")
	if row, err := gadgets.ByEntry(t.Context(), db, tenant, "options", "colour", "red"); err != nil || row == nil {
		t.Errorf("found %v, %v", row, err)
	}
}

func TestSecure_refusesAnOwnerWithoutService(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	conn, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SELECT lingkar_secure('pg_class')"); err == nil {
		t.Error("a table of the superuser was secured")
	}
}

func TestProvision_canRunAgainWithOtherPasswords(t *testing.T) {
	t.Parallel()
	admin := testkit.Postgres(t).AdminURL
	const name = "provisioned_twice"
	t.Cleanup(func() { drop(t, admin, name) })
	first, err := postgres.Provision(t.Context(), admin, name, name, postgres.Passwords{Owner: "a", App: "b", Relay: "c"})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, first.Owner, "CREATE TABLE kept (x int)")
	second, err := postgres.Provision(t.Context(), admin, name, name, postgres.Passwords{Owner: "d'\\", App: "e%/@:", Relay: "f"})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, second.Owner, "INSERT INTO kept VALUES (1)")
	for role, url := range map[string]string{"app": second.App, "relay": second.System} {
		exec(t, url, "SELECT 1")
		if conn, err := pgx.Connect(t.Context(), first.App); err == nil {
			conn.Close(t.Context())
			t.Errorf("%s: the old password still works", role)
		}
	}
	for _, service := range []string{"", "Upper", "x; DROP", "a-b"} {
		if _, err := postgres.Provision(t.Context(), admin, name, service, postgres.Passwords{Owner: "a", App: "b", Relay: "c"}); err == nil {
			t.Errorf("service %q was accepted", service)
		}
	}
	if _, err := postgres.Provision(t.Context(), admin, name, name, postgres.Passwords{}); err == nil {
		t.Error("empty passwords were accepted")
	}
}

// drop runs after the test, when its context has ended.
func drop(t *testing.T, admin, database string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)"); err != nil {
		t.Error(err)
	}
}
