package testkit

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
)

// Broker is a broker of the test's own, with JetStream on a directory that is
// removed with the test. Every write is synced, and every user has its own
// permissions, as in production.
type Broker struct {
	server *natsserver.Server
	ring   *broker.Ring
}

// NATS answers a connection to a broker of the test's own, as its operator.
func NATS(t testing.TB) *nats.Conn {
	t.Helper()
	return StartBroker(t, nil).Connect(t, mesh.Operator)
}

// StartBroker starts a broker for the services of the mesh.
func StartBroker(t testing.TB, m mesh.Mesh) *Broker {
	t.Helper()
	ring, err := broker.NewRing(m)
	if err != nil {
		t.Fatal(err)
	}
	s, err := natsserver.Start(natsserver.Options{Dir: t.TempDir(), Users: ring.Users})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Broker{server: s, ring: ring}
}

// Connect answers a connection as the service of that name, or as mesh.Operator.
func (b *Broker) Connect(t testing.TB, name string, more ...nats.Option) *nats.Conn {
	t.Helper()
	options, err := b.ring.As(name)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := b.server.Connect(append(options, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}
