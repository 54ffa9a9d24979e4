package sheet

import (
	"bufio"
	"io"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// record is one row as read, header or not.
type record struct {
	line  int
	cells []string
	blank bool
	err   error
}

// records cuts decoded text into records. A line ends with CR, LF or both.
type records struct {
	in        *bufio.Reader
	delimiter rune
	line      int

	cell   strings.Builder
	cells  []string
	size   int
	quoted bool
	text   bool // something stands in the cell, or it was quoted
	any    bool // something stands in the record
	nul    bool
}

func newRecords(in *bufio.Reader, delimiter rune) *records {
	return &records{in: in, delimiter: delimiter, line: 1}
}

// next answers the next record, or io.EOF.
func (r *records) next() (record, error) {
	r.cells, r.size, r.quoted, r.any, r.nul = nil, 0, false, false, false
	r.startCell()
	start := r.line
	for {
		c, _, err := r.in.ReadRune()
		if err == io.EOF {
			return r.atEnd(start)
		}
		if err != nil {
			return record{}, err
		}
		if r.take(c) {
			return r.finish(start), nil
		}
	}
}

// take handles one character and tells whether it ended the record.
func (r *records) take(c rune) bool {
	r.size++
	if c == 0 {
		r.nul = true
	}
	switch {
	case r.quoted:
		r.takeQuoted(c)
	case c == '"' && !r.text:
		r.quoted, r.text, r.any = true, true, true
	case c == r.delimiter:
		r.endCell()
		r.any = true
	case c == '\n' || c == '\r':
		r.newline(c)
		return true
	default:
		r.put(c)
		r.text, r.any = true, true
	}
	return false
}

// takeQuoted handles one character inside quotation marks. A doubled one stands
// for itself, a single one ends the quotation.
func (r *records) takeQuoted(c rune) {
	switch c {
	case '"':
		if r.peek() == '"' {
			_, _, _ = r.in.ReadRune()
			r.put('"')
			return
		}
		r.quoted = false
	case '\n', '\r':
		r.newline(c)
		r.put('\n')
	default:
		r.put(c)
	}
}

// newline counts a line; the LF of a CR LF goes with its CR.
func (r *records) newline(c rune) {
	r.line++
	if c == '\r' && r.peek() == '\n' {
		_, _, _ = r.in.ReadRune()
	}
}

func (r *records) peek() rune {
	b, err := r.in.Peek(1)
	if err != nil {
		return -1
	}
	return rune(b[0])
}

// put keeps a character, as long as the row is not too large to be answered.
func (r *records) put(c rune) {
	if r.size <= MaxRow {
		r.cell.WriteRune(c)
	}
}

func (r *records) startCell() {
	r.cell.Reset()
	r.text = false
}

func (r *records) endCell() {
	if len(r.cells) <= MaxColumns {
		r.cells = append(r.cells, r.cell.String())
	}
	r.startCell()
}

func (r *records) atEnd(start int) (record, error) {
	if !r.any {
		return record{}, io.EOF
	}
	rec := r.finish(start)
	if r.quoted && rec.err == nil {
		rec.err = errs.Invalid("row", "QUOTE_OPEN", "a quotation mark is opened and never closed")
	}
	return rec, nil
}

func (r *records) finish(start int) record {
	r.endCell()
	rec := record{line: start, cells: r.cells, blank: !r.any}
	switch {
	case r.size > MaxRow:
		rec.err = errs.Invalid("row", "ROW_TOO_LARGE", "the row is larger than 1 MiB")
	case r.nul:
		rec.err = errs.Invalid("row", "INVALID_TEXT", "the row has a NUL byte in it")
	}
	if rec.err != nil {
		rec.cells = nil
	}
	return rec
}
