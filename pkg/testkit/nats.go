package testkit

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/natsserver"
)

// NATS answers a connection to a broker of the test's own, with JetStream on a
// directory that is removed with the test. Every write is synced, as in
// production.
func NATS(t testing.TB) *nats.Conn {
	t.Helper()
	s, err := natsserver.Start(natsserver.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}
