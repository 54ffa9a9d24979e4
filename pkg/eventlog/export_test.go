package eventlog

import (
	"context"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

// LeaderLock is the advisory lock of the leader.
const LeaderLock = leaderLock

// GiveSeqs is the statement that empties the outbox.
const GiveSeqs = giveSeqs

// FailAt calls hook at each point. An error of Stop ends Run as a crash would.
func (r *Relay) FailAt(hook func(failpoint.Point) error) { r.fail = hook }

// FailAt calls hook at each point. An error of Stop ends Run as a crash would.
func (r *Runner) FailAt(hook func(failpoint.Point) error) { r.fail = hook }

// Stop is what a hook answers to end Run at the point.
func Stop(point failpoint.Point) error { return &stopped{point} }

// SettleNow settles the erasures that were applied so long ago.
func (r *Runner) SettleNow(ctx context.Context, after time.Duration) error {
	return r.settle(ctx, after)
}

// Hold sets how many events wait for each projection.
func (f *Feed) Hold(most int) { f.buffer = most }

// Followers is how many projections get events now.
func (f *Feed) Followers() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tails {
		t.mu.Lock()
		n += len(t.followers)
		t.mu.Unlock()
	}
	return n
}

// Follow starts to follow the feed and stops at once.
func (f *Feed) Follow(ctx context.Context, areas []string) error {
	w, err := f.follow(ctx, areas)
	if err == nil {
		w.stop()
	}
	return err
}

// Started waits until nobody makes the consumer of the areas any more.
func (f *Feed) Started(areas []string) {
	<-f.starting.DoChan(strings.Join(areas, " "), func() (any, error) { return nil, nil })
}

// Consumers is how many consumers of the broker the feed has.
func (f *Feed) Consumers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tails)
}
