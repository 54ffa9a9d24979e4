package sheet

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// delimiters are tried in this order; the first of equals wins.
var delimiters = []rune{',', ';', '\t', '|'}

// sniff finds the delimiter that gives the most rows of one width, and the first
// row of that width, which is the header. whole tells that the sample is all.
func sniff(sample []byte, whole bool, o Options) (Format, error) {
	if len(bytes.TrimSpace(sample)) == 0 {
		return Format{}, errs.Invalid("file", "FILE_EMPTY", "the file has no header")
	}
	best, bestScore := Format{Delimiter: ',', HeaderLine: 1}, -1
	for _, d := range delimiters {
		if o.Delimiter != 0 && o.Delimiter != d {
			continue
		}
		rows := sampleRows(sample, whole, d)
		width, score := commonWidth(rows)
		if score > bestScore {
			best, bestScore = Format{Delimiter: d, HeaderLine: headerLine(rows, width)}, score
		}
	}
	if o.HeaderLine > 0 {
		best.HeaderLine = o.HeaderLine
	}
	return best, nil
}

// sampleRows are the rows of a sample, without the last, which may be cut.
func sampleRows(sample []byte, whole bool, delimiter rune) []record {
	in := newRecords(bufio.NewReader(bytes.NewReader(sample)), delimiter)
	var rows []record
	for {
		rec, err := in.next()
		if err != nil {
			break
		}
		rows = append(rows, rec)
	}
	if !whole && len(rows) > 1 {
		rows = rows[:len(rows)-1]
	}
	return rows
}

// commonWidth is the number of cells that most rows have, weighted so that wide
// rows count for more than single cells, and that weight.
func commonWidth(rows []record) (width, score int) {
	count := map[int]int{}
	for _, rec := range rows {
		if rec.blank || rec.err != nil {
			continue
		}
		w := len(rec.cells)
		count[w]++
		if s := count[w] * (w - 1); s > score || (s == score && count[w] > count[width]) {
			width, score = w, s
		}
	}
	return width, score
}

// headerLine is the line of the first row that is as wide as most.
func headerLine(rows []record, width int) int {
	for _, rec := range rows {
		if rec.blank || rec.err != nil {
			continue
		}
		if len(rec.cells) >= width {
			return rec.line
		}
	}
	return 1
}

func trimmed(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = strings.TrimSpace(c)
	}
	return out
}
