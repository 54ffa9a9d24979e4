package testkit

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// The transports of a Client.
const (
	GRPC     = "gRPC"
	OverREST = "REST"
)

// ctxTimeout bounds what a test does with one Ctx, all its calls together: on a busy
// machine under the race detector that may be long. A service ends each call sooner.
const ctxTimeout = 3 * time.Minute

// Client is how a test calls the suite: over one transport, as one caller.
type Client struct {
	// Conn takes each call where it belongs: make generated clients of it.
	Conn grpc.ClientConnInterface
	// Caller makes the calls.
	Caller auth.Caller
	// Transport is GRPC or OverREST.
	Transport string

	t     testing.TB
	suite *Suite
}

// Ctx answers a context that ends with the test, or after three minutes.
func (c *Client) Ctx() context.Context {
	ctx, cancel := context.WithTimeout(c.t.Context(), ctxTimeout)
	c.t.Cleanup(cancel)
	return ctx
}

// As answers a client over the same transport with another caller.
func (c *Client) As(caller auth.Caller) *Client {
	return c.suite.client(c.t, c.Transport, caller)
}

// Bearing answers a client over the same transport that shows a token which the suite did
// not make.
func (c *Client) Bearing(token string) *Client {
	bearer := &Client{Transport: c.Transport, Caller: auth.Caller{Token: token}, t: c.t, suite: c.suite}
	if c.Transport == GRPC {
		bearer.Conn = &callerConn{suite: c.suite, caller: bearer.Caller, area: areaOf}
	} else {
		bearer.Conn = REST(c.suite.HTTP, func() string { return token })
	}
	return bearer
}

// Other answers a client over the same transport with the same roles in the other
// tenant.
func (c *Client) Other() *Client { return c.As(c.suite.AsOther(c.Caller.Roles...)) }

// Client answers a client over gRPC.
func (s *Suite) Client(t testing.TB, caller auth.Caller) *Client { return s.client(t, GRPC, caller) }

func (s *Suite) client(t testing.TB, transport string, caller auth.Caller) *Client {
	c := &Client{Caller: caller, Transport: transport, t: t, suite: s}
	if transport == GRPC {
		c.Conn = s.Route(caller)
	} else {
		c.Conn = REST(s.HTTP, func() string {
			if caller.Subject == "" {
				return ""
			}
			return s.Token(caller)
		})
	}
	return c
}

// Both runs a test over gRPC, and over REST where a gateway is among the services,
// as an admin of Tenant. It notes for each demand of the catalogue whether the test
// passed; see Prove.
func Both(t *testing.T, s *Suite, demands []string, test func(t *testing.T, c *Client)) {
	t.Helper()
	transports := []string{GRPC}
	if s.HTTP != "" {
		transports = append(transports, OverREST)
	}
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			Prove(t, transport, demands...)
			test(t, s.client(t, transport, s.As(auth.Admin)))
		})
	}
}

// Eventually waits until the check answers nil: for what the services do after
// they answered. It fails the test after half a minute.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	const patience = 30 * time.Second
	deadline := time.Now().Add(patience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %v", patience, err)
		}
		time.Sleep(pause)
	}
}
