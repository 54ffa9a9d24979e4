package testkit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

var noteMigrations = fstest.MapFS{"00001_note.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE note (tenant uuid NOT NULL, id uuid NOT NULL, text text NOT NULL, PRIMARY KEY (tenant, id));
SELECT lingkar_secure('note');
`)}}

func migrateNotes(ctx context.Context, ownerURL string) error {
	return postgres.Migrate(ctx, ownerURL, "note_version", noteMigrations)
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestDatabase_isOnesOwn(t *testing.T) {
	t.Parallel()
	first := connect(t, testkit.Database(t, "note", migrateNotes, noteMigrations).System)
	second := connect(t, testkit.Database(t, "note", migrateNotes, noteMigrations).System)
	if _, err := first.Exec(t.Context(), "INSERT INTO note VALUES (gen_random_uuid(), gen_random_uuid(), 'x')"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := second.QueryRow(t.Context(), "SELECT count(*) FROM note").Scan(&n); err != nil || n != 0 {
		t.Errorf("the other database has %d rows, %v", n, err)
	}
}

func TestDatabase_hasTheRightsOfAService(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "note", migrateNotes, noteMigrations)
	for name, url := range map[string]string{"app": urls.App, "relay": urls.System} {
		for _, sql := range []string{
			"CREATE TABLE mine (x int)",
			"CREATE TEMP TABLE mine (x int)",
			"ALTER TABLE note DISABLE ROW LEVEL SECURITY",
			"DROP TABLE note",
			"TRUNCATE note",
		} {
			_, err := connect(t, url).Exec(t.Context(), sql)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != "42501" {
				t.Errorf("%s may %s: %v", name, sql, err)
			}
		}
	}
}

func TestDatabase_templateIsBuiltOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	built := 0
	count := func(ctx context.Context, url string) error {
		mu.Lock()
		defer mu.Unlock()
		built++
		return migrateNotes(ctx, url)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { testkit.Database(t, "counted", count) })
	}
	wg.Wait()
	if built != 1 {
		t.Errorf("built %d times", built)
	}
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		testkit.Database(b, "note", migrateNotes, noteMigrations)
	}
}
