package admission

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

var loud, quiet = uuid.MustParse("0193f7a2-1111-7000-8000-000000000001"), uuid.MustParse("0193f7a2-1111-7000-8000-000000000002")

// enter enters in the background and answers the outcome, once the call waits or is
// over. It is for a bubble of synctest, whose clock stands while anybody can go on.
func enter(l *Limiter, class Class, tenant uuid.UUID) <-chan error {
	done := make(chan error, 1)
	go func() { done <- l.Enter(context.Background(), class, tenant) }()
	synctest.Wait()
	return done
}

func mustEnter(t *testing.T, l *Limiter, class Class, tenant uuid.UUID, times int) {
	t.Helper()
	for range times {
		if err := l.Enter(context.Background(), class, tenant); err != nil {
			t.Fatal(err)
		}
	}
}

// Programs and bulk work leave places to people.
func TestEnter_leavesRoomForPeople(t *testing.T) {
	t.Parallel()
	l := New(8)
	mustEnter(t, l, Bulk, loud, 2)
	if err := l.Enter(context.Background(), Bulk, loud); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a third of bulk: %v", err)
	}
	mustEnter(t, l, Integration, quiet, 5)
	if err := l.Enter(context.Background(), Integration, quiet); !errors.Is(err, ErrOverloaded) {
		t.Errorf("an eighth that is no person: %v", err)
	}
	mustEnter(t, l, Interactive, loud, 1)
	if err := l.Enter(context.Background(), Interactive, loud); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a ninth: %v", err)
	}
	for range 3 {
		l.Leave(loud)
	}
	for range 5 {
		l.Leave(quiet)
	}
	if l.busy != 0 || len(l.held) != 0 || len(l.queued) != 0 || l.length != 0 {
		t.Errorf("left over: %d busy, %v held, %v queued", l.busy, l.held, l.queued)
	}
}

// A tenant leaves a quarter of the places to others, so that its slow calls are its
// own trouble.
func TestEnter_leavesRoomForOthers(t *testing.T) {
	t.Parallel()
	l := New(8)
	mustEnter(t, l, Interactive, loud, 6)
	if err := l.Enter(context.Background(), Interactive, loud); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a seventh of one tenant: %v", err)
	}
	mustEnter(t, l, Interactive, quiet, 2)
}

// The places that a tenant leaves to others are theirs at once, also while its own calls
// wait: they need not wait for one of its calls to end.
func TestEnter_passesAQueueThatMayNotGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(8)
		mustEnter(t, l, Interactive, loud, 6)
		seventh := enter(l, Interactive, loud)
		began := time.Now()
		mustEnter(t, l, Interactive, quiet, 2)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("a tenant without calls waited %s for a free place", waited)
		}
		if err := <-seventh; !errors.Is(err, ErrOverloaded) {
			t.Errorf("a seventh of one tenant: %v", err)
		}
		l.Leave(loud)
		mustEnter(t, l, Interactive, loud, 1)
		if l.busy != 8 || l.length != 0 {
			t.Errorf("%d busy, %d wait", l.busy, l.length)
		}
	})
}

// The most urgent class goes first, and in it the tenant with the fewest at work,
// although it came last.
func TestLeave_admitsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(2)
		mustEnter(t, l, Interactive, loud, 2) // of two places one may have both
		program := enter(l, Integration, quiet)
		first := enter(l, Interactive, loud)
		second := enter(l, Interactive, quiet)
		l.Leave(loud)
		if err := <-second; err != nil {
			t.Errorf("the quiet tenant: %v", err)
		}
		l.Leave(loud)
		if err := <-first; err != nil {
			t.Errorf("the loud tenant: %v", err)
		}
		l.Leave(quiet)
		if err := <-program; err != nil {
			t.Errorf("the program: %v", err)
		}
	})
}

// A full queue drops who has the most in it, and a lower class first.
func TestEnter_dropsFromAFullQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		mustEnter(t, l, Interactive, loud, 1)
		bulk := enter(l, Bulk, quiet)
		var waiting []<-chan error
		for range 3 {
			waiting = append(waiting, enter(l, Interactive, loud))
		}
		waiting = append(waiting, enter(l, Interactive, loud))
		if err := <-bulk; !errors.Is(err, ErrOverloaded) {
			t.Errorf("bulk keeps its place in the queue: %v", err)
		}
		polite := enter(l, Interactive, quiet)
		if err := <-waiting[3]; !errors.Is(err, ErrOverloaded) {
			t.Errorf("the last of the loud: %v", err)
		}
		if err := l.Enter(context.Background(), Bulk, loud); !errors.Is(err, ErrOverloaded) {
			t.Errorf("bulk of the loud tenant: %v", err)
		}
		l.Leave(loud)
		if err := <-waiting[0]; err != nil {
			t.Errorf("who waits for longest, while neither tenant is at work: %v", err)
		}
		for _, w := range []<-chan error{waiting[1], waiting[2], polite} {
			if err := <-w; !errors.Is(err, ErrOverloaded) {
				t.Errorf("who waits for too long: %v", err)
			}
		}
	})
}

// A queue that has stood for a while is made short, and a call whose caller has
// gone is not begun.
func TestEnter_shortensAStandingQueue(t *testing.T) {
	t.Parallel()
	l := New(1)
	mustEnter(t, l, Interactive, loud, 1)
	if _, patience := l.join(Interactive, quiet); patience != longestWait {
		t.Errorf("at first a call may wait %s", patience)
	}
	l.stands = time.Now().Add(-2 * longestWait)
	if _, patience := l.join(Interactive, quiet); patience != shortWait {
		t.Errorf("in a queue that stands a call may wait %s", patience)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := New(1).Enter(gone, Interactive, loud); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone: %v", err)
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		subject, method string
		want            Class
	}{
		{"users/ann", "/lingkar.contact.v1.ContactService/GetContact", Interactive},
		{"apiKeys/1", "/lingkar.contact.v1.ContactService/GetContact", Integration},
		{"services/analytics", "/lingkar.contact.v1.KeyService/FetchKeys", Integration},
		{"services/analytics", "/lingkar.contact.v1.EventLogService/ReadEvents", Bulk},
		{"users/ann", "/lingkar.contact.v1.ContactService/BatchCreateContacts", Bulk},
		{"users/ann", "/lingkar.analytics.v1.EventStoreService/RebuildProjections", Bulk},
	} {
		if got := ClassOf(auth.Caller{Subject: c.subject}, c.method); got != c.want {
			t.Errorf("%s calls %s: %s", c.subject, c.method, got)
		}
	}
}

// BenchmarkRefusal is what a refused call costs here, with a queue that is full.
func BenchmarkRefusal(b *testing.B) {
	l := New(DefaultPlaces)
	l.capacity, l.perTenant = 0, DefaultPlaces
	for range DefaultPlaces {
		if err := l.Enter(context.Background(), Interactive, loud); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Enter(context.Background(), Interactive, loud); err == nil {
			b.Fatal("there was a place")
		}
	}
}
