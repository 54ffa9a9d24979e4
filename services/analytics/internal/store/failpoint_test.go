//go:build drill

package store_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// A rebuild that fails between two batches, and again before the swap, begins
// anew and gives what is live (I8).
func TestFailpoints_rebuild(t *testing.T) {
	w := newWorld(t, 2)
	w.story(1000, uuid.New(), uuid.New())
	s, db := open(t, w.keys)
	apply(t, s, db, 400, w.events)
	asked, err := s.AskForRebuild(t.Context(), 113, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, plan := range []string{"rebuild.after_batch=error@3", "rebuild.before_swap=error@1"} {
		testkit.Failpoints(t, plan)
		if err := s.RunRebuildOnce(t.Context()); err == nil {
			t.Fatalf("the rebuild came through %s", plan)
		}
	}
	var done store.Rebuild
	testkit.Eventually(t, func() error {
		if err := s.RunRebuildOnce(t.Context()); err != nil {
			return err
		}
		if done, err = s.GetRebuild(t.Context(), asked.ID); err == nil && done.State != store.Done {
			err = fmt.Errorf("the rebuild is %+v", done)
		}
		return err
	})
	if done.Attempts != 3 || len(done.Digests) == 0 {
		t.Errorf("the rebuild is %+v", done)
	}
	for _, d := range done.Digests {
		if d.Live != d.Rebuilt {
			t.Errorf("%s differs: live %s, rebuilt %s", d.Projection, d.Live, d.Rebuilt)
		}
	}
}
