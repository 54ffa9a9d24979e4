package bulk

import (
	"errors"
	"io"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// step is what one transaction takes.
type step struct {
	rows     []Row
	outcomes []Outcome
	line     int64
	// bytes is how long the cells of its rows are.
	bytes int
}

func (s *step) size() int { return len(s.rows) + len(s.outcomes) }

// holds tells whether the step has so many times what one takes.
func (s *step) holds(times int) bool {
	return s.size() >= times*StepRows || s.bytes >= times*StepBytes
}

// halves cuts a step in two between rows that may be apart, and tells whether there
// is such a place.
func (s *step) halves(together func(a, b Row) bool) (first, second step, ok bool) {
	middle := len(s.rows) / 2
	for cut := range len(s.rows) - 1 {
		at := (middle + cut) % (len(s.rows) - 1)
		if together == nil || !together(s.rows[at], s.rows[at+1]) {
			return s.before(at), s.after(at), true
		}
	}
	return step{}, step{}, false
}

// before answers the step up to and with the row at a place, after what follows.
func (s *step) before(at int) step {
	half := step{rows: s.rows[:at+1], line: int64(s.rows[at].Line)}
	for _, o := range s.outcomes {
		if int64(o.Line) <= half.line {
			half.outcomes = append(half.outcomes, o)
		}
	}
	return half
}

func (s *step) after(at int) step {
	half := step{rows: s.rows[at+1:], line: s.line}
	for _, o := range s.outcomes {
		if o.Line > s.rows[at].Line {
			half.outcomes = append(half.outcomes, o)
		}
	}
	return half
}

// failed answers the step with its rows refused.
func (s *step) failed(err error) step {
	all := step{outcomes: slices.Clone(s.outcomes), line: s.line}
	for _, row := range s.rows {
		all.outcomes = append(all.outcomes, Failed(row.Line, err))
	}
	return all
}

// source cuts the rows of a file into steps.
type source struct {
	next     func() (sheet.Row, error)
	columns  []*bulkv1.ImportColumn
	together func(a, b Row) bool
	parse    func(Row) any
	// done is the line up to which the rows are brought in already.
	done int64
	// kept is a row that was read for the step after.
	kept *sheet.Row
}

// readStep is a step as read ahead.
type readStep struct {
	step step
	// read is how many bytes of the file were read.
	read int64
}

// steps reads and parses steps, and hands them over until the file ends.
func (s *source) steps(read func() int64, hand func(readStep) error) error {
	for {
		next, err := s.step()
		if err != nil || next.size() == 0 {
			return err
		}
		if err := hand(readStep{step: next, read: read()}); err != nil {
			return err
		}
	}
}

// read answers the next row that is not done, or io.EOF.
func (s *source) read() (sheet.Row, error) {
	if s.kept != nil {
		r := *s.kept
		s.kept = nil
		return r, nil
	}
	for {
		r, err := s.next()
		if err != nil || int64(r.Line) > s.done {
			return r, err
		}
	}
}

// step answers the next rows; none at the end of the file. Rows that are empty or
// cannot be read have their outcome already.
func (s *source) step() (step, error) {
	var next step
	for {
		r, err := s.read()
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return next, err
		}
		row := Row{Line: r.Line, Values: named(r, s.columns)}
		if next.holds(1) && !s.continues(&next, row) {
			s.kept = &r
			return next, nil
		}
		next.line = int64(r.Line)
		switch {
		case r.Err != nil:
			next.outcomes = append(next.outcomes, Failed(r.Line, r.Err))
		case len(row.Values) == 0:
			next.outcomes = append(next.outcomes, Empty(r.Line))
		default:
			if s.parse != nil {
				row.Parsed = s.parse(row)
			}
			next.rows = append(next.rows, row)
			next.bytes += row.bytes()
		}
	}
}

// continues tells whether a row belongs into a step that is full already.
func (s *source) continues(full *step, row Row) bool {
	if s.together == nil || len(full.rows) == 0 || full.holds(2) {
		return false
	}
	return s.together(full.rows[len(full.rows)-1], row)
}

// named sorts the cells of a row by what their columns mean, without what guards
// them from being run as formulas.
func named(r sheet.Row, columns []*bulkv1.ImportColumn) map[string][]string {
	values := map[string][]string{}
	for _, c := range columns {
		if cell := r.Cells[c.GetIndex()]; cell != "" && c.GetField() != Ignore {
			values[c.GetField()] = append(values[c.GetField()], sheet.Unguard(cell))
		}
	}
	return values
}
