//go:build drill

package record_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// Whatever point of the write path fails, a caller who tries again with the same
// request id gets the answer of the one change there is (F02, I4).
func TestFailpoints_writePath(t *testing.T) {
	h := open(t)
	for what, change := range h.changes() {
		for n, c := range []struct {
			plan   string
			events int // after the call that failed
		}{{"write.before_commit=error@1", 0}, {"write.after_commit=error@1", 1}} {
			before := h.count("SELECT count(*) FROM event_log")
			ctx := h.request(what+c.plan, "body")
			testkit.Failpoints(t, c.plan)
			_, err := change(ctx, n)
			wantReason(t, what+" under "+c.plan, err, "FAILPOINT")
			if got := h.count("SELECT count(*) FROM event_log") - before; got != c.events {
				t.Errorf("%s under %s: %d events, want %d", what, c.plan, got, c.events)
			}
			first, err := change(ctx, n)
			if err != nil {
				t.Fatalf("%s again after %s: %v", what, c.plan, err)
			}
			testkit.Failpoints(t, "write.replay=error@1")
			_, err = change(ctx, n)
			wantReason(t, what+": the replay", err, "FAILPOINT")
			second, err := change(ctx, n)
			if err != nil || !proto.Equal(first, second) {
				t.Errorf("%s: answered %v, then %v (%v)", what, first, second, err)
			}
			if got := h.count("SELECT count(*) FROM event_log") - before; got != 1 {
				t.Errorf("%s under %s: %d events in the end, want 1", what, c.plan, got)
			}
		}
	}
}
