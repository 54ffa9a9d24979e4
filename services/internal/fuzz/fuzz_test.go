package fuzz_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

var (
	seed     = flag.Uint64("seed", 0, "seed of one fuzz run; without it there are two, of a fixed and of a random seed, in CI the first alone")
	inputs   = flag.Int64("inputs", 0, "how many requests a fuzz run sends; 0 for as many as -duration allows")
	duration = flag.Duration("duration", 20*time.Second, "how long a fuzz run sends")
	answers  = flag.Bool("answers", false, "show how each RPC answered")
)

func TestMain(m *testing.M) { testkit.Main(m) }

func suite(t testing.TB) *testkit.Suite {
	return testkit.Start(t, fleet.All()...)
}

// Rows B01 and B02: whatever is sent, every RPC answers in order over each
// transport, and nothing of another tenant.
//
// A long run: go test ./services/internal/fuzz -inputs 1000000 -duration 1h -timeout 2h
func TestAnyInput(t *testing.T) {
	testkit.Prove(t, testkit.GRPC, "B01", "B02")
	s := suite(t)
	seeds := []uint64{*seed}
	if *seed == 0 {
		seeds = []uint64{20261122}
		if os.Getenv("CI") == "" { // a change is not refused for what chance finds elsewhere
			seeds = append(seeds, rand.Uint64())
		}
	}
	for _, seed := range seeds {
		t.Logf("repeat by: go test ./services/internal/fuzz -seed %d", seed)
		run(t, fuzz.Run{Suite: s, Seed: seed, Inputs: *inputs, Time: *duration, Workers: 4})
	}
}

// tolerated is how much more memory may be in use after a run.
const tolerated = 128 << 20

func run(t *testing.T, r fuzz.Run) {
	t.Helper()
	before := inUse()
	report := r.Do(t.Context())
	t.Logf("seed %d: %d inputs, %d findings", r.Seed, report.Inputs, len(report.Findings))
	for _, f := range report.Findings {
		t.Errorf("%s over %s: %s (%d times)\n  sent: %s\n  answered: %s", f.Method, f.Transport, f.Wrong, f.Count, f.Input, f.Answer)
	}
	if grown := inUse() - before; grown > tolerated {
		t.Errorf("after the run %d MiB more are in use", grown>>20)
	}
	if *answers {
		for _, method := range slices.Sorted(maps.Keys(report.Answers)) {
			t.Log(method, report.Answers[method])
		}
		t.Log("never answered OK:", report.Unreached())
	}
}

// inUse answers the bytes of the heap that are reachable.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
