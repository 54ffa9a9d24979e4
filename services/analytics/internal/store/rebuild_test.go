package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

const storyEvents = 10_000

// I8: whatever the batches and however the partitions interleave, the projections
// are the same to the byte.
func TestProjections_dependOnTheEventsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.story(storyEvents, uuid.New(), uuid.New())
	first, firstDB := open(t, w.keys)
	apply(t, first, firstDB, 500, w.events)
	second, secondDB := open(t, w.keys)
	apply(t, second, secondDB, 137, w.shuffled())

	want, err := first.DigestsOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := second.DigestsOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(want, got) {
		t.Errorf("the projections differ:\n%v\n%v", want, got)
	}
	for table, sum := range want {
		if sum == emptySHA256 {
			t.Errorf("the story leaves %s empty", table)
		}
	}
}

// Entries that were there before it was said which of them are guarded are told from their
// own words.
func TestMigration_findsWhatIsGuarded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4)
	w.story(storyEvents, uuid.New())
	s, db := open(t, w.keys)
	apply(t, s, db, 500, w.events)
	want, err := s.DigestsOf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, "UPDATE timeline SET guarded = ''")
	if emptied, err := s.DigestsOf(t.Context()); err != nil || emptied["timeline"] == want["timeline"] {
		t.Fatalf("nothing is guarded: %v", err)
	}
	migration, err := store.Migrations.ReadFile("migrations/00006_guarded.sql")
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, db, string(migration[bytes.Index(migration, []byte("WITH named")):]))
	if got, err := s.DigestsOf(t.Context()); err != nil || got["timeline"] != want["timeline"] {
		t.Errorf("the timeline differs from what the events make of it: %v", err)
	}
}

const emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// shuffled answers the events in another order that keeps the one within each
// partition: a partition is drawn at random and gives its next few events.
func (w *world) shuffled() []*eventv1.Event {
	queues := map[slot][]*eventv1.Event{}
	var slots []slot
	for _, e := range w.events {
		at := slot{e.GetArea(), e.GetPartition()}
		if queues[at] == nil {
			slots = append(slots, at)
		}
		queues[at] = append(queues[at], e)
	}
	var events []*eventv1.Event
	for len(slots) > 0 {
		i := w.random.IntN(len(slots))
		n := min(1+w.random.IntN(40), len(queues[slots[i]]))
		events = append(events, queues[slots[i]][:n]...)
		if queues[slots[i]] = queues[slots[i]][n:]; len(queues[slots[i]]) == 0 {
			slots[i] = slots[len(slots)-1]
			slots = slots[:len(slots)-1]
		}
	}
	return events
}

// I8: a rebuild gives what is live, with another batch size, also after one that
// was cut off in the middle.
func TestRebuild_isIdentical(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	w.story(storyEvents, uuid.New(), uuid.New())
	s, db := open(t, w.keys)
	apply(t, s, db, 400, w.events[:storyEvents-50])

	asked, err := s.AskForRebuild(t.Context(), 113, true)
	if err != nil {
		t.Fatal(err)
	}
	cutOff(t, s, asked.ID)
	apply(t, s, db, 7, w.events[storyEvents-50:]) // new events between the attempts
	var done store.Rebuild
	testkit.Eventually(t, func() error { // the lock of the one that was cut off goes with its session
		if err := s.RunRebuildOnce(t.Context()); err != nil {
			return err
		}
		if done, err = s.GetRebuild(t.Context(), asked.ID); err == nil && done.State == store.Running {
			err = fmt.Errorf("nobody works at %+v", done)
		}
		return err
	})
	if done.State != store.Done || done.Attempts != 2 || done.Done != int64(len(w.events)) {
		t.Fatalf("the rebuild is %+v", done)
	}
	if len(done.Digests) == 0 {
		t.Fatal("the rebuild compared nothing")
	}
	for _, d := range done.Digests {
		if d.Live != d.Rebuilt || d.Rows == 0 {
			t.Errorf("%s: %d rows, live %s, rebuilt %s", d.Projection, d.Rows, d.Live, d.Rebuilt)
		}
	}
	again, err := s.AskForRebuild(t.Context(), 0, false)
	if err != nil || again.ID == asked.ID || again.State != store.Running {
		t.Errorf("the next rebuild is %+v, %v", again, err)
	}
}

// Readers find what a rebuild made by the indexes that there were before.
func TestRebuild_keepsTheIndexes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.story(100, uuid.New())
	s, db := open(t, w.keys)
	apply(t, s, db, 100, w.events)
	asOwner(t, db, "CREATE INDEX timeline_by_hand ON timeline (tenant, type)")
	indexes := func() (all []string) {
		rows, err := db.System.Query(t.Context(), "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY (projection_tables()) ORDER BY indexdef")
		if err == nil {
			all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	before := indexes()
	if len(before) < 12 {
		t.Fatalf("there are few indexes: %v", before)
	}
	if _, err := s.AskForRebuild(t.Context(), 0, false); err != nil {
		t.Fatal(err)
	}
	if err := s.RunRebuildOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := indexes(); !slices.Equal(after, before) {
		t.Errorf("the indexes are %v, and were %v", after, before)
	}
}

// cutOff runs the rebuild until it has done something, as a crash would leave it.
func cutOff(t *testing.T, s *store.Store, id uuid.UUID) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.RunRebuildOnce(ctx) }()
	for {
		r, err := s.GetRebuild(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if r.Done > 2000 {
			break
		}
		if r.State != store.Running {
			t.Fatalf("the rebuild was done before it could be cut off: %+v", r)
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("the rebuild ended with %v", err)
	}
}
