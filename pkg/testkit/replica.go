package testkit

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/service"
)

// Replica is one of several processes of a service, on the same database and the
// same broker, at an address that it keeps over restarts.
type Replica struct {
	// Addr is where it takes gRPC.
	Addr string
	// Running is what runs, from Start to Stop.
	Running *service.Running

	suite      *Suite
	definition service.Definition
	env        service.Environment
}

// Replica starts one more process of a service that the suite runs, which tells
// its callers for the time of drain that it stops. It ends with the test.
func (s *Suite) Replica(t testing.TB, d service.Definition, drain time.Duration) *Replica {
	t.Helper()
	r := &Replica{suite: s, definition: d, env: s.environments[d.Area]}
	r.env.Listener, r.env.HTTPListener, r.env.Drain = listen(t), nil, drain
	r.Addr = r.env.Listener.Addr().String()
	r.run(t)
	t.Cleanup(func() {
		if r.Running != nil {
			r.Stop(t)
		}
	})
	return r
}

// Start starts it again.
func (r *Replica) Start(t testing.TB) {
	t.Helper()
	var err error
	if r.env.Listener, err = net.Listen("tcp", r.Addr); err != nil {
		t.Fatal(err)
	}
	r.run(t)
}

func (r *Replica) run(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	r.env.NATS, r.env.Feed = r.suite.broker.Connect(t, r.definition.Name), nil
	running, err := service.Start(ctx, r.definition, r.env)
	if err != nil {
		t.Fatal(err)
	}
	r.Running = running
}

// Stop stops it as SIGTERM does, and answers how long that took.
func (r *Replica) Stop(t testing.TB) time.Duration {
	t.Helper()
	began := time.Now()
	if err := r.Running.Stop(context.Background()); err != nil {
		t.Errorf("stop %s: %v", r.definition.Name, err)
	}
	r.env.NATS.Close()
	r.Running = nil
	return time.Since(began)
}
