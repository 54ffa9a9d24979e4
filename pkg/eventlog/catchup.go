package eventlog

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/ahead"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// headsTimeout bounds asking one source for its newest positions.
const headsTimeout = time.Second

// startGrace is how long a source may take to come up before its absence is worth a
// warning: services start at the same time.
const startGrace = 4 * time.Second

// reconcile brings every partition up to its head. It runs when a session
// starts, which is also after the broker lost its stream.
func (s *session) reconcile(ctx context.Context) error {
	if err := s.loadHeads(ctx); err != nil {
		return err
	}
	if s.standby {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(standbyDelay):
		}
	}
	return s.catchUpTo(ctx, s.heads)
}

// compare finds what the broker never delivered: a partition that has not
// reached the head that it had an interval ago.
func (s *session) compare(ctx context.Context) error {
	before := s.heads
	if err := s.loadHeads(ctx); err != nil {
		return err
	}
	return s.catchUpTo(ctx, before)
}

// catchUpTo catches up where a cursor is behind the given head.
func (s *session) catchUpTo(ctx context.Context, heads map[slot]int64) error {
	if err := s.loadCursors(ctx); err != nil {
		return err
	}
	var behind []slot
	for at, head := range heads {
		if s.cursors[at] < head {
			behind = append(behind, at)
		}
	}
	return s.catchUp(ctx, behind)
}

// backlog is what a partition's log holds after the cursor.
type backlog struct {
	slot
	after int64
	// left is set when another runner turns out to be catching up with it, too.
	left atomic.Bool
}

// page is some events of a backlog, in their order.
type page struct {
	*backlog
	events []*eventv1.Event
}

// catchUp applies partitions from their sources until nothing is left, or until
// another runner turns out to be doing the same. While a page is applied the next one is
// read. Where a source cannot be read its partitions stay behind, and those of other
// areas go on.
func (s *session) catchUp(ctx context.Context, slots []slot) error {
	if len(slots) == 0 {
		return nil
	}
	backlogs := make([]*backlog, len(slots))
	for i, at := range slots {
		backlogs[i] = &backlog{slot: at, after: s.cursors[at]}
	}
	return ahead.Use(ctx, func(ctx context.Context, hand func(page) error) error {
		for _, b := range backlogs {
			if err := s.readBacklog(ctx, b, hand); err != nil {
				return err
			}
		}
		return nil
	}, func(p page) error { return s.applyPage(ctx, p) })
}

// readBacklog hands over the pages of a backlog, with the keys of their contacts at hand
// where they can be had.
func (s *session) readBacklog(ctx context.Context, b *backlog, hand func(page) error) error {
	if s.isAway(b.area) {
		return nil
	}
	catchUps.Add(ctx, 1, s.attributes(b.area))
	for after := b.after; !b.left.Load(); {
		resp, err := s.Sources[b.area].ReadEvents(ctx, &eventv1.ReadEventsRequest{
			Partition: int32(b.partition), AfterPosition: after, PageSize: applyEvents,
		})
		if err != nil {
			return s.noteAway(ctx, b.area, err)
		}
		events := resp.GetEvents()
		if len(events) == 0 {
			return nil
		}
		if s.Personal != Unread {
			_ = FetchKeys(ctx, s.Keys, events) // applying the page asks again, and tells
		}
		if err := hand(page{b, events}); err != nil {
			return err
		}
		if after = events[len(events)-1].GetPosition(); after >= resp.GetHeadPosition() {
			return nil
		}
	}
	return nil
}

// applyPage applies what of a page continues the cursor.
func (s *session) applyPage(ctx context.Context, p page) error {
	before := s.cursors[p.slot]
	if p.left.Load() || p.events[len(p.events)-1].GetPosition() <= before {
		return nil
	}
	if err := s.at(failpoint.ProjectionCatchUp); err != nil {
		return err
	}
	standby := s.standby
	if err := s.apply(ctx, p.events); err != nil {
		return err
	}
	if s.standby && !standby {
		p.left.Store(true)
	} else if s.cursors[p.slot] == before {
		return fmt.Errorf("eventlog: the log of %s, partition %d, does not go on after %d", p.area, p.partition, before)
	}
	return nil
}

// loadHeads asks the sources for the newest positions. Those of a source that
// cannot be asked stay as they were.
func (s *session) loadHeads(ctx context.Context) error {
	// Read first: a cursor that is ahead of a head asked for later is none that
	// another runner has moved in between.
	if err := s.loadCursors(ctx); err != nil {
		return err
	}
	heads := maps.Clone(s.heads)
	for _, area := range s.Areas {
		source := s.Sources[area]
		if source == nil {
			return fmt.Errorf("eventlog: projection %s has no source for area %s", s.Name, area)
		}
		resp, err := headsOf(ctx, source)
		if err != nil {
			if err := s.noteAway(ctx, area, err); err != nil {
				return err
			}
			continue
		}
		delete(s.away, area)
		for _, h := range resp.GetHeads() {
			at := slot{area, int16(h.GetPartition())}
			heads[at] = h.GetPosition()
			if s.cursors[at] > heads[at] {
				s.Logger.ErrorContext(ctx, "the projection is ahead of the log: was the log restored from a backup?",
					"projection", s.Name, "area", area, "partition", at.partition, "cursor", s.cursors[at], "head", heads[at])
			}
		}
	}
	s.heads = heads
	return nil
}

// headsOf bounds the time in which a source that hangs holds up the others.
func headsOf(ctx context.Context, source Source) (*eventv1.LogHeads, error) {
	ctx, cancel := context.WithTimeout(ctx, headsTimeout)
	defer cancel()
	return source.GetLogHeads(ctx, &eventv1.GetLogHeadsRequest{})
}

// noteAway leaves a source alone for a while. It answers an error only where the
// runner itself is to end.
func (s *session) noteAway(ctx context.Context, area string, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !s.isAway(area) {
		level := slog.LevelWarn
		if time.Since(s.began) < startGrace {
			level = slog.LevelDebug // it may come up just now
		}
		s.Logger.Log(ctx, level, "the log of an area cannot be read now", "projection", s.Name, "area", area, "error", cause)
	}
	s.away[area] = time.Now()
	return nil
}

func (s *session) isAway(area string) bool {
	since, away := s.away[area]
	return away && time.Since(since) < compareInterval
}
