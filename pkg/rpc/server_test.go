package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const getContact = contactv1.ContactService_GetContact_FullMethodName

func expect(t *testing.T, what string, err error, code codes.Code, reason string) {
	t.Helper()
	if errs.Code(err) != code || errs.Reason(err) != reason {
		t.Errorf("%s: got %v %q, want %v %q (%v)", what, errs.Code(err), errs.Reason(err), code, reason, err)
	}
}

func TestOrder_authoriseBeforeValidate(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{}, &views{}, nil)
	conn := s.dial(t)
	raw := func(ctx context.Context, method string, b []byte) error {
		return conn.Invoke(ctx, method, &rpc.Frame{Payload: b}, &rpc.Frame{}, grpc.ForceCodecV2(rpc.Codec()))
	}
	bad := []byte{0x0a, 0xff}
	nobody, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	expect(t, "no token", raw(nobody, getContact, bad), codes.Unauthenticated, "TOKEN_MISSING")
	expect(t, "another scheme", raw(metadata.AppendToOutgoingContext(nobody, "authorization", "Basic x"), getContact, bad), codes.Unauthenticated, "TOKEN_MISSING")
	expect(t, "a bad token", raw(metadata.AppendToOutgoingContext(nobody, "authorization", "Bearer x"), getContact, bad), codes.Unauthenticated, "TOKEN_INVALID")
	expect(t, "two tokens", raw(metadata.AppendToOutgoingContext(nobody, "authorization", "Bearer x", "authorization", "Bearer y"), getContact, bad), codes.Unauthenticated, "TOKEN_INVALID")
	expect(t, "without the role", raw(as(t, auth.Agent), getContact, bad), codes.PermissionDenied, "RPC_NOT_ALLOWED")
	expect(t, "with the role", raw(as(t, auth.Sales), getContact, bad), codes.InvalidArgument, "MALFORMED_MESSAGE")
	expect(t, "an unknown method, no token", raw(nobody, "/lingkar.contact.v1.ContactService/Nope", nil), codes.Unauthenticated, "TOKEN_MISSING")
	expect(t, "an unknown method", raw(as(t, auth.Sales), "/lingkar.contact.v1.ContactService/Nope", nil), codes.Unimplemented, "METHOD_UNKNOWN")
	expect(t, "a method nobody wrote", raw(as(t, auth.Admin), contactv1.ContactService_DeleteContact_FullMethodName, []byte("\x0a\x01x")), codes.Unimplemented, "METHOD_UNKNOWN")
}

func TestScopeAndCaller(t *testing.T) {
	t.Parallel()
	var got auth.Caller
	var scope auth.Scope
	s := serve(t, &contacts{get: func(ctx context.Context, _ *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		got, scope = auth.From(ctx), auth.ScopeFrom(ctx)
		return &contactv1.Contact{}, nil
	}}, &views{}, nil)
	_, err := contactv1.NewContactServiceClient(s.dial(t)).GetContact(as(t, auth.Sales), &contactv1.GetContactRequest{Name: "contacts/x"})
	if err != nil || got.Tenant != tenant || got.Subject != "users/ann" || scope != auth.Own {
		t.Errorf("got %+v with the scope %v, %v", got, scope, err)
	}
}

// These count for the whole process, so they are one test that runs alone.
func TestSurprisesAreCountedAndNotTold(t *testing.T) {
	secret := errors.New("pq: password of 10.0.0.7 is hunter2")
	var fail func() error
	s := serve(t, &contacts{get: func(context.Context, *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		return nil, fail()
	}}, &views{}, nil)
	client := contactv1.NewContactServiceClient(s.dial(t))
	for _, c := range []struct {
		name             string
		fail             func() error
		code             codes.Code
		reason           string
		unmapped, panics int64
	}{
		{"unknown", func() error { return secret }, codes.Internal, "INTERNAL", 1, 0},
		{"panic", func() error { panic(secret) }, codes.Internal, "INTERNAL", 1, 1},
		{"status without a reason", func() error { return status.Error(codes.Internal, secret.Error()) }, codes.Internal, "INTERNAL", 1, 0},
		{"internal on purpose", func() error { return errs.Internal(secret) }, codes.Internal, "INTERNAL", 0, 0},
		{"mapped", func() error { return errs.Refused("CLOSED", "it is closed").Wrap(secret) }, codes.FailedPrecondition, "CLOSED", 0, 0},
		{"another hop", func() error { return errs.Refused("CLOSED", "it is closed").GRPCStatus().Err() }, codes.FailedPrecondition, "CLOSED", 0, 0},
	} {
		fail = c.fail
		unmapped, panics := rpc.UnmappedErrors(), rpc.Panics()
		_, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"})
		expect(t, c.name, err, c.code, c.reason)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the caller is told %v", c.name, err)
		}
		if rpc.UnmappedErrors()-unmapped != c.unmapped || rpc.Panics()-panics != c.panics {
			t.Errorf("%s: counted %d and %d", c.name, rpc.UnmappedErrors()-unmapped, rpc.Panics()-panics)
		}
	}
	for _, want := range []string{`lingkar_rpc_unmapped_total{`, `lingkar_rpc_panics_total{`} {
		_, line, found := strings.Cut(s.metrics(), want)
		if line, _, _ = strings.Cut(line, "\n"); !found || strings.HasSuffix(line, " 0") {
			t.Errorf("the metric %s…%s", want, line)
		}
	}
	if logs := s.logs.String(); strings.Count(logs, "hunter2") < 4 || !strings.Contains(logs, "server_test.go") {
		t.Errorf("the log lacks the causes or the stack:\n%s", logs)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	var left time.Duration
	s := serve(t, &contacts{get: func(ctx context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		end, _ := ctx.Deadline()
		left = time.Until(end)
		if req.GetName() == "contacts/slow" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &contactv1.Contact{}, nil
	}}, &views{}, nil)
	plain, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(insecureCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	token := "Bearer " + auth.From(as(t, auth.Admin)).Token
	ask := func(ctx context.Context, name string) error {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", token)
		return plain.Invoke(ctx, getContact, &contactv1.GetContactRequest{Name: name}, &contactv1.Contact{})
	}
	if err := ask(context.Background(), "contacts/x"); err != nil || left > 5*time.Second || left < time.Second {
		t.Errorf("without a deadline: %v left, %v", left, err)
	}
	long, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := ask(long, "contacts/x"); err != nil || left > 30*time.Second || left < 10*time.Second {
		t.Errorf("with an hour: %v left, %v", left, err)
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	expect(t, "when it passes", ask(short, "contacts/slow"), codes.DeadlineExceeded, "DEADLINE_EXCEEDED")
}

func TestInfo(t *testing.T) {
	t.Parallel()
	var got call.Info
	s := serve(t, &contacts{create: func(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
		got = call.From(ctx)
		call.SetPosition(ctx, "contact:3:17")
		return req.GetContact(), nil
	}}, &views{}, nil)
	client := contactv1.NewContactServiceClient(s.dial(t))
	ask := func(id, name string, pairs ...string) call.Info {
		t.Helper()
		var header metadata.MD
		_, err := client.CreateContact(metadata.AppendToOutgoingContext(as(t, auth.Admin), pairs...), &contactv1.CreateContactRequest{
			Contact:   &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: name, Labels: map[string]string{"a": "1", "b": "2", "c": "3"}},
			RequestId: id, ValidateOnly: name == "dry",
		}, grpc.Header(&header))
		if err != nil {
			t.Fatal(err)
		}
		if p := header.Get(call.PositionHeader); len(p) != 1 || p[0] != "contact:3:17" {
			t.Errorf("the position header is %v", p)
		}
		return got
	}
	first := ask("one", "Ann", call.CorrelationHeader, "trip-7", call.CausationHeader, "cause-1", call.MinPositionHeader, "sales:1:2")
	if first.Method != contactv1.ContactService_CreateContact_FullMethodName || first.RequestID != "one" || first.Correlation != "trip-7" ||
		first.Causation != "cause-1" || first.MinPosition != "sales:1:2" || first.ValidateOnly {
		t.Errorf("got %+v", first)
	}
	for name, c := range map[string]struct {
		info call.Info
		same bool
	}{
		"again":           {ask("one", "Ann"), true},
		"another id":      {ask("two", "Ann"), true},
		"another request": {ask("one", "Bob"), false},
		"by header":       {ask("", "Ann", rpc.IdempotencyHeader, "one"), true},
	} {
		if (c.info.Hash == first.Hash) != c.same {
			t.Errorf("%s: the hash is the same: %v, want %v", name, !c.same, c.same)
		}
	}
	if header := ask("", "Ann", rpc.IdempotencyHeader, "k-1"); header.RequestID != "k-1" {
		t.Errorf("the header gives the id %q", header.RequestID)
	}
	if both := ask("field", "Ann", rpc.IdempotencyHeader, "header"); both.RequestID != "field" {
		t.Errorf("with both the id is %q", both.RequestID)
	}
	if dry := ask("", "dry"); !dry.ValidateOnly {
		t.Error("validate_only is lost")
	}
	if forged := ask("", "Ann", call.CorrelationHeader, "a b"); uuid.Validate(forged.Correlation) != nil {
		t.Errorf("a correlation with a space became %q", forged.Correlation)
	}
	_, err := client.CreateContact(metadata.AppendToOutgoingContext(as(t, auth.Admin), rpc.IdempotencyHeader, strings.Repeat("x", 256)),
		&contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON}})
	expect(t, "a key of 256 characters", err, codes.InvalidArgument, "FIELD_INVALID")
}

func TestOverload(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, &contacts{get: func(_ context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		if req.GetName() == "contacts/slow" {
			close(entered)
			<-release
		}
		return &contactv1.Contact{}, nil
	}}, &views{}, func(o *rpc.Options) { o.Places = 1 })
	conn := s.dial(t)
	client := contactv1.NewContactServiceClient(conn)
	slow := make(chan error, 1)
	go func() {
		_, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/slow"})
		slow <- err
	}()
	<-entered
	began := time.Now()
	_, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"})
	expect(t, "while one is at work", err, codes.ResourceExhausted, "OVERLOADED")
	if waited := time.Since(began); waited < 90*time.Millisecond {
		t.Errorf("it waited only %v for its turn", waited)
	}
	if _, err := grpc_health_v1.NewHealthClient(conn).Check(as(t), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Errorf("health under load: %v", err)
	}
	testkit.Eventually(t, func() error { // a call is counted after its answer has left
		if m := s.metrics(); !strings.Contains(m, "lingkar_rpc_overloads_total") || !strings.Contains(m, "rpc_server") {
			return fmt.Errorf("the metrics lack the overload or the calls:\n%s", m)
		}
		return nil
	})
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
	if _, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"}); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	down := make(chan error, 1)
	var why error
	s := serve(t, &contacts{}, &views{}, func(o *rpc.Options) {
		o.Ready = func(context.Context) error {
			select {
			case why = <-down:
			default:
			}
			return why
		}
	})
	check := func(service string) grpc_health_v1.HealthCheckResponse_ServingStatus {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		resp, err := grpc_health_v1.NewHealthClient(s.dial(t)).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetStatus()
	}
	const up, away = grpc_health_v1.HealthCheckResponse_SERVING, grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if check("") != up || check(rpc.Readiness) != up {
		t.Error("a server that serves does not say so")
	}
	down <- errors.New("no database")
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() { s.WatchReadiness(ctx); close(watched) }()
	for check(rpc.Readiness) != away {
		time.Sleep(5 * time.Millisecond)
	}
	if check("") != up {
		t.Error("a service whose database is away takes no calls")
	}
	cancel()
	<-watched
	s.SetServing(false)
	if err := s.CheckReady(context.Background()); err == nil {
		t.Error("a server that stops is ready")
	}
}

// A stop lets the call at work end, and does not wait for clients that merely watch
// the health of the server.
func TestShutdown(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, &contacts{get: func(context.Context, *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		close(entered)
		<-release
		return &contactv1.Contact{DisplayName: "whole"}, nil
	}}, &views{}, nil)
	client := contactv1.NewContactServiceClient(s.dial(t))
	answered := make(chan error, 1)
	go func() {
		got, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"})
		if err == nil && got.GetDisplayName() != "whole" {
			err = errors.New("half an answer")
		}
		answered <- err
	}()
	<-entered
	stopped := make(chan struct{})
	go func() {
		s.Shutdown(context.Background())
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("it did not wait for the call")
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the call at work got %v", err)
	}
	select {
	case <-stopped:
	case <-time.After(deadline):
		t.Error("it waits for a client that only watches")
	}
}

func TestShutdown_cutsOff(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	s := serve(t, &contacts{get: func(ctx context.Context, _ *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}}, &views{}, nil)
	client := contactv1.NewContactServiceClient(s.dial(t))
	answered := make(chan error, 1)
	go func() {
		_, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"})
		answered <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	s.Shutdown(ctx)
	if err := <-answered; err == nil {
		t.Error("the call was answered")
	}
}

func TestCheckPolicy(t *testing.T) {
	t.Parallel()
	full := policy()
	delete(full, getContact)
	full["/lingkar.contact.v1.ContactService/GetContakt"] = auth.Allow(auth.All, auth.Admin)
	s := rpc.NewServer(rpc.Options{Policy: full})
	contactv1.RegisterContactServiceServer(s, &contacts{})
	err := s.CheckPolicy()
	if err == nil || !strings.Contains(err.Error(), getContact+" has no entry") || !strings.Contains(err.Error(), "GetContakt has an entry and is not served") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "grpc.") {
		t.Errorf("health needs an entry: %v", err)
	}
}

func TestUnknownIsPassedOn(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{}, &views{}, func(o *rpc.Options) {
		o.Unknown = func(_ any, stream grpc.ServerStream) error {
			var f rpc.Frame
			if err := stream.RecvMsg(&f); err != nil {
				return err
			}
			f.Payload = append(f.Payload, auth.From(stream.Context()).Subject...)
			return stream.SendMsg(&f)
		}
	})
	conn := s.dial(t)
	var got rpc.Frame
	err := conn.Invoke(as(t, auth.Agent), "/elsewhere.Service/Do", &rpc.Frame{Payload: []byte("hi ")}, &got, grpc.ForceCodecV2(rpc.Codec()))
	if err != nil || string(got.Payload) != "hi users/ann" {
		t.Errorf("got %q, %v", got.Payload, err)
	}
	expect(t, "without a token", conn.Invoke(context.Background(), "/elsewhere.Service/Do", &emptypb.Empty{}, &emptypb.Empty{}), codes.Unauthenticated, "TOKEN_MISSING")
}
