package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Results are what a run measured, at one size after the other.
type Results struct {
	Reports []*Report `json:"reports"`
}

// Report is what was measured at one size.
type Report struct {
	// Time is when, Machine on what.
	Time    time.Time `json:"time"`
	Machine string    `json:"machine"`
	// Contacts is how many there were when the run began.
	Contacts int   `json:"contacts"`
	Rows     []Row `json:"rows"`
	// Skipped says what was not measured and why, by row.
	Skipped map[string]string `json:"skipped,omitempty"`
}

// Row is one row of the table: a figure beside its limit.
type Row struct {
	// ID is the name that --only takes.
	ID string `json:"id"`
	// What says what was measured, Limit what beside it.
	What  string `json:"what"`
	Limit string `json:"limit,omitempty"`
	Unit  string `json:"unit"`
	// Figure and Beside are medians over the rounds of what was measured and of
	// its limit; Beside is 0 where there is none.
	Figure Spread  `json:"figure"`
	Beside *Spread `json:"beside,omitempty"`
	// Ratio is of the figure to the limit, in the unit of the targets.
	Ratio float64 `json:"ratio,omitempty"`
	// First and Goal are the targets, in words.
	First string `json:"first"`
	Goal  string `json:"goal"`
	// Met tells whether the first target was met; nil where there is none.
	Met *bool `json:"met,omitempty"`
	// P50 and P95 are of single calls, in milliseconds.
	P50 float64 `json:"p50_ms,omitempty"`
	P95 float64 `json:"p95_ms,omitempty"`
	// CPU is milliseconds of processor per call, user and system: of the suite's
	// process and of PostgreSQL's. The client is not counted.
	CPU *CPU `json:"cpu_ms,omitempty"`
}

// CPU is processor time by process, in milliseconds per call.
type CPU struct {
	Suite    float64 `json:"suite"`
	Postgres float64 `json:"postgres"`
}

// Spread is a median with the least and the most.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Spread{Median: sorted[len(sorted)/2], Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// String writes a median with its range.
func (s Spread) String() string {
	return fmt.Sprintf("%s (%s to %s)", number(s.Median), number(s.Min), number(s.Max))
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// cells are what a table shows of a row.
func (r Row) cells() []string {
	beside, ratio, cpu, met := "", "", "", ""
	if r.Beside != nil {
		beside, ratio = r.Limit+": "+r.Beside.String(), fmt.Sprintf("%.2f", r.Ratio)
	}
	if r.CPU != nil {
		cpu = fmt.Sprintf("%.2f + %.2f", r.CPU.Suite, r.CPU.Postgres)
	}
	if r.Met != nil {
		met = map[bool]string{true: "met", false: "missed"}[*r.Met]
	}
	p95 := ""
	if r.P95 > 0 {
		p95 = fmt.Sprintf("%s / %s", number(r.P50), number(r.P95))
	}
	return []string{r.What, r.Figure.String() + " " + r.Unit, beside, ratio, p95, cpu, r.First, met}
}

var headings = []string{"what", "figure", "limit in the same run", "ratio", "p50 / p95 ms", "CPU ms, suite + PostgreSQL", "first target", ""}

// Text writes the results as tables for people, with how the processor time of a
// call grew from the first size to the last.
func (r *Results) Text(w io.Writer) error {
	for _, report := range r.Reports {
		fmt.Fprintf(w, "%d contacts, %s, %s\n\n", report.Contacts, report.Machine, report.Time.Format(time.RFC3339))
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, strings.Join(headings, "\t"))
		for _, row := range report.Rows {
			fmt.Fprintln(table, strings.Join(row.cells(), "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(report.Skipped)) {
			fmt.Fprintf(w, "not measured: %s: %s\n", id, report.Skipped[id])
		}
		fmt.Fprintln(w)
	}
	if len(r.Reports) < 2 {
		return nil
	}
	fmt.Fprintln(w, "Growth from the first size to the last:")
	return compare(w, r.Reports[0], r.Reports[len(r.Reports)-1])
}

// Markdown writes the results as tables for documents.
func (r *Results) Markdown(w io.Writer) error {
	for _, report := range r.Reports {
		fmt.Fprintf(w, "%d contacts, %s, %s. A figure is a median with the least and the most.\n\n", report.Contacts, report.Machine, report.Time.Format(time.DateOnly))
		fmt.Fprintln(w, "| "+strings.Join(headings, " | ")+" |")
		fmt.Fprintln(w, strings.Repeat("|---", len(headings))+"|")
		for _, row := range report.Rows {
			fmt.Fprintln(w, "| "+strings.Join(row.cells(), " | ")+" |")
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return nil
}

// Read reads the results that a run wrote.
func Read(path string) (*Results, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Results
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Reports) == 0 {
		return nil, fmt.Errorf("%s holds no results of `lingkar bench`", path)
	}
	return &r, nil
}

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
		return errors.New("the two runs have no size in common")
	}
	return nil
}

// compare writes what changed from one report to another, row by row.
func compare(w io.Writer, a, b *Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tfigure\tchange\tratio to the limit\tCPU ms a call")
	for _, after := range b.Rows {
		i := slices.IndexFunc(a.Rows, func(r Row) bool { return r.ID == after.ID })
		if i < 0 {
			continue
		}
		before := a.Rows[i]
		change, ratio, cpu := "", "", ""
		if before.Figure.Median != 0 {
			change = fmt.Sprintf("%+.0f %%", 100*(after.Figure.Median/before.Figure.Median-1))
		}
		if before.Beside != nil && after.Beside != nil {
			ratio = fmt.Sprintf("%.2f to %.2f", before.Ratio, after.Ratio)
		}
		if before.CPU != nil && after.CPU != nil {
			cpu = fmt.Sprintf("%.2f to %.2f", before.CPU.Suite+before.CPU.Postgres, after.CPU.Suite+after.CPU.Postgres)
		}
		fmt.Fprintf(table, "%s\t%s to %s %s\t%s\t%s\t%s\n", after.What, number(before.Figure.Median), number(after.Figure.Median), after.Unit, change, ratio, cpu)
	}
	return table.Flush()
}
