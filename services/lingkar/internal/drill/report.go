package drill

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/check"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// Outcomes are how often callers were told what.
type Outcomes struct {
	// OK, Failed and Unknown count operations, Calls the calls they took.
	OK      int `json:"ok"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
	Calls   int `json:"calls"`
	// Resolved are those that were in doubt first and known later.
	Resolved int `json:"resolved"`
}

// Period is what the nemesis did, and how long the suite took to be well again
// after it was healed; nil where that was not before the next period.
type Period struct {
	nemesis.Period
	Recovery *time.Duration `json:"recovery_ns,omitempty"`
}

// Report is what a drill found.
type Report struct {
	Seed     uint64 `json:"seed"`
	Replicas int    `json:"replicas"`
	Clients  int    `json:"clients"`
	// Begin and End bound the drill; Ready is when the suite served.
	Begin time.Time `json:"begin"`
	Ready time.Time `json:"ready"`
	End   time.Time `json:"end"`
	// Operations are by kind, such as "record interaction".
	Operations map[string]Outcomes `json:"operations"`
	Periods    []Period            `json:"periods"`
	// Drained is how long projections took to reach the end after the load ended.
	Drained    time.Duration  `json:"drained_ns"`
	Invariants []check.Result `json:"invariants"`
	// Uses are what each process held over time, in a soak.
	Uses map[string][]Use `json:"uses,omitempty"`
	// Kept is where ledger, logs and data lie, where they were kept.
	Kept string `json:"kept,omitempty"`
}

// Holds says whether every invariant held.
func (r *Report) Holds() bool {
	return len(r.Invariants) > 0 && !slices.ContainsFunc(r.Invariants, func(c check.Result) bool { return !c.Holds() })
}

// Write writes the report for a person.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "drill with seed %d: %d of each service, %d clients, %s, of which %s to start\n\n",
		r.Seed, r.Replicas, r.Clients, r.End.Sub(r.Begin).Round(time.Second), r.Ready.Sub(r.Begin).Round(time.Second))
	r.writeOperations(&b)
	r.writeFaults(&b)
	b.WriteString("invariants\n")
	for _, c := range r.Invariants {
		mark := "✓"
		if !c.Holds() {
			mark = "✗"
		}
		fmt.Fprintf(&b, "  %s %-5s %s (%s)\n", mark, c.ID, c.Title, c.Evidence)
		for _, broken := range c.Broken {
			fmt.Fprintf(&b, "      %s\n", strings.ReplaceAll(broken, "\n", "\n        "))
		}
	}
	if r.Kept != "" {
		fmt.Fprintf(&b, "\nledger, logs and data are in %s\n", r.Kept)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeOperations(b *strings.Builder) {
	fmt.Fprintf(b, "%-22s %7s %7s %7s %7s %9s\n", "operations", "ok", "failed", "unknown", "calls", "resolved")
	var all Outcomes
	for _, kind := range slices.Sorted(maps.Keys(r.Operations)) {
		o := r.Operations[kind]
		all = Outcomes{all.OK + o.OK, all.Failed + o.Failed, all.Unknown + o.Unknown, all.Calls + o.Calls, all.Resolved + o.Resolved}
		fmt.Fprintf(b, "  %-20s %7d %7d %7d %7d %9d\n", kind, o.OK, o.Failed, o.Unknown, o.Calls, o.Resolved)
	}
	fmt.Fprintf(b, "  %-20s %7d %7d %7d %7d %9d\n\n", "all", all.OK, all.Failed, all.Unknown, all.Calls, all.Resolved)
}

// writeFaults tells for each fault how often it was injected and how long the
// suite took to be well after periods that had it.
func (r *Report) writeFaults(b *strings.Builder) {
	times := map[string]int{}
	recoveries := map[string][]time.Duration{}
	for _, p := range r.Periods {
		names := p.Faults
		if len(names) == 0 {
			names = []string{"none"}
		}
		for _, f := range names {
			times[f]++
			if p.Recovery != nil {
				recoveries[f] = append(recoveries[f], *p.Recovery)
			}
		}
	}
	fmt.Fprintf(b, "%-8s %5s   %s\n", "faults", "times", "well again after (median, longest)")
	for _, f := range slices.Sorted(maps.Keys(times)) {
		took := recoveries[f]
		slices.Sort(took)
		line := "not before the next period"
		if len(took) > 0 {
			line = fmt.Sprintf("%s, %s", took[len(took)/2].Round(10*time.Millisecond), took[len(took)-1].Round(10*time.Millisecond))
			if missing := times[f] - len(took); missing > 0 {
				line += fmt.Sprintf("; %d times not before the next period", missing)
			}
		}
		fmt.Fprintf(b, "  %-6s %5d   %s\n", f, times[f], line)
	}
	fmt.Fprintf(b, "\nall events were applied %s after the load ended\n\n", r.Drained.Round(time.Millisecond))
}
