package testkit

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Owner connects to the database of a service as its owner, who may change the
// tables: for tests that break or hold what a service works on. The connection ends
// with the test.
func Owner(t testing.TB, service string, db *postgres.DB) *pgx.Conn {
	t.Helper()
	config := db.System.Config().ConnConfig.Copy()
	config.User, config.Password = service+"_owner", passwords.Owner
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server ends it otherwise
	return conn
}
