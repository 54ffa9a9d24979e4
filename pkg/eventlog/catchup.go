package eventlog

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

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
	for at, head := range heads {
		if s.cursors[at] >= head {
			continue
		}
		if err := s.catchUp(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// catchUp applies a partition from its source until nothing is left, or until
// another runner turns out to be doing the same. Where the source cannot be read
// the partition stays behind, and those of other areas go on.
func (s *session) catchUp(ctx context.Context, at slot) error {
	if s.isAway(at.area) {
		return nil
	}
	catchUps.Add(ctx, 1, s.attributes(at.area))
	for standby := s.standby; ; {
		after := s.cursors[at]
		resp, err := s.Sources[at.area].ReadEvents(ctx, &eventv1.ReadEventsRequest{
			Partition: int32(at.partition), AfterPosition: after, PageSize: applyEvents,
		})
		if err != nil {
			return s.noteAway(ctx, at.area, err)
		}
		if len(resp.GetEvents()) == 0 {
			return nil
		}
		if err := s.at(failpoint.ProjectionCatchUp); err != nil {
			return err
		}
		if err := s.apply(ctx, resp.GetEvents()); err != nil {
			return err
		}
		if s.cursors[at] >= resp.GetHeadPosition() || s.standby && !standby {
			return nil
		}
		if s.cursors[at] == after {
			return fmt.Errorf("eventlog: the log of %s, partition %d, does not go on after %d", at.area, at.partition, after)
		}
	}
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
