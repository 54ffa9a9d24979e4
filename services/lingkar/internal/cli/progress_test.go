package cli

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What goes on for a minute and is looked at ten times a second fills a log with a line
// every ten seconds, and the last.
func TestProgress_inALog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		line := newProgress(&log)
		for range 600 {
			line.tell("half of it")
			time.Sleep(100 * time.Millisecond)
		}
		line.end("all of it")
		if want := strings.Repeat("half of it\n", 5) + "all of it\n"; log.String() != want {
			t.Errorf("it holds %q, want %q", log.String(), want)
		}
	})
}
