// Package sheet reads the tables that people export from other systems: CSV in
// whatever encoding, with whatever separator, line end and preamble; workbooks
// (.xlsx); and files of vCards, one card a row. It writes workbooks, too.
//
// A Reader finds out the format from the first 64 KiB, says what it found, and
// then streams row by row in bounded memory. A row that cannot be read is
// answered as such, with its line number, and the next one is tried; nothing is
// dropped in silence. Of CSV it keeps to RFC 4180 where the file does; a quotation
// mark in the middle of an unquoted cell is taken as it stands. Of a workbook it
// opens the parts it names and no others, runs no formula and follows no link.
//
// Limits: 1 MiB a row, 2,000 columns; of a workbook 1 GiB unpacked and 64 MiB of
// shared strings. A NUL byte makes its row unreadable.
package sheet

import (
	"bufio"
	"io"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Limits of what is read.
const (
	// MaxRow is the largest row in bytes, after decoding to UTF-8.
	MaxRow = 1 << 20
	// MaxColumns is the largest number of columns of a header.
	MaxColumns = 2000

	sniffed = 64 << 10
)

// Kind is the sort of file.
type Kind string

// The sorts of file.
const (
	CSV   Kind = "csv"
	XLSX  Kind = "xlsx"
	VCard Kind = "vcard"
)

// File is what a Reader reads: from its beginning, or, a workbook, here and there.
type File interface {
	io.Reader
	io.ReaderAt
	// Size is its length in bytes.
	Size() int64
}

// Format is what a file was found, or told, to be.
type Format struct {
	// Kind is the sort of file.
	Kind Kind
	// Encoding is "utf-8", "utf-16le", "utf-16be" or "windows-1252"; empty of a
	// workbook.
	Encoding string
	// Delimiter separates the cells of CSV: a comma, a semicolon, a tab or a bar.
	Delimiter rune
	// Sheet is the sheet of a workbook that is read, Sheets are all it has.
	Sheet  string
	Sheets []string
	// HeaderLine is the number of the line, from 1, on which the header stands.
	HeaderLine int
	// Columns are the header's cells, trimmed. Two with the same name are told
	// apart by their place.
	Columns []string
}

// Options override what would be found out; the zero value finds out all.
type Options struct {
	// Encoding is one of those of Format.
	Encoding string
	// Delimiter is one of those of Format.
	Delimiter rune
	// HeaderLine is the number of the line of the header, from 1.
	HeaderLine int
	// Sheet is the name of a sheet; empty takes the first that is not hidden.
	Sheet string
}

// Row is one row below the header.
type Row struct {
	// Line is the number of the line, from 1, on which the row begins; of a
	// workbook, the number of the row.
	Line int
	// Cells are as many as the header's. Cells that a short row lacks are empty.
	Cells []string
	// Err says why the row could not be read; the cells are then empty.
	Err error
}

// Empty tells whether no cell of the row has anything in it.
func (r Row) Empty() bool {
	if r.Err != nil {
		return false
	}
	for _, c := range r.Cells {
		if c != "" {
			return false
		}
	}
	return true
}

// Reader streams the rows of one file.
type Reader struct {
	format  Format
	records source
}

// source answers one record after the other, and io.EOF after the last.
type source interface{ next() (record, error) }

// NewReader finds out the format of r and reads up to its header. It answers
// INVALID_ARGUMENT FILE_EMPTY for a file with no header, FILE_NOT_TEXT for one
// that is no table, ARCHIVE_LIMIT for a workbook that unpacks to too much,
// WORKBOOK_INVALID, SHEET_UNKNOWN, TOO_MANY_COLUMNS, or ENCODING_UNKNOWN.
func NewReader(r File, o Options) (*Reader, error) {
	raw := bufio.NewReaderSize(r, sniffed)
	head, err := raw.Peek(sniffed)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return nil, err
	}
	if isArchive(head) {
		return newWorkbookReader(r, o)
	}
	return newTextReader(raw, head, err == io.EOF, o)
}

func newTextReader(raw *bufio.Reader, head []byte, whole bool, o Options) (*Reader, error) {
	encoding, err := detect(head, whole, o.Encoding)
	if err != nil {
		return nil, err
	}
	text, err := decode(encoding, raw)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(text, sniffed)
	sample, err := buffered.Peek(sniffed)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if isCards(sample) {
		format := Format{Kind: VCard, Encoding: encoding, Columns: []string{CardColumn}}
		return &Reader{format: format, records: &cards{in: buffered}}, nil
	}
	shape, err := sniff(sample, err == io.EOF, o)
	if err != nil {
		return nil, err
	}
	shape.Kind, shape.Encoding = CSV, encoding
	reader := &Reader{format: shape, records: newRecords(buffered, shape.Delimiter)}
	return reader, reader.skipToHeader()
}

// Format says what the file was found to be.
func (r *Reader) Format() Format { return r.format }

// Next answers the next row, or io.EOF after the last.
func (r *Reader) Next() (Row, error) {
	for {
		rec, err := r.records.next()
		if err != nil {
			return Row{}, err
		}
		if rec.blank {
			continue
		}
		return r.row(rec), nil
	}
}

func (r *Reader) row(rec record) Row {
	row := Row{Line: rec.line, Err: rec.err}
	width := len(r.format.Columns)
	for i := width; i < len(rec.cells) && row.Err == nil; i++ {
		if rec.cells[i] != "" {
			row.Err = errs.Invalid("row", "ROW_TOO_LONG", "the row has more cells than the header has columns")
		}
	}
	row.Cells = make([]string, width)
	if row.Err == nil {
		copy(row.Cells, rec.cells)
	}
	return row
}

func (r *Reader) skipToHeader() error {
	for {
		rec, err := r.records.next()
		if err == io.EOF {
			return errs.Invalid("file", "FILE_EMPTY", "the file has no header")
		}
		if err != nil {
			return err
		}
		if rec.line < r.format.HeaderLine || rec.blank {
			continue
		}
		if rec.err != nil {
			return rec.err
		}
		r.format.HeaderLine = rec.line
		r.format.Columns = trimmed(rec.cells)
		if len(r.format.Columns) > MaxColumns {
			return errs.Invalid("file", "TOO_MANY_COLUMNS", "the header has more than 2,000 columns")
		}
		return nil
	}
}
