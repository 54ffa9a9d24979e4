// Package nemesis decides from a seed which faults happen when: every period a
// random subset of them, a quarter of the periods none. It knows what a fault is,
// and none by name.
//
// The same seed over the same faults gives the same periods. What the faults do to
// a running cluster still differs from run to run, as the machine does.
package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

// Fault is something that goes wrong for a while. It is used by one goroutine.
type Fault interface {
	// ID is its number in the catalogue of faults, such as "F01".
	ID() string
	// Title says in a few words what it does.
	Title() string
	// Inject begins it and returns; what it finds in another state because of
	// another fault is no error.
	Inject(ctx context.Context, c *cluster.Cluster) error
	// Heal ends it, and may be called without Inject.
	Heal(ctx context.Context, c *cluster.Cluster) error
}

// A Conditional fault cannot happen everywhere.
type Conditional interface {
	// Possible answers why it cannot happen here, or nil.
	Possible() error
}

// A Volumed fault needs stores on file systems of its own.
type Volumed interface {
	// Volumes answers them, by the names of package cluster.
	Volumes() map[string]cluster.Volume
}

// A Verifier finds out after Heal whether something was broken that no later check
// would show.
type Verifier interface {
	// Verify answers what was broken, or nil.
	Verify(ctx context.Context, c *cluster.Cluster) error
	// Invariant is what it verifies: its number, and what it says.
	Invariant() (id, title string)
}

// A Lone fault does not share its period with others.
type Lone interface{ Lone() }

// Period is one turn of the nemesis.
type Period struct {
	// Faults are their numbers; none in a quiet period.
	Faults []string `json:"faults"`
	// Begin, Healed and End are when they were injected, when they were healed,
	// and when the next period began.
	Begin  time.Time `json:"begin"`
	Healed time.Time `json:"healed"`
	End    time.Time `json:"end"`
	// Broken is what could not be done, Lost what verifying showed.
	Broken []string `json:"broken,omitempty"`
	Lost   []string `json:"lost,omitempty"`
}

// Nemesis applies faults to a cluster.
type Nemesis struct {
	// Faults are those to choose from.
	Faults []Fault
	// Hold and Rest are how long faults last and how long the cluster has to
	// recover, each up to twice as long.
	Hold, Rest time.Duration
	// Random is the seeded source of every choice.
	Random *rand.Rand
	// Tell is told of every period; nil tells nobody.
	Tell func(string)

	bag []Fault // what had no turn yet
	mu  sync.Mutex
	all []Period
}

// Run applies faults until the context ends, and answers when all are healed.
func (n *Nemesis) Run(ctx context.Context, c *cluster.Cluster) {
	for ctx.Err() == nil && len(n.Faults) > 0 {
		n.period(ctx, c, n.choose())
	}
}

// Periods answers what happened so far.
func (n *Nemesis) Periods() []Period {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]Period(nil), n.all...)
}

// choose answers the faults of the next period: none in one of four, else one to
// three. Each fault has had a turn before one has its second.
func (n *Nemesis) choose() []Fault {
	if n.Random.IntN(4) == 0 {
		return nil
	}
	var chosen []Fault
	for range 1 + n.Random.IntN(3) {
		if len(n.bag) == 0 {
			n.bag = append(n.bag, n.Faults...)
			n.Random.Shuffle(len(n.bag), func(i, j int) { n.bag[i], n.bag[j] = n.bag[j], n.bag[i] })
		}
		next := n.bag[0]
		if _, lone := next.(Lone); lone && len(chosen) > 0 || contains(chosen, next) {
			break
		}
		n.bag = n.bag[1:]
		chosen = append(chosen, next)
		if _, lone := next.(Lone); lone {
			break
		}
	}
	return chosen
}

func contains(faults []Fault, f Fault) bool {
	for _, other := range faults {
		if other.ID() == f.ID() {
			return true
		}
	}
	return false
}

// period injects, holds, heals, verifies and rests.
func (n *Nemesis) period(ctx context.Context, c *cluster.Cluster, faults []Fault) {
	p := Period{Faults: []string{}, Begin: time.Now()}
	for _, f := range faults {
		p.Faults = append(p.Faults, f.ID())
	}
	sort.Strings(p.Faults)
	n.tell("%v", p.Faults)
	note := func(f Fault, what string, err error) {
		if err != nil && ctx.Err() == nil {
			p.Broken = append(p.Broken, fmt.Sprintf("%s %s: %v", f.ID(), what, err))
		}
	}
	for _, f := range faults {
		note(f, "inject", f.Inject(ctx, c))
	}
	n.sleep(ctx, n.Hold)
	healing := context.WithoutCancel(ctx)
	for i := len(faults) - 1; i >= 0; i-- {
		note(faults[i], "heal", faults[i].Heal(healing, c))
	}
	p.Healed = time.Now()
	for _, f := range faults {
		if v, ok := f.(Verifier); ok {
			if err := v.Verify(healing, c); err != nil {
				p.Lost = append(p.Lost, fmt.Sprintf("%s: %v", f.ID(), err))
			}
		}
	}
	n.sleep(ctx, n.Rest)
	p.End = time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, p)
}

func (n *Nemesis) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d + time.Duration(n.Random.Int64N(int64(d)+1))):
	}
}

func (n *Nemesis) tell(format string, args ...any) {
	if n.Tell != nil {
		n.Tell(fmt.Sprintf(format, args...))
	}
}
