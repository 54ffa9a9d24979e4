package bulk

import (
	"errors"
	"io"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// step is what one transaction takes.
type step struct {
	rows     []Row
	outcomes []Outcome
	line     int64
}

func (s *step) size() int { return len(s.rows) + len(s.outcomes) }

// source cuts the rows of a file into steps.
type source struct {
	next     func() (sheet.Row, error)
	columns  []*bulkv1.ImportColumn
	together func(a, b Row) bool
	// done is the line up to which the rows are brought in already.
	done int64
	// ahead is a row that was read for the step after.
	ahead *sheet.Row
}

// read answers the next row that is not done, or io.EOF.
func (s *source) read() (sheet.Row, error) {
	if s.ahead != nil {
		r := *s.ahead
		s.ahead = nil
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
		if next.size() >= StepRows && !s.continues(&next, row) {
			s.ahead = &r
			return next, nil
		}
		next.line = int64(r.Line)
		switch {
		case r.Err != nil:
			next.outcomes = append(next.outcomes, Failed(r.Line, r.Err))
		case len(row.Values) == 0:
			next.outcomes = append(next.outcomes, Empty(r.Line))
		default:
			next.rows = append(next.rows, row)
		}
	}
}

// continues tells whether a row belongs into a step that is full already.
func (s *source) continues(full *step, row Row) bool {
	if s.together == nil || len(full.rows) == 0 || full.size() >= 2*StepRows {
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
