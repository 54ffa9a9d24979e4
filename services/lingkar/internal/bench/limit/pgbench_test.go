package limit

import "testing"

func TestReached_readsWhatPgbenchPrints(t *testing.T) {
	t.Parallel()
	rate, err := reached([]byte("latency average = 1.6 ms\ninitial connection time = 9.1 ms\ntps = 4987.25 (without initial connection time)\n"))
	if err != nil || rate != 4987.25 {
		t.Errorf("got %g, %v", rate, err)
	}
	if _, err := reached([]byte("pgbench: error: aborted\n")); err == nil {
		t.Error("an aborted run has a rate")
	}
}
