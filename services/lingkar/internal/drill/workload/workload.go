// Package workload is the callers of a drill: each works on customers of its own,
// by a seeded mix of what the suite is for, over gRPC or REST, and keeps a ledger.
//
// A call that nobody knows the outcome of is made again under the same request id
// until it is known. Each caller does one thing at a time, and leaves alone what a
// call in doubt is about: so its own calls to one resource have an order.
package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

const (
	// deadline is that of every call.
	deadline = 4 * time.Second
	// attempts is how often a call in doubt is repeated at once; later it is
	// repeated between others.
	attempts = 2
)

// Options say who calls.
type Options struct {
	Seed    uint64
	Clients int
	// Pause is the mean pause of a client between two operations.
	Pause   time.Duration
	Tenants []Tenant
	Ledger  *ledger.Ledger
}

// Load is callers at work.
type Load struct {
	clients []*client
	doors   []Doors
	ledger  *ledger.Ledger
	// holdings are what visitors of portals have.
	holdings holdings
	wg       sync.WaitGroup
	cancel   context.CancelFunc

	mu      sync.Mutex
	broken  []string // what a caller saw that must not be
	failed  error
	longest atomic.Int64
}

// Start makes what all callers need and sets them to work.
func Start(ctx context.Context, c *cluster.Cluster, o Options) (*Load, error) {
	l := &Load{ledger: o.Ledger}
	campaigns := make([]string, len(o.Tenants))
	for i, t := range o.Tenants {
		d, err := Open(c, t)
		if err != nil {
			return nil, err
		}
		l.doors = append(l.doors, d)
		if campaigns[i], err = launch(ctx, d); err != nil {
			return nil, fmt.Errorf("prepare the workload: %w", err)
		}
	}
	for n := range o.Clients {
		tenant := n % len(o.Tenants)
		l.clients = append(l.clients, &client{
			load: l, number: n, tenant: tenant, doors: l.doors[tenant], campaign: campaigns[tenant], pause: o.Pause,
			random: rand.New(rand.NewPCG(o.Seed, uint64(1000+n))), prefix: fmt.Sprintf("d%016x-%02d", o.Seed, n),
		})
	}
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.cancel = cancel
	for _, cl := range l.clients {
		l.wg.Go(func() { cl.work(working) })
	}
	return l, nil
}

// Stop lets the callers finish what they are at, then resolves what is in doubt for
// at most so long. It answers how many operations nobody knows the outcome of even
// so.
func (l *Load) Stop(ctx context.Context, limit time.Duration) (unresolved int, err error) {
	l.cancel()
	l.wg.Wait()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var left atomic.Int64
	var resolving sync.WaitGroup
	for _, cl := range l.clients {
		resolving.Go(func() { left.Add(int64(cl.resolve(ctx))) })
	}
	resolving.Wait()
	return int(left.Load()), l.failed
}

// Halt ends the callers without resolving anything; Stop need not have been
// called.
func (l *Load) Halt() {
	l.cancel()
	l.wg.Wait()
}

// Close closes the doors.
func (l *Load) Close() {
	for _, d := range l.doors {
		_ = d.GRPC.Close() // it only fails when closed already
	}
}

// Doors answers those of a tenant, by its number.
func (l *Load) Doors(tenant int) Doors { return l.doors[tenant] }

// Broken answers what callers saw that must not be, such as a read that did not
// show their own write.
func (l *Load) Broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.broken...)
}

// Families answers the pairs of contacts that callers merged, took apart and erased.
func (l *Load) Families() []*Family {
	var all []*Family
	for _, c := range l.clients {
		all = append(all, c.families...)
	}
	return all
}

// Longest is how long the longest call took, whatever it answered; Deadline is
// what it was given.
func (l *Load) Longest() time.Duration { return time.Duration(l.longest.Load()) }

// Deadline is that of every call.
func (l *Load) Deadline() time.Duration { return deadline }

func (l *Load) breach(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.broken) < 100 {
		l.broken = append(l.broken, fmt.Sprintf(format, args...))
	}
}

func (l *Load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
	l.cancel()
}

// try calls an operation once and keeps what became of it.
func (l *Load) try(ctx context.Context, d Doors, op *ledger.Op) bool {
	if err := l.ledger.Invoke(op); err != nil {
		l.fail(err)
		return false
	}
	calling, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	begun := time.Now()
	answer, position, err := d.Invoke(calling, op)
	l.took(time.Since(begun))
	outcome, code, reason := outcomeOf(err), "", ""
	if err != nil {
		answer, code, reason = nil, status.Code(err).String(), errs.Reason(err)
	}
	l.judge(op, err)
	if err := l.ledger.Return(op, outcome, code, reason, answer, position); err != nil {
		l.fail(err)
	}
	return outcome != ledger.Unknown
}

func (l *Load) took(d time.Duration) {
	for {
		old := l.longest.Load()
		if int64(d) <= old || l.longest.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

// judge notes answers that no fault excuses: the callers know what can be done, so a
// fault may make it wait, and never make it wrong.
func (l *Load) judge(op *ledger.Op, err error) {
	if err == nil {
		if op.Refusal != "" {
			l.breach("%s %s is not refused", op.Kind, op.ID)
		}
		return
	}
	if op.Loses && status.Code(err) == codes.FailedPrecondition {
		return
	}
	if op.Refusal != "" && errs.Reason(err) == op.Refusal && (op.Portal != "" || status.Code(err) == codes.InvalidArgument) {
		return
	}
	if outcomeOf(err) == ledger.Failed || status.Code(err).String() == "Internal" || status.Code(err).String() == "Unknown" {
		l.breach("%s %s answers %s %s: %s", op.Kind, op.ID, status.Code(err), errs.Reason(err), status.Convert(err).Message())
	}
}
