package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// queue is a database whose calls share, with a note of who shared with whom.
type queue struct {
	t      *testing.T
	db     *postgres.DB
	mu     sync.Mutex
	groups []int
	calls  sync.WaitGroup
}

// hour is a patience that no test outlasts.
const hour = time.Hour

func openQueue(t *testing.T, patience time.Duration) *queue {
	return queueOf(t, openGadgets(t), patience)
}

func queueOf(t *testing.T, db *postgres.DB, patience time.Duration) *queue {
	db.ShareOneByOne(patience)
	return &queue{t: t, db: db}
}

// gadgetPart writes one gadget.
type gadgetPart struct {
	q      *queue
	tenant uuid.UUID
	row    *gadget
	// meets, where set, runs while the part is queued.
	meets func()
}

func (p *gadgetPart) Queue(b *pgx.Batch, further []postgres.Part) error {
	p.q.mu.Lock()
	p.q.groups = append(p.q.groups, 1+len(further))
	p.q.mu.Unlock()
	if p.meets != nil {
		p.meets()
	}
	postgres.QueueTenant(b, p.tenant)
	w := postgres.NewWrites(p.tenant)
	gadgets.Insert(w, p.row)
	for _, part := range further {
		joins := postgres.NewWrites(p.tenant)
		gadgets.Insert(joins, part.(*gadgetPart).row)
		w.Join(joins)
	}
	w.Flush(b)
	return nil
}

// call has a part written; what becomes of it is told by the channel.
func (q *queue) call(ctx context.Context, tenant uuid.UUID, row *gadget, meets func()) <-chan error {
	done := make(chan error, 1)
	q.calls.Go(func() {
		done <- postgres.Share(ctx, q.db, tenant, &gadgetPart{q: q, tenant: tenant, row: row, meets: meets})
	})
	return done
}

// hold has a part under way until release is called.
func (q *queue) hold(tenant uuid.UUID) (release func()) {
	begun, end := make(chan struct{}), make(chan struct{})
	done := q.call(q.t.Context(), tenant, newGadget(0), func() { close(begun); <-end })
	<-begun
	return func() {
		close(end)
		if err := <-done; err != nil {
			q.t.Error(err)
		}
	}
}

// lock answers a gadget that cannot be stored until unlock is called.
func (q *queue) lock(tenant uuid.UUID) (rival *gadget, unlock func()) {
	q.t.Helper()
	tx, err := q.db.System.Begin(q.t.Context())
	if err != nil {
		q.t.Fatal(err)
	}
	rival = newGadget(0)
	b := &pgx.Batch{}
	gadgets.QueueInsert(b, tenant, rival)
	if err := tx.SendBatch(q.t.Context(), b).Close(); err != nil {
		q.t.Fatal(err)
	}
	return rival, func() {
		if err := tx.Rollback(q.t.Context()); err != nil {
			q.t.Error(err)
		}
	}
}

// wait waits until so many calls of the tenant wait.
func (q *queue) wait(tenant uuid.UUID, n int) {
	q.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		waiting, _ := q.db.Waiting(tenant)
		switch {
		case waiting == n:
			return
		case time.Now().After(deadline):
			q.t.Fatalf("%d calls wait, want %d", waiting, n)
		}
	}
}

// stored answers which of the gadgets the tenant has.
func (q *queue) stored(tenant uuid.UUID, rows ...*gadget) (titles []string) {
	q.t.Helper()
	for _, row := range rows {
		switch found, err := gadgets.Get(q.t.Context(), q.db, tenant, row.ID); errs.Code(err) {
		case codes.OK:
			titles = append(titles, found.Title)
		case codes.NotFound:
		default:
			q.t.Fatal(err)
		}
	}
	return titles
}

// Calls that come while a transaction of their tenant is under way go together in the
// next one. Those of another tenant do not wait for it.
func TestShare_together(t *testing.T) {
	t.Parallel()
	q, ours, theirs := openQueue(t, hour), uuid.New(), uuid.New()
	release := q.hold(ours)
	var done []<-chan error
	var own []*gadget
	for n := range 5 {
		own = append(own, newGadget(n))
		done = append(done, q.call(t.Context(), ours, own[n], nil))
		q.wait(ours, n+1)
	}
	strange := newGadget(5)
	if err := <-q.call(t.Context(), theirs, strange, nil); err != nil {
		t.Error(err)
	}
	release()
	for _, d := range done {
		if err := <-d; err != nil {
			t.Error(err)
		}
	}
	if want := []int{1, 1, 5}; !slices.Equal(q.groups, want) {
		t.Errorf("groups of %v, want %v", q.groups, want)
	}
	if got := q.stored(ours, own...); len(got) != len(own) {
		t.Errorf("one tenant has %v", got)
	}
	if got := q.stored(theirs, strange); len(got) != 1 {
		t.Errorf("the other tenant has %v", got)
	}
	if got := q.stored(theirs, own...); len(got) != 0 {
		t.Errorf("the other tenant has %v of the first one's", got)
	}
}

// A call that the database refuses does not harm those it shares a transaction with.
func TestShare_refused(t *testing.T) {
	t.Parallel()
	q, tenant := openQueue(t, hour), uuid.New()
	taken := newGadget(0)
	insert(t, q.db, tenant, taken)
	release := q.hold(tenant)
	rows := []*gadget{newGadget(1), taken, newGadget(2), newGadget(3)}
	done := make([]<-chan error, len(rows))
	for i, row := range rows {
		done[i] = q.call(t.Context(), tenant, row, nil)
		q.wait(tenant, i+1)
	}
	release()
	for i, d := range done {
		err := <-d
		if want := map[bool]codes.Code{true: codes.AlreadyExists}[rows[i] == taken]; errs.Code(err) != want {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
	if got := q.stored(tenant, rows...); len(got) != len(rows) {
		t.Errorf("stored %v", got)
	}
}

// A caller that gives up while it waits has written nothing.
func TestShare_withdrawn(t *testing.T) {
	t.Parallel()
	q, tenant := openQueue(t, hour), uuid.New()
	release := q.hold(tenant)
	ctx, cancel := context.WithCancel(t.Context())
	gone, stays := newGadget(1), newGadget(2)
	left := q.call(ctx, tenant, gone, nil)
	q.wait(tenant, 1)
	kept := q.call(t.Context(), tenant, stays, nil)
	q.wait(tenant, 2)
	cancel()
	if err := <-left; errs.Code(err) != codes.Canceled {
		t.Errorf("err %v, want CANCELED", err)
	}
	q.wait(tenant, 1)
	release()
	if err := <-kept; err != nil {
		t.Error(err)
	}
	if got := q.stored(tenant, gone, stays); !slices.Equal(got, []string{stays.Title}) {
		t.Errorf("stored %v, want %v", got, stays.Title)
	}
}

// A transaction that waits for a lock holds up no call behind it.
func TestShare_locked(t *testing.T) {
	t.Parallel()
	q, tenant := openQueue(t, time.Millisecond), uuid.New()
	overtaken := 0
	for range 3 {
		rival, unlock := q.lock(tenant)
		var free []<-chan error
		begun := make(chan struct{})
		blocked := q.call(t.Context(), tenant, rival, sync.OnceFunc(func() { close(begun) }))
		<-begun
		for n := range 20 {
			free = append(free, q.call(t.Context(), tenant, newGadget(n+1), nil))
		}
		for _, d := range free {
			if err := <-d; err != nil {
				t.Error(err)
			}
		}
		select {
		case err := <-blocked:
			if errs.Reason(err) != "LOCKED" {
				t.Errorf("the locked call answered %v", err)
			}
		default: // waits still
			overtaken++
		}
		unlock()
	}
	q.calls.Wait()
	if overtaken == 0 {
		t.Error("all waited until the locked call gave up")
	}
}

// A call that waits for a lock does not fail those it shares a transaction with.
func TestShare_lockedTogether(t *testing.T) {
	t.Parallel()
	q, tenant := openQueue(t, hour), uuid.New()
	release := q.hold(tenant)
	rival, unlock := q.lock(tenant)
	blocked := q.call(t.Context(), tenant, rival, nil)
	q.wait(tenant, 1)
	rows := []*gadget{newGadget(1), newGadget(2)}
	var free []<-chan error
	for n, row := range rows {
		free = append(free, q.call(t.Context(), tenant, row, nil))
		q.wait(tenant, n+2)
	}
	release()
	for _, d := range free {
		if err := <-d; err != nil {
			t.Error(err)
		}
	}
	if got := q.stored(tenant, rows...); len(got) != 2 {
		t.Errorf("stored %v while the lock is held", got)
	}
	unlock()
	if err := <-blocked; err != nil && errs.Reason(err) != "LOCKED" {
		t.Errorf("the locked call answered %v", err)
	}
}

// A part that panics takes no place away and leaves nobody waiting.
func TestShare_panics(t *testing.T) {
	t.Parallel()
	q, tenant := openQueue(t, hour), uuid.New()
	release := q.hold(tenant)
	var calls sync.WaitGroup
	outcomes := make(chan error, 2)
	for n := range 2 {
		part := &gadgetPart{q: q, tenant: tenant, row: newGadget(n), meets: func() { panic("of a part") }}
		calls.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					outcomes <- fmt.Errorf("panic: %v", p)
				}
			}()
			outcomes <- postgres.Share(t.Context(), q.db, tenant, part)
		})
		q.wait(tenant, n+1)
	}
	release()
	calls.Wait()
	for range 2 {
		if err := <-outcomes; err == nil {
			t.Error("a call whose transaction panicked succeeded")
		}
	}
	if err := <-q.call(t.Context(), tenant, newGadget(5), nil); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

// An operator sees how many calls share a transaction, and how many of them were taken
// back.
func TestShare_tellsMeters(t *testing.T) {
	t.Parallel()
	db, reader := openMeasured(t)
	q, tenant := queueOf(t, db, hour), uuid.New()
	taken := newGadget(0)
	insert(t, db, tenant, taken)
	for name, c := range map[string]struct {
		rows         []*gadget
		calls        map[string]int64
		transactions int64
	}{
		"three that go together":       {[]*gadget{newGadget(1), newGadget(2), newGadget(3)}, map[string]int64{"alone": 1, "shared": 3}, 2},
		"two, of which one is refused": {[]*gadget{newGadget(4), taken}, map[string]int64{"alone": 1, "apart": 2}, 4},
	} {
		calls, transactions := told(t, reader, "lingkar.postgres.share.calls", "outcome", ""), told(t, reader, "lingkar.postgres.share.transactions", "", "")
		release := q.hold(tenant)
		var done []<-chan error
		for i, row := range c.rows {
			done = append(done, q.call(t.Context(), tenant, row, nil))
			q.wait(tenant, i+1)
		}
		release()
		for i, d := range done {
			if err := <-d; err != nil && c.rows[i] != taken {
				t.Error(err)
			}
		}
		for outcome, n := range told(t, reader, "lingkar.postgres.share.calls", "outcome", "") {
			if n -= calls[outcome]; n != c.calls[outcome] {
				t.Errorf("%s: %d calls %s, want %d", name, n, outcome, c.calls[outcome])
			}
		}
		if n := told(t, reader, "lingkar.postgres.share.transactions", "", "")[""] - transactions[""]; n != c.transactions {
			t.Errorf("%s: %d transactions, want %d", name, n, c.transactions)
		}
	}
}
