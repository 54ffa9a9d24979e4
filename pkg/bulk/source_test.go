package bulk

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/sheet"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// A file is cut into steps of at most so many rows and so many bytes, each row in one of
// them, whatever a workbook unpacks to. Rows that belong together stay so up to a limit.
func TestSource_steps(t *testing.T) {
	t.Parallel()
	always := func(Row, Row) bool { return true }
	for name, test := range map[string]struct {
		rows, length int
		together     func(a, b Row) bool
		want         []int
	}{
		"none":              {want: []int{0}},
		"short rows":        {rows: 2*StepRows + 1, length: 10, want: []int{StepRows, StepRows, 1}},
		"long rows":         {rows: 9, length: StepBytes / 4, want: []int{4, 4, 1}},
		"one too long":      {rows: 2, length: StepBytes + 1, want: []int{1, 1}},
		"short, as one":     {rows: 2*StepRows + 1, length: 10, together: always, want: []int{2 * StepRows, 1}},
		"long, as one":      {rows: 9, length: StepBytes / 4, together: always, want: []int{8, 1}},
		"cells of no field": {rows: StepRows + 1, want: []int{StepRows, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line, cell := 1, strings.Repeat("x", test.length)
			s := &source{
				columns: []*bulkv1.ImportColumn{{Index: 0, Field: "note"}}, together: test.together,
				next: func() (sheet.Row, error) {
					if line > test.rows {
						return sheet.Row{}, io.EOF
					}
					line++
					return sheet.Row{Line: line, Cells: []string{cell}}, nil
				},
			}
			var sizes []int
			for last, seen := 1, 0; seen < test.rows || len(sizes) == 0; {
				next, err := s.step()
				if err != nil {
					t.Fatal(err)
				}
				sizes, seen = append(sizes, next.size()), seen+next.size()
				for _, r := range next.rows {
					if r.Line != last+1 {
						t.Fatalf("line %d follows line %d", r.Line, last)
					}
					last = r.Line
				}
			}
			if !slices.Equal(sizes, test.want) {
				t.Errorf("the steps have %v rows, want %v", sizes, test.want)
			}
		})
	}
}
