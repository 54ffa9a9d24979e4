package eventlog

import (
	"testing"
	"time"
)

// A calm follower waits for each event a little, a busy one as long as usual, and one
// whose transactions take long for a multiple of that, up to a limit.
func TestPace(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		events            int
		took, usual, want time.Duration
	}{
		{0, ms, 10 * ms, 0},
		{2, ms, 10 * ms, 4 * ms},
		{2, 30 * ms, 10 * ms, 4 * ms},
		{100, ms, 10 * ms, 10 * ms},
		{100, 8 * ms, 10 * ms, 32 * ms},
		{100, time.Second, 20 * ms, 50 * ms},
	} {
		if got := pace(c.events, c.took, c.usual); got != c.want {
			t.Errorf("%d events in %s, usually %s: %s, want %s", c.events, c.took, c.usual, got, c.want)
		}
	}
}
