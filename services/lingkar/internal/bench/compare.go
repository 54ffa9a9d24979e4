package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
)

// Compare writes what changed from one run to another, for each size that both
// measured (within a tenth). Figures of different machines do not compare; ratios
// and processor times may.
func Compare(w io.Writer, a, b *Results) error {
	matched := false
	for _, after := range b.Reports {
		for _, before := range a.Reports {
			if size := float64(after.Contacts) / float64(before.Contacts); size < 0.9 || size > 1.1 {
				continue
			}
			matched = true
			fmt.Fprintf(w, "%d contacts\n", after.Contacts)
			if err := compare(w, before, after); err != nil {
				return err
			}
		}
	}
	if !matched {
		return errors.New("the two runs have no size in common; `lingkar bench growth` compares two sizes")
	}
	return nil
}

// compare writes what changed from one report to another, row by row.
func compare(w io.Writer, a, b *Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tfigure\tchange\tratio to the limit\tCPU ms a call\tround trips\tobjects allocated")
	for before, after := range common(a, b) {
		change, ratio, cpu, trips, objects := "", "", "", "", ""
		if before.Figure.Median != 0 {
			change = fmt.Sprintf("%+.0f %%", 100*(after.Figure.Median/before.Figure.Median-1))
		}
		if before.Beside != nil && after.Beside != nil {
			ratio = fmt.Sprintf("%.2f to %.2f", before.Ratio, after.Ratio)
		}
		if before.CPU != nil && after.CPU != nil {
			cpu = fmt.Sprintf("%.2f to %.2f", before.cpu(), after.cpu())
		}
		if before.Work != nil && after.Work != nil {
			trips = fmt.Sprintf("%.2f to %.2f", before.Work.Trips, after.Work.Trips)
			objects = fmt.Sprintf("%.0f to %.0f", before.Work.Objects, after.Work.Objects)
		}
		fmt.Fprintf(table, "%s\t%s to %s %s\t%s\t%s\t%s\t%s\t%s\n", after.What, number(before.Figure.Median), number(after.Figure.Median), after.Unit, change, ratio, cpu, trips, objects)
	}
	return table.Flush()
}

// common are the rows that two reports both have.
func common(a, b *Report) iter.Seq2[*Row, *Row] {
	return func(yield func(before, after *Row) bool) {
		for i := range b.Rows {
			at := slices.IndexFunc(a.Rows, func(r Row) bool { return r.ID == b.Rows[i].ID })
			if at >= 0 && !yield(&a.Rows[at], &b.Rows[i]) {
				return
			}
		}
	}
}

// The growth of an operation's cost that is allowed at first, and the goal.
const (
	growthFirst = 2.0
	growthGoal  = 1.3
)

// Growth writes how the cost of an operation grew from the smallest size of two
// runs to the largest.
func Growth(w io.Writer, a, b *Results) error {
	all := slices.Concat(a.Reports, b.Reports)
	slices.SortFunc(all, func(a, b *Report) int { return a.Contacts - b.Contacts })
	small, large := all[0], all[len(all)-1]
	if float64(large.Contacts) < 1.5*float64(small.Contacts) {
		return errors.New("the two runs measured the same size; `lingkar bench compare` says what changed")
	}
	return grown(w, small, large)
}

// grown writes how the cost of each operation grew with the number of contacts:
// the time of a call, 95th percentile, and its processor time. Where a row has
// neither, its figure is told where it is a time.
func grown(w io.Writer, small, large *Report) error {
	fmt.Fprintf(w, "Growth of cost from %d to %d contacts (first target %.1f, goal %.1f):\n\n", small.Contacts, large.Contacts, growthFirst, growthGoal)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tp95 ms\tgrowth\tCPU ms a call\tgrowth\t")
	for before, after := range common(small, large) {
		p95, cpu := growthOf(before.P95, after.P95), growthOf(before.cpu(), after.cpu())
		if p95 == 0 && cpu == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", after.What, fromTo(before.P95, after.P95), factor(p95), fromTo(before.cpu(), after.cpu()), factor(cpu), judged(p95, cpu))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for before, after := range common(small, large) {
		if len(after.Details) > 0 {
			grownDetails(w, before, after)
		}
	}
	return nil
}

// detailGrowth is how a part of a row grew.
type detailGrowth struct {
	name          string
	before, after float64
}

// worstDetails is how many of the details that grew the most are told.
const worstDetails = 5

// grownDetails writes which of the parts of a row that are times grew the most.
func grownDetails(w io.Writer, before, after *Row) {
	var all []detailGrowth
	within := 0
	for _, d := range after.Details {
		i := slices.IndexFunc(before.Details, func(x Detail) bool { return x.Name == d.Name })
		if i < 0 || d.Unit != "ms" || before.Details[i].Value <= 0 {
			continue
		}
		all = append(all, detailGrowth{d.Name, before.Details[i].Value, d.Value})
		if d.Value <= growthFirst*before.Details[i].Value {
			within++
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortFunc(all, func(a, b detailGrowth) int { return cmp.Compare(b.after/b.before, a.after/a.before) })
	fmt.Fprintf(w, "\n%s: %d of %d grew to at most %.1f times; the most:\n", after.ID, within, len(all), growthFirst)
	for _, d := range all[:min(len(all), worstDetails)] {
		fmt.Fprintf(w, "  %s ms, %s: %s\n", fromTo(d.before, d.after), factor(d.after/d.before), d.name)
	}
}

func growthOf(before, after float64) float64 {
	if before == 0 {
		return 0
	}
	return after / before
}

func fromTo(before, after float64) string {
	if before == 0 || after == 0 {
		return ""
	}
	return number(before) + " to " + number(after)
}

func factor(growth float64) string {
	if growth == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f×", growth)
}

// judged says whether the larger growth is within the first target. Processor time
// counts where it is known: it does not depend on what else the machine does.
func judged(p95, cpu float64) string {
	growth := cpu
	if growth == 0 {
		growth = p95
	}
	words := []string{"missed"}
	if growth <= growthFirst {
		words = []string{"met"}
	}
	if growth <= growthGoal {
		words = append(words, "goal too")
	}
	return strings.Join(words, ", ")
}
