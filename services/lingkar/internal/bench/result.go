package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
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
	// its limit; Beside is nil where there is none.
	Figure Spread  `json:"figure"`
	Beside *Spread `json:"beside,omitempty"`
	// Ratio is of the figure to the limit, in the unit of the targets.
	Ratio float64 `json:"ratio,omitempty"`
	// Also are further limits.
	Also []Beside `json:"also,omitempty"`
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
	// Alone is the same while the suite does nothing else than the limit does: of a
	// write without relay and projections, of the views without the other followers.
	Alone *CPU `json:"cpu_alone_ms,omitempty"`
	// AloneRatio is its rate in parts of the limit.
	AloneRatio float64 `json:"ratio_alone,omitempty"`
	// Work is what else a call made the suite do.
	Work *Work `json:"work,omitempty"`
	// Details are what the figure is made of, such as one list of many.
	Details []Detail `json:"details,omitempty"`
}

// Beside is a limit and what the figure makes of it.
type Beside struct {
	What   string  `json:"what"`
	Figure Spread  `json:"figure"`
	Ratio  float64 `json:"ratio"`
}

// CPU is processor time by process, in milliseconds per call.
type CPU struct {
	Suite    float64 `json:"suite"`
	Postgres float64 `json:"postgres"`
}

// Work is what the suite's process did, per call.
type Work struct {
	// Trips are the round trips to PostgreSQL that the call made.
	Trips float64 `json:"sql_round_trips"`
	// Behind are all others meanwhile: of the relay, of projections and what these
	// ask other services, and of jobs.
	Behind float64 `json:"sql_round_trips_behind"`
	// Bytes and Objects are what was allocated, for the call and behind it.
	Bytes   float64 `json:"allocated_bytes"`
	Objects float64 `json:"allocated_objects"`
}

// Detail is one part of a row.
type Detail struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Note  string  `json:"note,omitempty"`
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

// aim says what a row is to reach.
func (r *Row) aim(what, first, goal string, met bool) *Row {
	r.What, r.First, r.Goal, r.Met = what, first, goal, &met
	return r
}

// beside puts the figure beside a limit: the first is the one that the target is
// about.
func (r *Row) beside(what string, values []float64) {
	s := spread(values)
	if r.Beside == nil {
		r.Limit, r.Beside, r.Ratio = what, &s, r.Figure.Median/s.Median
		return
	}
	r.Also = append(r.Also, Beside{What: what, Figure: s, Ratio: r.Figure.Median / s.Median})
}

// alone notes what the same work reaches while others are held.
func (r *Row) alone(own *Row, held string) {
	r.Alone = own.CPU
	r.note("alone, "+held+" held", own.Figure.Median, r.Unit)
	if r.Beside != nil {
		r.AloneRatio = own.Figure.Median / r.Beside.Median
		r.note("alone, ratio to the limit", r.AloneRatio, "")
	}
	if own.CPU != nil {
		r.note("alone, suite", own.CPU.Suite, "ms CPU")
		r.note("alone, PostgreSQL", own.CPU.Postgres, "ms CPU")
	}
}

// busy notes what the same call takes when so many clients make it at once. A call on
// its own wakes each process that it passes, which a busy machine does not.
func (r *Row) busy(own *Row, clients int) {
	with := fmt.Sprintf("%d clients, ", clients)
	r.note(with+"rate", own.Figure.Median, own.Unit)
	r.note(with+"p95", own.P95, "ms")
	if own.CPU != nil {
		r.note(with+"suite", own.CPU.Suite, "ms CPU")
		r.note(with+"PostgreSQL", own.CPU.Postgres, "ms CPU")
	}
}

// note adds a detail.
func (r *Row) note(name string, value float64, unit string) {
	r.Details = append(r.Details, Detail{Name: name, Value: value, Unit: unit})
}

func (r *Row) cpu() float64 { return r.CPU.total() }

// total is that of all processes, 0 where it is not known.
func (c *CPU) total() float64 {
	if c == nil {
		return 0
	}
	return c.Suite + c.Postgres
}

// trips are the round trips of a call, 0 where they are not known.
func (r *Row) trips() float64 {
	if r.Work == nil {
		return 0
	}
	return r.Work.Trips
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
