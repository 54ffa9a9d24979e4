package rpc_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

var (
	tenant   = uuid.MustParse("0193f7a2-1111-7000-8000-000000000001")
	issuer   = auth.NewIssuer(ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef")))
	deadline = 10 * time.Second
)

// contacts is a contact service of which a test says what each method does.
type contacts struct {
	contactv1.UnimplementedContactServiceServer
	get    func(context.Context, *contactv1.GetContactRequest) (*contactv1.Contact, error)
	list   func(context.Context, *contactv1.ListContactsRequest) (*contactv1.ListContactsResponse, error)
	create func(context.Context, *contactv1.CreateContactRequest) (*contactv1.Contact, error)
}

func (s *contacts) GetContact(ctx context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
	if s.get == nil {
		return &contactv1.Contact{Name: req.GetName()}, nil
	}
	return s.get(ctx, req)
}

func (s *contacts) ListContacts(ctx context.Context, req *contactv1.ListContactsRequest) (*contactv1.ListContactsResponse, error) {
	return s.list(ctx, req)
}

func (s *contacts) CreateContact(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
	if s.create == nil {
		return req.GetContact(), nil
	}
	return s.create(ctx, req)
}

// views is a view service with one stream.
type views struct {
	analyticsv1.UnimplementedCustomerViewServiceServer
	watch func(*analyticsv1.WatchCustomerRequest, grpc.ServerStreamingServer[analyticsv1.WatchCustomerResponse]) error
}

func (v *views) WatchCustomer(req *analyticsv1.WatchCustomerRequest, stream grpc.ServerStreamingServer[analyticsv1.WatchCustomerResponse]) error {
	return v.watch(req, stream)
}

// policy lets admins do everything and salespeople read.
func policy() auth.Policy {
	p := auth.Policy{}
	for _, d := range []grpc.ServiceDesc{contactv1.ContactService_ServiceDesc, analyticsv1.CustomerViewService_ServiceDesc} {
		for _, m := range d.Methods {
			p["/"+d.ServiceName+"/"+m.MethodName] = auth.Allow(auth.All, auth.Admin)
		}
		for _, s := range d.Streams {
			p["/"+d.ServiceName+"/"+s.StreamName] = auth.Allow(auth.All, auth.Admin)
		}
	}
	p[contactv1.ContactService_GetContact_FullMethodName] = auth.Allow(auth.All, auth.Admin).And(auth.Allow(auth.Own, auth.Sales))
	return p
}

// logBuffer keeps what a server logs.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a server under test.
type running struct {
	*rpc.Server
	addr string
	logs *logBuffer
	tel  *telemetry.Telemetry
}

// metrics is what Prometheus would read.
func (r *running) metrics() string {
	rec := httptest.NewRecorder()
	r.tel.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return rec.Body.String()
}

// serve serves both services until the test ends.
func serve(t testing.TB, c *contacts, v *views, change func(*rpc.Options)) *running {
	t.Helper()
	verifier, err := auth.NewVerifier(issuer.Trusted())
	if err != nil {
		t.Fatal(err)
	}
	logs := &logBuffer{}
	tel, err := telemetry.Start(context.Background(), telemetry.Options{Service: "test", Level: slog.LevelDebug, Logs: logs})
	if err != nil {
		t.Fatal(err)
	}
	o := rpc.Options{Policy: policy(), Authenticate: verifier.Verify, Telemetry: tel}
	if change != nil {
		change(&o)
	}
	s := rpc.NewServer(o)
	contactv1.RegisterContactServiceServer(s, c)
	analyticsv1.RegisterCustomerViewServiceServer(s, v)
	if err := s.CheckPolicy(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	s.SetServing(true)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		s.Shutdown(ctx)
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) { // it may stop before it began
			t.Error(err)
		}
	})
	return &running{Server: s, addr: l.Addr().String(), logs: logs, tel: tel}
}

// dial connects to the server.
func (r *running) dial(t testing.TB, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(r.addr, rpc.DialOptions{More: more})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// as answers a context in which a user with the roles is calling.
func as(t testing.TB, roles ...auth.Role) context.Context {
	t.Helper()
	c := auth.Caller{Tenant: tenant, Subject: "users/ann", Roles: roles}
	var err error
	if c.Token, err = issuer.Mint(c, time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(auth.With(context.Background(), c), deadline)
	t.Cleanup(cancel)
	return ctx
}
