package rpc_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// nearby connects to a server of this process at an address where nobody listens: what
// comes through came without a transport.
func nearby(t testing.TB, r *running, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	known := &rpc.Nearby{}
	known.Add("contact", r.Server)
	return dialNear(t, "127.0.0.1:1", known, more...)
}

func dialNear(t testing.TB, addr string, known *rpc.Nearby, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(addr, rpc.DialOptions{More: more, Near: func() *rpc.Server { return known.Server("contact") }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

type outsideKey struct{}

// What a call carries over a transport it carries without one, and nothing else.
func TestNearby_carriesWhatATransportDoes(t *testing.T) {
	t.Parallel()
	var seen context.Context
	var got *contactv1.CreateContactRequest
	s := serve(t, &contacts{create: func(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
		seen, got = ctx, req
		call.SetPosition(ctx, "contact:7")
		answer := req.GetContact()
		answer.Name = "contacts/1"
		return answer, nil
	}}, &views{}, nil)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	for _, way := range []struct {
		name string
		conn grpc.ClientConnInterface
	}{{"transport", s.dial(t)}, {"nearby", nearby(t, s)}} {
		ctx := trace.ContextWithSpanContext(context.WithValue(as(t, auth.Admin), outsideKey{}, "mine"), span)
		ctx = metadata.AppendToOutgoingContext(call.With(ctx, call.Info{Correlation: "one-order"}), rpc.IdempotencyHeader, "key-1")
		req := &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: 1, DisplayName: "Siti"}}
		var header, trailer metadata.MD
		answer, err := contactv1.NewContactServiceClient(way.conn).CreateContact(ctx, req, grpc.Header(&header), grpc.Trailer(&trailer))
		if err != nil || answer.GetName() != "contacts/1" {
			t.Fatalf("%s: %v, %v", way.name, answer, err)
		}
		if caller := auth.From(seen); caller.Subject != "users/ann" || caller.Tenant != tenant {
			t.Errorf("%s: the caller is %+v", way.name, caller)
		}
		if info := call.From(seen); info.Correlation != "one-order" || info.RequestID != "key-1" || info.Method != contactv1.ContactService_CreateContact_FullMethodName {
			t.Errorf("%s: it carries %+v", way.name, info)
		}
		if method, _ := grpc.Method(seen); method != contactv1.ContactService_CreateContact_FullMethodName {
			t.Errorf("%s: the method is %q", way.name, method)
		}
		if end, ok := seen.Deadline(); !ok || time.Until(end) > deadline {
			t.Errorf("%s: it ends at %s, %v", way.name, end, ok)
		}
		if of := trace.SpanContextFromContext(seen).TraceID(); of != span.TraceID() {
			t.Errorf("%s: the trace is %s", way.name, of)
		}
		if seen.Value(outsideKey{}) != nil {
			t.Errorf("%s: a value of the caller's context came through", way.name)
		}
		if got == req || req.GetContact().GetName() != "" {
			t.Errorf("%s: the server writes into the caller's message", way.name)
		}
		if back := metadata.Join(header, trailer); len(back.Get(call.PositionHeader)) != 1 || back.Get(call.PositionHeader)[0] != "contact:7" {
			t.Errorf("%s: came back with %v and %v", way.name, header, trailer)
		}
		if seen.Err() == nil {
			t.Errorf("%s: the context outlives the call", way.name)
		}
	}
}

// Whatever goes wrong is told as over a transport.
func TestNearby_answersAsATransportDoes(t *testing.T) {
	t.Parallel()
	s := serve(t, &contacts{
		get: func(_ context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
			switch req.GetName() {
			case "contacts/gone":
				return nil, errs.NotFound("contact", req.GetName())
			case "contacts/panic":
				panic("on purpose")
			case "contacts/unmapped":
				return nil, errors.New("the cause is a secret")
			case "contacts/large":
				return &contactv1.Contact{Note: strings.Repeat("x", rpc.MaxResponse)}, nil
			}
			return &contactv1.Contact{Name: req.GetName()}, nil
		},
	}, &views{}, nil)
	far, near := s.dial(t), nearby(t, s)
	for _, test := range []struct {
		what   string
		ctx    context.Context
		method string
		body   []byte
		code   codes.Code
	}{
		{"an answer", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, []byte("\x0a\x0acontacts/x"), codes.OK},
		{"nothing there", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, []byte("\x0a\x0dcontacts/gone"), codes.NotFound},
		{"a panic", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, []byte("\x0a\x0econtacts/panic"), codes.Internal},
		{"an unknown error", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, []byte("\x0a\x11contacts/unmapped"), codes.Internal},
		{"too much to answer", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, []byte("\x0a\x0econtacts/large"), codes.ResourceExhausted},
		{"what cannot be decoded", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, []byte("\x0a\xff"), codes.InvalidArgument},
		{"too much to ask", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, make([]byte, rpc.MaxRequest+1), codes.ResourceExhausted},
		{"a broken rule", as(t, auth.Admin), contactv1.ContactService_GetContact_FullMethodName, nil, codes.InvalidArgument},
		{"not allowed", as(t, auth.Sales), contactv1.ContactService_CreateContact_FullMethodName, nil, codes.PermissionDenied},
		{"nobody", context.Background(), contactv1.ContactService_GetContact_FullMethodName, nil, codes.Unauthenticated},
	} {
		var answers [2]rpc.Frame
		var told [2]error
		for i, conn := range []grpc.ClientConnInterface{far, near} {
			told[i] = conn.Invoke(test.ctx, test.method, &rpc.Frame{Payload: test.body}, &answers[i], grpc.ForceCodecV2(rpc.Codec()))
		}
		if status.Code(told[1]) != test.code {
			t.Errorf("%s: %v, want %s", test.what, told[1], test.code)
		}
		if status.Convert(told[0]).String() != status.Convert(told[1]).String() || len(status.Convert(told[0]).Details()) != len(status.Convert(told[1]).Details()) ||
			errs.Reason(told[0]) != errs.Reason(told[1]) {
			t.Errorf("%s: a transport tells %v, nearby it is %v", test.what, told[0], told[1])
		}
		if string(answers[0].Payload) != string(answers[1].Payload) {
			t.Errorf("%s: a transport answers %q, nearby it is %q", test.what, answers[0].Payload, answers[1].Payload)
		}
	}
}

// A caller that goes away ends the work for it.
func TestNearby_endsWithItsCaller(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}, 2), make(chan error, 2)
	s := serve(t, &contacts{get: func(ctx context.Context, _ *contactv1.GetContactRequest) (*contactv1.Contact, error) {
		began <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, errs.Refused("LEFT", "the caller left")
	}}, &views{}, nil)
	client := contactv1.NewContactServiceClient(nearby(t, s))
	ctx, cancel := context.WithCancel(as(t, auth.Admin))
	go func() {
		<-began
		cancel()
	}()
	if _, err := client.GetContact(ctx, &contactv1.GetContactRequest{Name: "contacts/x"}); status.Code(err) != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if why := <-ended; why != context.Canceled {
		t.Errorf("the server worked on until %v", why)
	}
	ctx, cancel = context.WithTimeout(as(t, auth.Admin), 50*time.Millisecond)
	defer cancel()
	if _, err := client.GetContact(ctx, &contactv1.GetContactRequest{Name: "contacts/x"}); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("out of time: %v", err)
	}
}

// A server that stops lets the calls at work end, cuts off those that do not, and takes
// no more.
func TestNearby_stopsInOrder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		patient time.Duration
		code    codes.Code
	}{{"in time", deadline, codes.OK}, {"too late", 50 * time.Millisecond, codes.FailedPrecondition}} {
		began, release := make(chan struct{}), make(chan struct{})
		s := serve(t, &contacts{get: func(ctx context.Context, req *contactv1.GetContactRequest) (*contactv1.Contact, error) {
			close(began)
			select {
			case <-release:
				return &contactv1.Contact{Name: req.GetName()}, nil
			case <-ctx.Done():
				return nil, errs.Refused("CUT_OFF", "the server stopped")
			}
		}}, &views{}, nil)
		client := contactv1.NewContactServiceClient(nearby(t, s))
		var calling sync.WaitGroup
		calling.Go(func() {
			if _, err := client.GetContact(as(t, auth.Admin), &contactv1.GetContactRequest{Name: "contacts/x"}); status.Code(err) != test.code {
				t.Errorf("%s: %v, want %s", test.name, err, test.code)
			}
		})
		<-began
		ctx, cancel := context.WithTimeout(context.Background(), test.patient)
		stopped := make(chan struct{})
		go func() {
			s.Shutdown(ctx)
			close(stopped)
		}()
		if test.code == codes.OK {
			select {
			case <-stopped:
				t.Errorf("%s: it stopped while a call was at work", test.name)
			case <-time.After(50 * time.Millisecond):
			}
			close(release)
		}
		<-stopped
		calling.Wait()
		cancel()
		late, cancel := context.WithTimeout(as(t, auth.Admin), 300*time.Millisecond)
		if _, err := client.GetContact(late, &contactv1.GetContactRequest{Name: "contacts/x"}); err == nil {
			t.Errorf("%s: a call was taken after the stop", test.name)
		}
		cancel()
	}
}

// What is answered UNAVAILABLE is repeated over the transport, and streams go over it.
func TestNearby_leavesTheRestToTheTransport(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var ids []string
	s := serve(t, &contacts{create: func(ctx context.Context, req *contactv1.CreateContactRequest) (*contactv1.Contact, error) {
		mu.Lock()
		defer mu.Unlock()
		if ids = append(ids, call.From(ctx).RequestID); len(ids) < 3 {
			return nil, errs.Unavailable("STORAGE_UNAVAILABLE", "the storage cannot be reached", 0)
		}
		return req.GetContact(), nil
	}}, &views{watch: func(_ *analyticsv1.WatchCustomerRequest, stream grpc.ServerStreamingServer[analyticsv1.WatchCustomerResponse]) error {
		return stream.Send(&analyticsv1.WatchCustomerResponse{})
	}}, nil)
	known := &rpc.Nearby{}
	conn := dialNear(t, s.addr, known)
	known.Add("contact", s.Server)
	if _, err := contactv1.NewContactServiceClient(conn).CreateContact(as(t, auth.Admin), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: 1}}); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 3 || ids[0] == "" || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("the attempts carry %q: a repetition would be a second contact", ids)
	}
	stream, err := analyticsv1.NewCustomerViewServiceClient(conn).WatchCustomer(as(t, auth.Admin), &analyticsv1.WatchCustomerRequest{Name: "customers/0193f7a2-1111-7000-8000-000000000002"})
	if err == nil {
		_, err = stream.Recv()
	}
	if err != nil {
		t.Error(err)
	}
}

// Calls leave nothing behind. It does not run beside other tests, whose memory would
// count.
func TestNearby_leavesNothingBehind(t *testing.T) {
	s := serve(t, &contacts{}, &views{}, nil)
	client := contactv1.NewContactServiceClient(nearby(t, s))
	ctx := as(t, auth.Admin)
	call := func(times int) {
		for range times {
			if _, err := client.GetContact(ctx, &contactv1.GetContactRequest{Name: "contacts/x"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	live := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapObjects)
	}
	const calls = 3000
	call(calls)
	before := live()
	call(calls)
	if more := live() - before; more > calls/2 {
		t.Errorf("%d objects more after %d calls", more, calls)
	}
}
