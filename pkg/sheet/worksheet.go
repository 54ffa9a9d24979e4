package sheet

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// The size of a sheet (ECMA-376, 18.3.1.73).
const (
	maxSheetRows    = 1_048_576
	maxSheetColumns = 16_384
)

// worksheet reads the rows of a sheet, one after the other. Of a formula it takes the
// value that the workbook was saved with.
type worksheet struct {
	tokens *tokens
	book   *workbook
	row    int

	cells  []string
	size   int
	err    error
	column int
}

// sample answers the first rows.
func (w *worksheet) sample() ([]record, error) {
	var rows []record
	for len(rows) < sampleSize {
		rec, err := w.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, rec)
	}
	return rows, nil
}

// next answers the next row that stands in the sheet.
func (w *worksheet) next() (record, error) {
	for {
		token, err := w.tokens.next()
		if err != nil {
			_ = w.tokens.body.Close()
			return record{}, err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "row" {
			return w.readRow(start)
		}
	}
}

func (w *worksheet) readRow(start xml.StartElement) (record, error) {
	w.cells, w.size, w.err, w.column = nil, 0, nil, -1
	number := w.row + 1
	if r := attribute(start, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n <= w.row {
			return record{}, errWorkbook
		}
		number = n
	}
	if number > maxSheetRows {
		return record{}, errArchiveLimit
	}
	w.row = number
	for {
		token, err := w.tokens.next()
		if err != nil {
			return record{}, broken(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "c" {
				if err := w.readCell(e); err != nil {
					return record{}, err
				}
			}
		case xml.EndElement:
			if e.Name.Local == "row" {
				return w.finish(), nil
			}
		}
	}
}

func (w *worksheet) finish() record {
	rec := record{line: w.row, cells: w.cells, blank: true, err: w.err}
	if w.size > MaxRow {
		rec.err = errs.Invalid("row", "ROW_TOO_LARGE", "the row is larger than 1 MiB")
	}
	for _, c := range w.cells {
		rec.blank = rec.blank && c == ""
	}
	if rec.err != nil {
		rec.cells, rec.blank = nil, false
	}
	return rec
}

// readCell reads a cell up to its end and puts its text where it belongs.
func (w *worksheet) readCell(start xml.StartElement) error {
	column := w.column + 1
	if ref := attribute(start, "r"); ref != "" {
		n, ok := columnOf(ref)
		if !ok || n < column {
			return errWorkbook
		}
		column = n
	}
	w.column = column
	c, err := w.readValue()
	if err != nil {
		return err
	}
	text, err := w.book.text(attribute(start, "t"), attribute(start, "s"), c)
	if err != nil {
		w.err = err
	}
	w.put(column, text)
	return nil
}

// put keeps the text of a cell, as long as the row is not too large to be answered.
// Cells without text are not kept at the end of a row.
func (w *worksheet) put(column int, text string) {
	w.size += len(text)
	switch {
	case text == "" || w.size > MaxRow:
	case column > MaxColumns:
		w.err = errs.Invalid("row", "TOO_MANY_COLUMNS", "the row has more than 2,000 columns")
	default:
		for len(w.cells) < column {
			w.cells = append(w.cells, "")
		}
		w.cells = append(w.cells, text)
	}
}

// cell is what stands in the XML of one.
type cell struct {
	// value is its <v>, inline its <is>.
	value, inline string
	formula       bool
}

// readValue reads the rest of a cell. Texts that belong to how it is pronounced are
// passed over.
func (w *worksheet) readValue() (cell, error) {
	var c cell
	var value, inline strings.Builder
	into, phonetic := (*strings.Builder)(nil), 0
	for {
		token, err := w.tokens.next()
		if err != nil {
			return c, broken(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				into = &value
			case "t":
				into = &inline
			case "f":
				c.formula = true
			case "rPh":
				phonetic++
			}
		case xml.CharData:
			if into != nil && phonetic == 0 && into.Len() <= MaxRow {
				into.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "v", "t":
				into = nil
			case "rPh":
				phonetic--
			case "c":
				c.value, c.inline = value.String(), inline.String()
				return c, nil
			}
		}
	}
}

// broken makes of the end of a part in the middle of a row what it is.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return errWorkbook
	}
	return err
}

// columnOf answers the column, from 0, of a reference such as "BC12".
func columnOf(ref string) (int, bool) {
	n := 0
	for i := range len(ref) {
		c := ref[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		if n = n*26 + int(c-'A') + 1; n > maxSheetColumns {
			return 0, false
		}
	}
	return n - 1, n > 0
}
