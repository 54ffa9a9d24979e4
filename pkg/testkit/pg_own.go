package testkit

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
)

// OwnPostgres is a PostgreSQL of one test, which may stop it and start it again.
type OwnPostgres struct {
	*PostgresServer
	options pgserver.Options
	running *pgserver.Server
}

// StartPostgres starts a server that ends with the test. It takes some seconds: use
// the shared one (Postgres) where nothing has to happen to the server.
func StartPostgres(t testing.TB) *OwnPostgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "lingkar-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// The account that the server runs as must reach its directory.
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	o := &OwnPostgres{options: pgserver.Options{Dir: filepath.Join(dir, "server"), UnsafeFast: true}}
	o.Start(t)
	o.PostgresServer = &PostgresServer{AdminURL: o.running.URL("postgres")}
	t.Cleanup(func() { o.Stop(t) })
	return o
}

// Start starts the server where it was stopped, on the port that it had.
func (o *OwnPostgres) Start(t testing.TB) {
	t.Helper()
	var err error
	if o.running, err = pgserver.Start(context.Background(), o.options); err != nil {
		t.Fatal(err)
	}
	o.options.Port = o.running.Port
}

// Stop stops the server: whoever is connected is cut off.
func (o *OwnPostgres) Stop(t testing.TB) {
	t.Helper()
	if err := o.running.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}
