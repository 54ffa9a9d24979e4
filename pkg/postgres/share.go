package postgres

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// Part is what one call writes in a transaction that it may share with other calls.
type Part interface {
	// Queue queues this part and the further ones, which are of the same kind and
	// tenant, into a batch that is a transaction. It may run again, and must start from
	// the same values each time.
	Queue(b *pgx.Batch, further []Part) error
}

const (
	// sharers is how many calls share a transaction at most: with more, what a call
	// waits for grows, and what it spares does not.
	sharers = 32
	// connsPerShare and coresPerShare are how many connections of the pool, and how many
	// cores of this process, there are for each transaction of a tenant that runs at a
	// time. Few transactions make the others wait for each other, and share.
	connsPerShare, coresPerShare = 4, 2
	// fewSharers is how many calls of a tenant are under way at least before one waits,
	// where few may share, and spareConns how many connections those leave to others.
	fewSharers, spareConns = 8, 2
	// sharePatience is how long a transaction of Share keeps others waiting: one that a
	// lock or a slow disk holds up is no reason for all to stand still.
	sharePatience = 20 * time.Millisecond
	// shareLockTimeout is how long a shared transaction waits for a lock. After that each
	// call is to wait for itself, as long as LockTimeout, where it needs the lock.
	shareLockTimeout = 100 * time.Millisecond
)

// errApart says that what calls wrote together was taken back, so that each is to write
// for itself. No caller sees it.
var errApart = errors.New("postgres: the shared transaction was rolled back")

// Share is Submit of a part that others of its tenant may join (group commit). Where few
// transactions of the tenant are under way the part goes at once, and alone. Otherwise
// it waits for one of them to end, and goes with the others that wait: what every
// transaction costs, its statements and the wait for the disk, is paid once for all.
//
// No part suffers from another: a transaction that the database refused is taken back,
// each part is submitted by itself then, and for a while fewer share one and more run at
// a time. A caller that
// gives up while its part waits has written nothing; what came of a part that was under
// way is told even then.
func Share(ctx context.Context, db *DB, tenant uuid.UUID, part Part) error {
	own := &sharer{ctx: ctx, tenant: tenant, part: part, lead: make(chan []*sharer, 1), done: make(chan error, 1)}
	group := db.shares.enter(own)
	gone := ctx.Done()
	for {
		if group != nil {
			db.together(group)
			group = nil
		}
		select {
		case group = <-own.lead:
		case err := <-own.done:
			if errors.Is(err, errApart) {
				return Submit(ctx, db, own.queue)
			}
			return sqlError(ctx, err)
		case <-gone:
			if db.shares.withdraw(own) {
				return sqlError(ctx, ctx.Err())
			}
			gone = nil // it is under way
		}
	}
}

// sharer is a call on its way through Share.
type sharer struct {
	ctx    context.Context
	tenant uuid.UUID
	part   Part
	// lead gets the calls that this one is to write together with its own.
	lead chan []*sharer
	// done gets what became of the part.
	done chan error
}

func (s *sharer) queue(b *pgx.Batch) error { return s.part.Queue(b, nil) }

// together writes the parts of the calls in one transaction, tells each what became of
// it, and lets the next go.
func (db *DB) together(group []*sharer) {
	var err error = errs.Internal(errors.New("postgres: a shared transaction panicked"))
	tenant := group[0].tenant
	leave := sync.OnceFunc(func() { db.shares.leave(tenant) })
	held := time.AfterFunc(db.shares.patience, leave)
	defer func() {
		held.Stop()
		db.shares.note(tenant, err)
		leave()
		for _, s := range group {
			s.done <- err
		}
	}()
	if len(group) == 1 {
		db.shares.count(aloneCalls, 1, 1)
		err = Submit(group[0].ctx, db, group[0].queue)
		return
	}
	group = slices.DeleteFunc(group, func(s *sharer) bool {
		if s.ctx.Err() == nil {
			return false
		}
		s.done <- s.ctx.Err()
		return true
	})
	if len(group) == 0 {
		err = nil
		return
	}
	err = db.once(group)
	if errors.Is(err, errApart) {
		db.shares.count(apartCalls, len(group), 1+len(group))
	} else {
		db.shares.count(sharedCalls, len(group), 1)
	}
}

// once runs the transaction of several calls, as long as one of them still waits.
func (db *DB) once(group []*sharer) error {
	ctx, cancel := sharedContext(group)
	defer cancel()
	further := make([]Part, len(group)-1)
	for i, s := range group[1:] {
		further[i] = s.part
	}
	b := &pgx.Batch{}
	b.Queue("SELECT set_config('lock_timeout', $1, true)", strconv.FormatInt(shareLockTimeout.Milliseconds(), 10))
	if err := group[0].part.Queue(b, further); err != nil {
		return errApart // whose it is shows when each goes alone
	}
	if err := failpoint.Hit(failpoint.WriteBeforeCommit); err != nil {
		return err
	}
	err := db.SendBatch(ctx, b).Close()
	if refused(err) {
		return errApart
	}
	return err
}

// sharedContext is that of the first call without its end: it ends with the latest
// deadline of all.
func sharedContext(group []*sharer) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(group[0].ctx)
	var latest time.Time
	for _, s := range group {
		deadline, ok := s.ctx.Deadline()
		if !ok {
			return context.WithCancel(ctx)
		}
		if deadline.After(latest) {
			latest = deadline
		}
	}
	return context.WithDeadline(ctx, latest)
}

// refused reports whether the server said that it did not do what it was asked, so that
// the transaction is rolled back. An error that ends the session may come after the
// commit.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"
}

// shares are the calls in Share of one database, by tenant: who shares with nobody waits
// for nobody.
type shares struct {
	// usual is how many transactions of a tenant run at a time while calls share well,
	// utmost how many where they do not.
	usual, utmost int
	patience      time.Duration
	// calls are those so far, by what came of them, and transactions all of theirs.
	calls        [len(shareOutcomes)]atomic.Int64
	transactions atomic.Int64

	mu    sync.Mutex
	lanes map[uuid.UUID]*lane
}

// What comes of a call in Share: it writes alone, in a transaction with others, or alone
// after such a transaction was taken back.
const (
	aloneCalls = iota
	sharedCalls
	apartCalls
)

var shareOutcomes = [...]string{aloneCalls: "alone", sharedCalls: "shared", apartCalls: "apart"}

func (s *shares) count(outcome, calls, transactions int) {
	s.calls[outcome].Add(int64(calls))
	s.transactions.Add(int64(transactions))
}

// lane is the calls of a tenant, for as long as there are some.
type lane struct {
	running int
	waiting []*sharer
	// most is how many parts the next transaction may have: one more after each that went
	// well, half as many after one that was taken back, so that calls which are often
	// refused are not written twice each time.
	most int
}

func newShares(conns int32) *shares {
	return &shares{
		usual:    max(1, min(int(conns)/connsPerShare, runtime.GOMAXPROCS(0)/coresPerShare)),
		utmost:   max(1, int(conns)-spareConns),
		patience: sharePatience, lanes: map[uuid.UUID]*lane{},
	}
}

// may tells whether another transaction of the lane may begin: the fewer calls share one,
// the more of them run at a time.
func (s *shares) may(l *lane) bool {
	return l.running < min(s.utmost, max(s.usual, fewSharers/l.most))
}

// enter answers the group to run at once, or makes the call wait.
func (s *shares) enter(own *sharer) []*sharer {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[own.tenant]
	if l == nil {
		l = &lane{most: sharers}
		s.lanes[own.tenant] = l
	}
	if !s.may(l) {
		l.waiting = append(l.waiting, own)
		return nil
	}
	l.running++
	return []*sharer{own}
}

// note learns from what became of a group of the tenant, which still runs or was left.
func (s *shares) note(tenant uuid.UUID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[tenant]
	switch {
	case l == nil:
	case errors.Is(err, errApart):
		l.most = max(1, l.most/2)
	case err == nil && l.most < sharers:
		l.most++
	}
}

// leave ends a group of the tenant, and has the calls that have waited longest go.
func (s *shares) leave(tenant uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[tenant]
	l.running--
	for len(l.waiting) > 0 && s.may(l) {
		n := min(l.most, len(l.waiting))
		group := slices.Clone(l.waiting[:n])
		l.waiting = slices.Delete(l.waiting, 0, n)
		l.running++
		group[0].lead <- group
	}
	if l.running == 0 {
		delete(s.lanes, tenant)
	}
}

// withdraw takes a call back that waits, and tells whether it still did.
func (s *shares) withdraw(own *sharer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[own.tenant]
	if l == nil {
		return false
	}
	at := slices.Index(l.waiting, own)
	if at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
	return at >= 0
}
