package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

const (
	// Marks are kept marksShare times as long as it took to find them, so that
	// they cost a twentieth of a core, and marksLife at least. Whoever asks later
	// still gets them while they are found again, for the same time once more.
	marksShare = 20
	marksLife  = 100 * time.Millisecond
	// Marks of manyActive customers, and those that took longer than slowMarks to find,
	// are answered for slowLife: who looks first after a quiet time need not wait, and
	// marks of so many move little.
	manyActive = 1000
	slowMarks  = 250 * time.Millisecond
	slowLife   = time.Hour
	// marksWait is how long a caller waits for marks that nobody has found yet. Once
	// one has waited in vain, the others do not wait until they are found.
	marksWait = 2 * time.Second
	// marksTimeout bounds finding them, for which nobody waits that long: at a
	// million buyers on two busy cores it is more than a call may take.
	marksTimeout = 3 * time.Minute
	// cachedMarks bounds the memory, to about 2 MB.
	cachedMarks = 10_000
)

// ErrUncounted says that the marks are being found for the first time since the
// start, or for the first time today, and that it takes long.
var ErrUncounted = errs.Unavailable("TIERS_NOT_COUNTED", "the value tiers are being counted", 5*time.Second)

// marksKey names the marks of the window that ends then: as known now, or at the
// end of a day of the past. Its times are in Unix seconds, because equal times of
// two loaded copies of a zone are not the same key.
type marksKey struct {
	tenant       uuid.UUID
	end, knownAt int64
}

func newMarksKey(q PyramidQuery) marksKey {
	key := marksKey{tenant: q.Tenant, end: q.Purchases.Window.End.Unix()}
	if q.At.Past {
		key.knownAt = q.At.AsOf.Unix()
	}
	return key
}

func (k marksKey) String() string { return fmt.Sprint(k.tenant, k.end, k.knownAt) }

// keptMarks are found again after until, and not answered any more after stale.
type keptMarks struct {
	pyramid.Marks
	until, stale time.Time
}

// Marks answers the last places of the upper layers of a tenant's customers, by
// which the tier of one of them is told. Those of now are at most forty times as
// old as it takes to find them, or 0.2 s where that is longer; of a thousand active
// customers, or where it takes over 250 ms, they may be an hour old when nobody asked in
// between. Those of the past are as known at the end of that day, and kept. Where there
// are none yet it answers ErrUncounted after two seconds, from then on at once, and goes
// on finding them.
func (s *Store) Marks(ctx context.Context, q PyramidQuery, zone *time.Location) (pyramid.Marks, error) {
	q.At = endOfDay(q.At, zone, s.now())
	key := newMarksKey(q)
	kept, ok := s.tenants.marks.Get(key)
	if ok && time.Now().Before(kept.until) {
		return kept.Marks, nil
	}
	found := s.tenants.flight.DoChan(key.String(), func() (any, error) { return s.findMarks(key, q) })
	if ok && time.Now().Before(kept.stale) {
		return kept.Marks, nil
	}
	wait := marksWait
	if s.tenants.slow.Contains(key) {
		wait = 0
	}
	select {
	case <-ctx.Done():
		return pyramid.Marks{}, ctx.Err()
	case <-time.After(wait):
		s.tenants.slow.Add(key, struct{}{})
		return pyramid.Marks{}, ErrUncounted
	case result := <-found:
		if result.Err != nil {
			return pyramid.Marks{}, result.Err
		}
		return result.Val.(pyramid.Marks), nil
	}
}

// endOfDay moves an instant of the past to the end of its day, so that the marks
// of a day serve every instant in it. A day that has not ended is now.
func endOfDay(at Instant, zone *time.Location, now time.Time) Instant {
	if !at.Past {
		return at
	}
	year, month, day := at.AsOf.In(zone).Date()
	at.AsOf = time.Date(year, month, day+1, 0, 0, 0, 0, zone)
	at.Past = at.AsOf.Before(now)
	return at
}

// findMarks serves everybody who waits, so no one caller's end is its own.
func (s *Store) findMarks(key marksKey, q PyramidQuery) (pyramid.Marks, error) {
	ctx, cancel := context.WithTimeout(context.Background(), marksTimeout)
	defer cancel()
	started := time.Now()
	marks, active, err := s.readMarks(ctx, q)
	if err != nil {
		return marks, err
	}
	kept := keptMarks{Marks: marks, until: farFuture, stale: farFuture}
	if !q.At.Past {
		kept.until, kept.stale = marksLives(started, time.Since(started), active)
	}
	s.tenants.marks.Add(key, kept)
	s.tenants.slow.Remove(key)
	return marks, nil
}

// marksLives answers until when marks of now, among so many active customers, are not
// found again, and until when they are answered meanwhile.
func marksLives(started time.Time, took time.Duration, active int64) (until, stale time.Time) {
	life := max(marksLife, marksShare*took)
	stale = started.Add(2 * life)
	if took > slowMarks || active >= manyActive {
		stale = started.Add(max(2*life, slowLife))
	}
	return started.Add(life), stale
}

// The places down to the last mark, with the number of all active customers. The
// limit is no rule: it is the last mark or a little more.
var selectPlaces = prepareTenant(active + `
SELECT contact, revenue, count(*) OVER ()
FROM active
ORDER BY revenue DESC, contact
LIMIT (SELECT count(*) FROM bought) * $9 / 10000 + 1`)

func (s *Store) readMarks(ctx context.Context, q PyramidQuery) (marks pyramid.Marks, active int64, err error) {
	err = s.consistently(ctx, &q, marksTimeout, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, selectPlaces.of(q), q.args(q.Shares.Medium)...)
		if err != nil {
			return err
		}
		var place pyramid.Place
		var rank int64
		_, err = pgx.ForEachRow(rows, []any{&place.Contact, &place.Revenue, &active}, func() error {
			rank++
			marks = marks.With(place, rank, q.Shares.Of(active))
			return nil
		})
		return err
	})
	return marks, active, err
}
