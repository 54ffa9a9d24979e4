package server

import (
	"context"
	"sync"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// headsInterval is how often the areas are asked how far they are.
	headsInterval = 2 * time.Second
	// headsTimeout bounds asking one of them.
	headsTimeout = time.Second
	// awayPatience is how long an area may stay silent before what is known of it
	// counts as stale.
	awayPatience = 10 * time.Second
)

var (
	errBehind = errs.Unavailable("AREA_BEHIND", "newer events of this area are on their way", headsInterval)
	errAway   = errs.Unavailable("AREA_AWAY", "the area cannot be asked whether it has newer events", awayPatience)
	errParked = errs.Refused("EVENTS_PARKED", "events of this customer could not be applied and wait for an operator")
)

// heads remembers how far each area was when it was last asked.
type heads struct {
	mu    sync.RWMutex
	areas map[string]areaHeads
}

type areaHeads struct {
	positions map[int32]int64
	// answered is when the area last answered; zero where it never did.
	answered time.Time
	err      error
}

// FollowHeads asks every area how far it is, again and again, until the context
// ends. Sections whose area is ahead of what is applied are STALE.
func (s *Server) FollowHeads(ctx context.Context) error {
	s.heads.mu.Lock()
	s.heads.areas = map[string]areaHeads{}
	for area := range s.Runner.Sources {
		s.heads.areas[area] = areaHeads{answered: time.Now()}
	}
	s.heads.mu.Unlock()
	for {
		for area, source := range s.Runner.Sources {
			s.heads.set(area, ask(ctx, source))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(headsInterval):
		}
	}
}

// ask answers how far an area is now.
func ask(ctx context.Context, source eventlog.Source) areaHeads {
	ctx, cancel := context.WithTimeout(ctx, headsTimeout)
	defer cancel()
	resp, err := source.GetLogHeads(ctx, &eventv1.GetLogHeadsRequest{})
	if err != nil {
		return areaHeads{err: err}
	}
	h := areaHeads{positions: make(map[int32]int64, len(resp.GetHeads())), answered: time.Now()}
	for _, head := range resp.GetHeads() {
		h.positions[head.GetPartition()] = head.GetPosition()
	}
	return h
}

// set keeps what was last known of an area that does not answer.
func (h *heads) set(area string, now areaHeads) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.err != nil {
		before := h.areas[area]
		now.positions, now.answered = before.positions, before.answered
	}
	h.areas[area] = now
}

// stale answers why what was applied of an area, up to a position of a partition,
// may not be all there is; nil where it was all when the area was last asked.
func (h *heads) stale(area string, partition int32, applied int64) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	known, ok := h.areas[area]
	switch {
	case !ok:
		return nil // nobody has asked yet
	case known.positions[partition] > applied:
		return errBehind
	case time.Since(known.answered) > awayPatience:
		return errAway
	}
	return nil
}
