package eventlog

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// visibleWithin is how long a read waits for a change to show.
	visibleWithin = 2 * time.Second
	// visiblePoll is how often it looks by itself: what it waits for may be done by
	// another process, which rings no bell here.
	visiblePoll = 5 * time.Millisecond
	// rungPoll is how often it looks where a bell is rung.
	rungPoll = 50 * time.Millisecond
)

var errNotYetVisible = errs.Unavailable("NOT_YET_VISIBLE", "the change is not visible here yet", 500*time.Millisecond)

// bell wakes all who wait for the next time that something is done. The zero value is
// ready.
type bell struct {
	mu   sync.Mutex
	next chan struct{}
}

// rung is closed by the next ring.
func (b *bell) rung() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// wait asks until the answer is true, for at most visibleWithin: at once, whenever the
// bell rings, and now and then.
func wait(ctx context.Context, b *bell, rings func() bool, done func() (bool, error)) error {
	deadline := time.Now().Add(visibleWithin)
	for {
		rung := b.rung()
		ok, err := done()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errNotYetVisible
		}
		pause := visiblePoll
		if rings() {
			pause = rungPoll
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rung:
		case <-time.After(pause):
		}
	}
}

// awaitOrder waits until the change of a token has left the outbox. All rows of
// a change become visible at once and leave in order, so the last one is enough.
func (r *Reader) awaitOrder(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	_, position, err := parseToken(token)
	if err != nil {
		return err
	}
	sequenced, leads := &bell{}, func() bool { return false }
	if r.Relay != nil {
		sequenced, leads = &r.Relay.sequenced, r.Relay.leading.Load
	}
	return wait(ctx, sequenced, leads, func() (bool, error) {
		var waits bool
		err := r.DB.QueryRow(ctx, "SELECT EXISTS (SELECT FROM outbox WHERE position = $1)", position).Scan(&waits)
		return !waits, postgres.SQLError(err)
	})
}

// progress is how far a runner of this process knows the projection to be, for those
// who wait for it. Another runner may have come further.
type progress struct {
	moved bell
	mu    sync.Mutex
	seqs  map[slot]int64
	works bool
}

// note takes over cursors that were read or committed, and whether the runner applies
// events itself or stands by.
func (p *progress) note(seqs map[slot]int64, works bool) {
	p.mu.Lock()
	if p.seqs == nil {
		p.seqs = make(map[slot]int64, len(seqs))
	}
	maps.Copy(p.seqs, seqs)
	p.works = works
	p.mu.Unlock()
	p.moved.ring()
}

func (p *progress) working() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.works
}

// reached reports whether the heads of an area are known to be applied.
func (p *progress) reached(area string, heads []*eventv1.LogHead) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range heads {
		if p.seqs[slot{area, int16(h.GetPartition())}] < h.GetPosition() {
			return false
		}
	}
	return true
}

// WaitFor waits up to 2 seconds until the projection shows the change whose
// lingkar-position is token, then answers UNAVAILABLE NOT_YET_VISIBLE. An empty
// token, or one of an area that the projection does not read, is no reason to
// wait.
func (r *Runner) WaitFor(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	area, _, err := parseToken(token)
	if err != nil {
		return err
	}
	source := r.Sources[area]
	if source == nil {
		return nil
	}
	heads, err := source.GetLogHeads(ctx, &eventv1.GetLogHeadsRequest{MinPosition: token})
	if err != nil {
		return err
	}
	var partitions []int16
	var positions []int64
	for _, h := range heads.GetHeads() {
		partitions = append(partitions, int16(h.GetPartition()))
		positions = append(positions, h.GetPosition())
	}
	return wait(ctx, &r.progress.moved, r.progress.working, func() (bool, error) {
		if r.progress.reached(area, heads.GetHeads()) {
			return true, nil
		}
		var behind bool
		err := r.DB.QueryRow(ctx, `
			SELECT EXISTS (
				SELECT FROM unnest($3::smallint[], $4::bigint[]) AS h (partition, seq)
				LEFT JOIN projection_cursor c
				       ON c.projection = $1 AND c.area = $2 AND c.partition = h.partition
				WHERE coalesce(c.seq, 0) < h.seq)`,
			r.Name, area, partitions, positions).Scan(&behind)
		return !behind, postgres.SQLError(err)
	})
}
