package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

// Marks that are found fast stay exact; those of many buyers outlive a quiet time.
func TestMarksLives(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, found := range []struct {
		took         time.Duration
		active       int64
		until, stale time.Duration
	}{
		{time.Millisecond, 10, 100 * time.Millisecond, 200 * time.Millisecond},
		{250 * time.Millisecond, 999, 5 * time.Second, 10 * time.Second},
		{100 * time.Millisecond, 1000, 2 * time.Second, time.Hour},
		{2 * time.Second, 999, 40 * time.Second, time.Hour},
		{2 * time.Minute, 1_000_000, 40 * time.Minute, 80 * time.Minute},
	} {
		until, stale := marksLives(started, found.took, found.active)
		if until.Sub(started) != found.until || stale.Sub(started) != found.stale {
			t.Errorf("%+v: they live for %v and %v", found, until.Sub(started), stale.Sub(started))
		}
	}
}

// Whoever asks while the marks are found for the first time does not wait until a
// call is over, nor at all where another has waited in vain, and finds them later.
func TestMarks_boundsTheWait(t *testing.T) {
	t.Parallel()
	s := &Store{now: time.Now, tenants: newTenantCache()}
	q := PyramidQuery{Tenant: uuid.New()}
	key := newMarksKey(q)
	counted, later := make(chan struct{}), make(chan struct{})
	found := s.tenants.flight.DoChan(key.String(), func() (any, error) {
		<-counted
		return pyramid.Marks{}, nil
	})
	if _, err := s.Marks(t.Context(), q, time.UTC); !errors.Is(err, ErrUncounted) {
		t.Errorf("while they are counted: %v", err)
	}
	asked := time.Now()
	if _, err := s.Marks(t.Context(), q, time.UTC); !errors.Is(err, ErrUncounted) || time.Since(asked) >= marksWait {
		t.Errorf("asked again after %v: %v", time.Since(asked), err)
	}
	close(counted)
	<-found
	s.tenants.slow.Remove(key)
	time.AfterFunc(marksWait/10, func() { close(later) })
	again := s.tenants.flight.DoChan(key.String(), func() (any, error) {
		<-later
		return pyramid.Marks{}, nil
	})
	if _, err := s.Marks(t.Context(), q, time.UTC); err != nil {
		t.Errorf("counted while one waits: %v", err)
	}
	<-again
}

// The zone of a tenant is loaded again now and then; its marks are not found again
// for that.
func TestMarks_outliveAZoneLoadedAgain(t *testing.T) {
	t.Parallel()
	tenant := uuid.New()
	key := func() marksKey {
		zone, err := time.LoadLocation("Asia/Jakarta")
		if err != nil {
			t.Fatal(err)
		}
		q := PyramidQuery{Tenant: tenant, At: Instant{Past: true, AsOf: time.Date(2026, 3, 2, 0, 0, 0, 0, zone)}}
		q.Purchases.Window.End = time.Date(2026, 3, 1, 0, 0, 0, 0, zone)
		return newMarksKey(q)
	}
	if first, second := key(), key(); first != second {
		t.Errorf("%v is not %v", first, second)
	}
}
