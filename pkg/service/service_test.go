package service_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

func expect(t *testing.T, what string, err error, code codes.Code, reason string) {
	t.Helper()
	if errs.Code(err) != code || errs.Reason(err) != reason {
		t.Errorf("%s: got %v, want %v %s", what, err, code, reason)
	}
}

func newLead(name string) *salesv1.CreateLeadRequest {
	return &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{Contact: "contacts/" + uuid.NewString(), DisplayName: name}}
}

// The whole way: a call, its event, the relay, the broker, the projection.
func TestStart_writesAndProjects(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, sample(nil))
	client := salesv1.NewLeadServiceClient(s.Conn("sales", s.As(auth.Admin)))
	lead, err := client.CreateLead(t.Context(), newLead("Ann asks for a bicycle"))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		got, err := client.GetLead(t.Context(), &salesv1.GetLeadRequest{Name: lead.GetName()})
		if err == nil && got.GetDisplayName() != "Ann asks for a bicycle" {
			return errors.New("the name is " + got.GetDisplayName())
		}
		return err
	})
	_, err = salesv1.NewLeadServiceClient(s.Conn("sales", s.AsOther(auth.Admin))).GetLead(t.Context(), &salesv1.GetLeadRequest{Name: lead.GetName()})
	expect(t, "the other tenant", err, codes.NotFound, "LEAD_NOT_FOUND")

	// The log is there without the service having registered it, for services.
	heads := func(c auth.Caller) (int64, error) {
		answer, err := eventlog.NewSource("sales", s.Conn("sales", c)).GetLogHeads(t.Context(), &eventv1.GetLogHeadsRequest{})
		var sum int64
		for _, h := range answer.GetHeads() {
			sum += h.GetPosition()
		}
		return sum, err
	}
	if n, err := heads(s.AsService("analytics")); err != nil || n != 1 {
		t.Errorf("the log has %d events, %v", n, err)
	}
	_, err = heads(s.As(auth.Admin))
	expect(t, "the log as an admin", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
}

func TestRuntime_callsOthers(t *testing.T) {
	t.Parallel()
	var rt *service.Runtime
	s := testkit.Start(t, sample(func(built *service.Runtime) { rt = built }))
	ask := func(ctx context.Context, area string) error {
		_, err := contactv1.NewKeyServiceClient(rt.Dial(area)).FetchKeys(ctx, &contactv1.FetchKeysRequest{Contacts: []string{"contacts/x"}})
		return err
	}
	own, err := rt.AsService(t.Context(), s.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	if c := auth.From(own); c.Subject != "services/sales-force-automation" || c.Tenant != s.Tenant || !c.Has(auth.Service) {
		t.Errorf("as itself it is %+v", c)
	}
	if err := ask(own, "contact"); err != nil {
		t.Error(err)
	}
	again, err := rt.AsService(t.Context(), s.Tenant)
	if err != nil || auth.From(again).Token != auth.From(own).Token {
		t.Errorf("the token is minted again: %v", err)
	}
	other, err := rt.AsService(t.Context(), s.Other)
	if err != nil || auth.From(other).Tenant != s.Other || auth.From(other).Token == auth.From(own).Token {
		t.Errorf("the other tenant shares the token: %v", err)
	}
	user := s.As(auth.Admin)
	user.Token = s.Token(user)
	expect(t, "as a user", ask(auth.With(t.Context(), user), "contact"), codes.PermissionDenied, "RPC_NOT_ALLOWED")
	expect(t, "as nobody", ask(t.Context(), "contact"), codes.Unauthenticated, "TOKEN_MISSING")
	expect(t, "an unknown area", ask(own, "nowhere"), codes.Unavailable, "SERVICE_UNAVAILABLE")
}

func TestKeys_manyAtOnce(t *testing.T) {
	t.Parallel()
	var rt *service.Runtime
	s := testkit.Start(t, sample(func(built *service.Runtime) { rt = built }))
	contacts := make([]uuid.UUID, 2500)
	for i := range contacts {
		contacts[i] = uuid.New()
	}
	if err := rt.Keys.Fetch(t.Context(), s.Tenant, contacts...); err != nil {
		t.Fatal(err)
	}
	for _, c := range contacts {
		if key, ok := rt.Keys.Cached(s.Tenant, c); !ok || key.Destroyed() {
			t.Fatalf("no key for %s", c)
		}
	}
	if _, ok := rt.Keys.Cached(s.Other, contacts[0]); ok {
		t.Error("the other tenant shares the key")
	}
}

func TestStart_furtherDatabases(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, further())
	rt := s.Services["sales"].Runtime
	var word string
	var used bool
	if err := rt.Databases["vault"].App.QueryRow(t.Context(), "SELECT word FROM vault").Scan(&word); err != nil || word != string(rt.Secrets["vault_word"]) {
		t.Errorf("the further database holds %q, %v", word, err)
	}
	if err := rt.DB.System.QueryRow(t.Context(), "SELECT to_regclass('used') IS NOT NULL").Scan(&used); err != nil || !used {
		t.Errorf("the tables of a package that it uses are there: %v, %v", used, err)
	}
}

func TestGo_runsAgain(t *testing.T) {
	t.Parallel()
	var failed, panicked atomic.Int64
	testkit.Start(t, sample(func(rt *service.Runtime) {
		rt.Go("fails", func(context.Context) error { failed.Add(1); return errors.New("for the test") })
		rt.Go("panics", func(ctx context.Context) error {
			if panicked.Add(1) < 3 {
				panic("for the test")
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}))
	testkit.Eventually(t, func() error {
		if failed.Load() < 3 || panicked.Load() < 3 {
			return errors.New("the loops did not run three times")
		}
		return nil
	})
}

// environment is one for Start itself.
func environment(t *testing.T, d service.Definition) service.Environment {
	t.Helper()
	s := testkit.Start(t) // no service: its broker and issuer
	urls := testkit.Database(t, d.Area, func(ctx context.Context, ownerURL string) error { return nil })
	listener := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	return service.Environment{
		Listener: listener(), AdminListener: listener(), AppURL: urls.App, SystemURL: urls.System, OwnerURL: urls.Owner,
		NATS: s.NATS, Issuer: s.Issuer, Verifier: s.Verifier, Targets: s.Targets, PageKey: []byte("sixteen bytes or more"),
	}
}

func TestStart_refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*service.Definition, *service.Environment)
		want  string
	}{
		"an RPC without a policy": {func(d *service.Definition, _ *service.Environment) {
			delete(d.Policy, salesv1.LeadService_GetLead_FullMethodName)
		}, "GetLead has no entry"},
		"no broker": {func(_ *service.Definition, e *service.Environment) { e.NATS = nil }, "lacks"},
		"a Build that fails": {func(d *service.Definition, _ *service.Environment) {
			d.Build = func(*service.Runtime) error { return errors.New("for the test") }
		}, "for the test"},
		"keys that fail": {func(d *service.Definition, _ *service.Environment) {
			d.Keys = func(context.Context, *service.Runtime) (eventlog.Keys, error) { return nil, errors.New("for the test") }
		}, "for the test"},
		"no further database": {func(d *service.Definition, _ *service.Environment) { d.Databases = further().Databases }, `lacks the database "vault"`},
		"HTTP without a handler": {func(_ *service.Definition, e *service.Environment) {
			e.HTTPListener, e.AdminListener = e.AdminListener, nil
		}, "nothing to serve"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sample(nil)
			env := environment(t, d)
			addr := env.Listener.Addr().String()
			c.spoil(&d, &env)
			running, err := service.Start(t.Context(), d, env)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, %v", running, err)
			}
			if conn, err := net.Dial("tcp", addr); err == nil {
				conn.Close()
				t.Error("the listener is still open")
			}
		})
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Stop tells callers, ends the consumers, lets the calls at work end and refuses
// new ones.
func TestStop(t *testing.T) {
	t.Parallel()
	entered, consumed := make(chan struct{}), make(chan struct{})
	var answered atomic.Bool
	d := sample(func(rt *service.Runtime) {
		rt.Go("consumer", func(ctx context.Context) error {
			<-ctx.Done()
			if answered.Load() {
				t.Error("the call ended before the consumer was told")
			}
			close(consumed)
			return ctx.Err()
		})
		rt.HandleHTTP(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			close(entered)
			<-consumed
			answered.Store(true)
			_, _ = w.Write([]byte("whole"))
		}))
	})
	env := environment(t, d)
	var err error
	if env.HTTPListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	env.Drain = 300 * time.Millisecond
	running, err := service.Start(t.Context(), d, env)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/livez": "ok", "/readyz": "ok", "/metrics": "", "/debug/pprof/": "goroutine"} {
		if code, body := get(t, "http://"+running.Admin+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d %.100q", path, code, body)
		}
	}
	slow := make(chan string, 1)
	go func() {
		_, body := get(t, "http://"+running.HTTP)
		slow <- body
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- running.Stop(context.Background()) }()
	testkit.Eventually(t, func() error {
		if code, _ := get(t, "http://"+running.Admin+"/readyz"); code != http.StatusServiceUnavailable {
			return errors.New("it is still ready")
		}
		return nil
	})
	if code, _ := get(t, "http://"+running.Admin+"/livez"); code != http.StatusOK {
		t.Error("it says it is dead while it stops")
	}
	if body := <-slow; body != "whole" {
		t.Errorf("the request at work got %q", body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	for _, addr := range []string{running.Addr, running.HTTP, running.Admin} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s is still open", addr)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// An event stream has no end of its own, and must not hold up the stop.
func TestStop_endsEventStreams(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	d := sample(func(rt *service.Runtime) {
		rt.HandleHTTP(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			close(entered)
			<-req.Context().Done()
		}))
	})
	env := environment(t, d)
	var err error
	if env.HTTPListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	running, err := service.Start(t.Context(), d, env)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := http.Get("http://" + running.HTTP); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	began := time.Now()
	if err := running.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("the stop took %v", took)
	}
	<-ended
	http.DefaultClient.CloseIdleConnections()
}
