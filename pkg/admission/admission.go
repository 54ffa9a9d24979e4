// Package admission lets in as many calls as are worth working on at a time, and
// refuses the rest early: a server that is asked for more than it can do then does
// as much as it can, instead of answering everybody too late.
//
// A call that finds no place waits its turn, 100 ms at most, and 20 ms once the
// queue has not been empty for 100 ms: a queue that stands only adds to everybody's
// delay (controlled delay, CoDel). People go before programs and these before bulk
// work, and within a class the tenant with the fewest calls at work goes first, so
// that one who floods waits behind its own calls. A full queue drops one of those
// who have most in it.
//
// Places are counted, not adapted: the work of a call is done by the cores and by a
// pool of connections, whose numbers are known. It counts calls of one process.
package admission

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Class is how soon somebody misses the answer.
type Class int8

// The classes, the most urgent first.
const (
	// Interactive is a person who waits.
	Interactive Class = iota
	// Integration is a program: an API key or a service.
	Integration
	// Bulk is work that may take its time: imports, exports, sends, rebuilds.
	Bulk
	classes
)

// String is the class in words, as metrics tell it.
func (c Class) String() string { return [...]string{"interactive", "integration", "bulk"}[c] }

const (
	// DefaultPlaces is how many calls are worked on at a time: enough to keep ten
	// connections to the database and the cores busy while some wait for others.
	DefaultPlaces = 64
	// longestWait is how long a call waits for its turn, and shortWait while the
	// queue has stood for longer than that.
	longestWait = 100 * time.Millisecond
	shortWait   = 20 * time.Millisecond
	// queuePerPlace is how many calls wait for each place at most.
	queuePerPlace = 4
)

// ErrOverloaded says that there was no place.
var ErrOverloaded = errs.Exhausted("OVERLOADED", "the service is at its capacity", time.Second)

// Limiter gives out places. Make it by New; it is safe for concurrent use.
type Limiter struct {
	limits    [classes]int
	perTenant int
	capacity  int

	mu      sync.Mutex
	busy    int
	held    map[uuid.UUID]int // places by tenant
	queued  map[uuid.UUID]int // waiting calls by tenant
	waiting [classes][]*waiter
	length  int
	// stands is since when the queue has not been empty.
	stands time.Time
}

// waiter is a call in the queue. Its turn is closed when it got a place, or when it
// was dropped.
type waiter struct {
	class   Class
	tenant  uuid.UUID
	turn    chan struct{}
	dropped bool
}

// New makes a limiter with so many places; 0 stands for DefaultPlaces. Programs
// leave an eighth of them free and bulk work three quarters, so that a person finds
// one at once; and no tenant takes more than three quarters, whatever its calls wait
// for.
func New(places int) *Limiter {
	if places <= 0 {
		places = DefaultPlaces
	}
	return &Limiter{
		limits:    [classes]int{places, max(1, places-places/8), max(1, places/4)},
		perTenant: max(1, places-places/4),
		capacity:  places * queuePerPlace,
		held:      map[uuid.UUID]int{}, queued: map[uuid.UUID]int{},
	}
}

// Enter takes a place, or answers why there is none: ErrOverloaded, or the
// context's error. Leave must follow where it answers nil.
func (l *Limiter) Enter(ctx context.Context, class Class, tenant uuid.UUID) error {
	if err := ctx.Err(); err != nil {
		return err // nobody waits for the answer
	}
	l.mu.Lock()
	if l.may(class, tenant) && l.first(class) {
		l.take(tenant)
		l.mu.Unlock()
		return nil
	}
	w, patience := l.join(class, tenant)
	if l.may(class, tenant) {
		l.admit() // those who wait may have as many places as a tenant can have
	}
	l.mu.Unlock()
	if w == nil {
		return ErrOverloaded
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.turn:
		if w.dropped {
			return ErrOverloaded
		}
		return nil
	case <-timer.C:
		return l.giveUp(w, ErrOverloaded)
	case <-ctx.Done():
		return l.giveUp(w, ctx.Err())
	}
}

// Leave gives a place back.
func (l *Limiter) Leave(tenant uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy--
	less(l.held, tenant)
	l.admit()
}

// may says whether there is a place that a call may take.
func (l *Limiter) may(class Class, tenant uuid.UUID) bool {
	return l.busy < l.limits[class] && l.held[tenant] < l.perTenant
}

// first says whether nobody waits who goes before the class or beside it.
func (l *Limiter) first(class Class) bool {
	for c := range class + 1 {
		if len(l.waiting[c]) > 0 {
			return false
		}
	}
	return true
}

func (l *Limiter) take(tenant uuid.UUID) {
	l.busy++
	l.held[tenant]++
}

// join puts a call into the queue and answers how long it may wait; nil where the
// queue is full and nobody in it has less right to be.
func (l *Limiter) join(class Class, tenant uuid.UUID) (*waiter, time.Duration) {
	if l.length >= l.capacity && !l.drop(class, tenant) {
		return nil, 0
	}
	now := time.Now()
	if l.length == 0 {
		l.stands = now
	}
	w := &waiter{class: class, tenant: tenant, turn: make(chan struct{})}
	l.waiting[class] = append(l.waiting[class], w)
	l.queued[tenant]++
	l.length++
	if now.Sub(l.stands) > longestWait {
		return w, shortWait
	}
	return w, longestWait
}

// drop makes room for a newcomer: the last of a lower class goes, or else the last
// of the tenant that has the most in the queue, where it has more than the newcomer
// will.
func (l *Limiter) drop(class Class, tenant uuid.UUID) bool {
	for c := classes - 1; c > class; c-- {
		if n := len(l.waiting[c]); n > 0 {
			l.remove(l.waiting[c][n-1], true)
			return true
		}
	}
	var last *waiter
	for _, w := range l.waiting[class] {
		if last == nil || l.queued[w.tenant] >= l.queued[last.tenant] {
			last = w
		}
	}
	if last == nil || l.queued[last.tenant] <= l.queued[tenant]+1 {
		return false
	}
	l.remove(last, true)
	return true
}

// remove takes a call out of the queue and tells it.
func (l *Limiter) remove(w *waiter, dropped bool) {
	queue := l.waiting[w.class]
	i := slices.Index(queue, w)
	l.waiting[w.class] = slices.Delete(queue, i, i+1)
	less(l.queued, w.tenant)
	l.length--
	w.dropped = dropped
	close(w.turn)
}

// admit gives free places to those whose turn it is.
func (l *Limiter) admit() {
	for c := range classes {
		for l.busy < l.limits[c] && len(l.waiting[c]) > 0 {
			next := l.waiting[c][0]
			for _, w := range l.waiting[c] {
				if l.held[w.tenant] < l.held[next.tenant] {
					next = w
				}
			}
			if l.held[next.tenant] >= l.perTenant {
				break
			}
			l.take(next.tenant)
			l.remove(next, false)
		}
	}
}

// giveUp takes a call out of the queue that waited for too long. One that was given
// a place meanwhile hands it on.
func (l *Limiter) giveUp(w *waiter, why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-w.turn:
		if !w.dropped {
			l.busy--
			less(l.held, w.tenant)
			l.admit()
		}
	default:
		l.remove(w, true)
	}
	return why
}

func less(counts map[uuid.UUID]int, tenant uuid.UUID) {
	if counts[tenant]--; counts[tenant] <= 0 {
		delete(counts, tenant)
	}
}
