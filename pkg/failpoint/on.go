//go:build drill

package failpoint

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Enabled says whether points can be armed in this build.
const Enabled = true

// exitCode is that of a process killed by SIGKILL, as a shell tells it.
const exitCode = 137

var armed = struct {
	sync.Mutex
	plan Plan
	hits map[Point]int64
}{hits: map[Point]int64{}}

func init() {
	plan, err := Parse(os.Getenv(Environment))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", Environment, err)
		os.Exit(2)
	}
	Arm(plan)
}

// Arm replaces the plan of the process, and counts its hits from 0.
func Arm(plan Plan) {
	armed.Lock()
	defer armed.Unlock()
	armed.plan = plan
	clear(armed.hits)
}

// Hits answers how often each point was come to since the plan was set.
func Hits() map[Point]int64 {
	armed.Lock()
	defer armed.Unlock()
	hits := make(map[Point]int64, len(armed.hits))
	for p, n := range armed.hits {
		hits[p] = n
	}
	return hits
}

// Hit says that the code has come to the point, and does what the plan says: it
// ends the process, panics, waits, or answers an error that a caller sees as
// UNAVAILABLE FAILPOINT.
func Hit(p Point) error {
	act, ok := due(p)
	if !ok {
		return nil
	}
	if act.Kind != Sleep {
		fmt.Fprintf(os.Stderr, "failpoint %s: %s\n", p, act)
	}
	switch act.Kind {
	case Exit:
		os.Exit(exitCode)
	case Panic:
		panic("failpoint " + string(p))
	case Sleep:
		time.Sleep(act.Pause)
	case Error:
		return errs.Unavailable("FAILPOINT", "a failure was caused at "+string(p), 0)
	}
	return nil
}

// due counts the hit and answers what is to be done, if anything.
func due(p Point) (Action, bool) {
	armed.Lock()
	defer armed.Unlock()
	armed.hits[p]++
	act, ok := armed.plan[p]
	switch {
	case !ok, act.At > 0 && armed.hits[p] != act.At:
		return Action{}, false
	case act.Percent > 0 && rand.IntN(100) >= act.Percent:
		return Action{}, false
	}
	return act, true
}
