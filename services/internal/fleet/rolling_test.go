package fleet_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/stats"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

const (
	// drain is that of production: LINGKAR_DRAIN.
	drain = 3 * time.Second
	// exitLimit is how long a stop may take under load.
	exitLimit = 20 * time.Second
	// settle is how long the load goes on between two steps: a client has found a
	// process that was started again after a second or so.
	settle = 2 * time.Second
)

// Two processes of a service are restarted one after the other, while a client with
// both addresses reads and writes. No call fails, none needs more than one retry,
// each process ends in time, and what was acknowledged is there once (F41).
func TestRolling_noCallFails(t *testing.T) {
	s := testkit.Start(t, contact.Definition)
	replicas := []*testkit.Replica{s.Replica(t, contact.Definition, drain), s.Replica(t, contact.Definition, drain)}
	if err := s.Services["contact"].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := &load{client: contactv1.NewContactServiceClient(dialAll(t, replicas)), suite: s, caller: s.As(auth.Admin)}
	l.caller.Token = s.Token(l.caller)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var working errgroup.Group
	for range 3 {
		working.Go(func() error { return l.work(ctx) })
	}
	for _, r := range replicas {
		time.Sleep(settle)
		if took := r.Stop(t); took > exitLimit {
			t.Errorf("a process took %v to end", took)
		}
		time.Sleep(settle)
		r.Start(t)
	}
	time.Sleep(settle)
	cancel()
	if err := working.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := l.most.Load(); n > 2 {
		t.Errorf("a call was made %d times", n)
	}
	t.Logf("%d writes, %d reads, %d calls were made again", len(l.made), l.reads.Load(), l.repeated.Load())
	if len(l.made) < 100 {
		t.Errorf("only %d writes were made", len(l.made))
	}
	l.check(t, replicas[0])
}

// dialAll answers a connection as services make it, to all replicas.
func dialAll(t *testing.T, replicas []*testkit.Replica) *grpc.ClientConn {
	t.Helper()
	known := manual.NewBuilderWithScheme("replicas")
	var state resolver.State
	for _, r := range replicas {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: r.Addr}}})
	}
	known.InitialState(state)
	conn, err := rpc.Dial("replicas:///contact", rpc.DialOptions{More: []grpc.DialOption{grpc.WithResolvers(known), grpc.WithStatsHandler(counting{})}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// load is reads and writes, one after the other in each of its loops.
type load struct {
	client   contactv1.ContactServiceClient
	suite    *testkit.Suite
	caller   auth.Caller
	reads    atomic.Int64
	most     atomic.Int64 // the most attempts of a call
	repeated atomic.Int64 // the calls with more than one

	mu   sync.Mutex
	made []string
}

func (l *load) work(ctx context.Context) error {
	for ctx.Err() == nil {
		// A call that was begun is finished: what it did must be known.
		var made *contactv1.Contact
		err := l.count(func(ctx context.Context) (err error) {
			made, err = l.client.CreateContact(ctx, &contactv1.CreateContactRequest{
				Contact:   &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Rina"},
				RequestId: uuid.NewString(),
			})
			return err
		})
		if err != nil {
			return fmt.Errorf("after %d writes: %w", len(l.names()), err)
		}
		l.mu.Lock()
		l.made = append(l.made, made.GetName())
		l.mu.Unlock()
		err = l.count(func(ctx context.Context) error {
			_, err := l.client.GetContact(ctx, &contactv1.GetContactRequest{Name: made.GetName()})
			return err
		})
		if err != nil {
			return fmt.Errorf("after %d reads: %w", l.reads.Load(), err)
		}
		l.reads.Add(1)
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

func (l *load) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.made)
}

// count makes a call and notes its attempts.
func (l *load) count(do func(context.Context) error) error {
	attempts := new(atomic.Int64)
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), attemptsKey{}, attempts), 10*time.Second)
	defer cancel()
	err := do(auth.With(ctx, l.caller))
	n := attempts.Load()
	if n > 1 {
		l.repeated.Add(1)
	}
	for most := l.most.Load(); n > most && !l.most.CompareAndSwap(most, n); most = l.most.Load() {
	}
	return err
}

// check expects each acknowledged contact once, in the list and in the log, all
// events relayed, and nothing for another tenant.
func (l *load) check(t *testing.T, r *testkit.Replica) {
	t.Helper()
	want, listed := l.names(), l.list(t, l.caller)
	slices.Sort(want)
	slices.Sort(listed)
	if !slices.Equal(want, listed) {
		t.Errorf("%d contacts were acknowledged, and %d are there", len(want), len(listed))
	}
	var events, aggregates int
	const count = "SELECT count(*), count(DISTINCT aggregate) FROM event_log WHERE type = 'lingkar.contact.v1.ContactCreated'"
	if err := r.Running.Runtime.DB.System.QueryRow(t.Context(), count).Scan(&events, &aggregates); err != nil {
		t.Fatal(err)
	}
	if events != len(want) || aggregates != len(want) {
		t.Errorf("%d contacts were acknowledged, and the log has %d events of %d", len(want), events, aggregates)
	}
	testkit.Eventually(t, func() error {
		var left int
		err := r.Running.Runtime.DB.System.QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&left)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d events are not relayed", left)
		}
		return err
	})
	other := l.suite.AsOther(auth.Admin)
	other.Token = l.suite.Token(other)
	if seen := l.list(t, other); len(seen) > 0 {
		t.Errorf("another tenant sees %d contacts", len(seen))
	}
}

func (l *load) list(t *testing.T, caller auth.Caller) []string {
	t.Helper()
	var names []string
	for token := ""; ; {
		page, err := l.client.ListContacts(auth.With(t.Context(), caller), &contactv1.ListContactsRequest{PageSize: 1000, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.GetContacts() {
			names = append(names, c.GetName())
		}
		if token = page.GetNextPageToken(); token == "" {
			return names
		}
	}
}

type attemptsKey struct{}

// counting counts the attempts of each call whose context asks for it. Those that
// never left the client are no retry: no server has seen them.
type counting struct{}

func (counting) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (counting) HandleRPC(ctx context.Context, s stats.RPCStats) {
	begin, ok := s.(*stats.Begin)
	if !ok || begin.IsTransparentRetryAttempt {
		return
	}
	if n, ok := ctx.Value(attemptsKey{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}
func (counting) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (counting) HandleConn(context.Context, stats.ConnStats)                       {}
