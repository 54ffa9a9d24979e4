package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// detailsShown is how many details of a row a table shows; the JSON has all.
const detailsShown = 12

var headings = []string{"what", "figure", "limit in the same run", "ratio", "p50 / p95 ms", "CPU ms, suite + PostgreSQL", "round trips", "kB, objects allocated", "first target", ""}

// cells are what a table shows of a row.
func (r Row) cells() []string {
	beside, ratio, cpu, trips, allocated, met, p95 := "", "", "", "", "", "", ""
	if r.Beside != nil {
		beside, ratio = r.Limit+": "+r.Beside.String(), fmt.Sprintf("%.2f", r.Ratio)
	}
	if r.CPU != nil {
		cpu = fmt.Sprintf("%.2f + %.2f", r.CPU.Suite, r.CPU.Postgres)
	}
	if r.Work != nil {
		trips = fmt.Sprintf("%.2f", r.Work.Trips)
		allocated = fmt.Sprintf("%.0f, %.0f", r.Work.Bytes/1000, r.Work.Objects)
	}
	if r.Met != nil {
		met = map[bool]string{true: "met", false: "missed"}[*r.Met]
	}
	if r.P95 > 0 {
		p95 = fmt.Sprintf("%s / %s", number(r.P50), number(r.P95))
	}
	return []string{r.What, r.Figure.String() + " " + r.Unit, beside, ratio, p95, cpu, trips, allocated, r.First, met}
}

// further are the lines below a table about its rows.
func (r Report) further() []string {
	var lines []string
	for _, row := range r.Rows {
		for _, limit := range row.Also {
			lines = append(lines, fmt.Sprintf("%s: ratio %.2f to %s: %s", row.ID, limit.Ratio, limit.What, limit.Figure))
		}
		for i, d := range row.Details {
			if i == detailsShown {
				lines = append(lines, fmt.Sprintf("%s: and %d more, in the JSON", row.ID, len(row.Details)-i))
				break
			}
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s: %s: %s %s %s", row.ID, d.Name, number(d.Value), d.Unit, d.Note)))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.Skipped)) {
		lines = append(lines, fmt.Sprintf("not measured: %s: %s", id, r.Skipped[id]))
	}
	return lines
}

// Text writes the results as tables for people, with how the cost of an operation
// grew from the first size to the last.
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
		fmt.Fprintln(w)
		for _, line := range report.further() {
			fmt.Fprintln(w, line)
		}
		fmt.Fprintln(w)
	}
	if len(r.Reports) < 2 {
		return nil
	}
	return grown(w, r.Reports[0], r.Reports[len(r.Reports)-1])
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
		fmt.Fprintln(w)
		for _, line := range report.further() {
			fmt.Fprintln(w, "- "+line)
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return nil
}

// String writes a median with its range.
func (s Spread) String() string {
	if s.Min == s.Max {
		return number(s.Median)
	}
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
