package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// CardColumn heads the one column of a file of vCards: its cells are whole cards,
// which pkg/vcard reads.
const CardColumn = "vcard"

// maxProperty is after how many bytes the further lines of a property, such as those
// of a photo, are left out: pkg/vcard reads no property that long, and says so.
const maxProperty = 64 << 10

var cardBegin = []byte("BEGIN:VCARD")

// isCards tells whether a text begins with a vCard.
func isCards(sample []byte) bool {
	sample = bytes.TrimLeft(sample, " \t\r\n\ufeff")
	return len(sample) >= len(cardBegin) && bytes.EqualFold(sample[:len(cardBegin)], cardBegin)
}

// cards cuts a text into vCards, one a record. What stands between cards is passed
// over. A card that never ends is answered with an error, as is one over MaxRow.
type cards struct {
	in   *bufio.Reader
	line int

	card     strings.Builder
	start    int
	depth    int
	size     int
	property int
}

// next answers the next card.
func (c *cards) next() (record, error) {
	for {
		line, err := c.readLine()
		if err != nil {
			if errors.Is(err, io.EOF) && c.depth > 0 {
				c.depth = 0
				return record{line: c.start, err: errs.Invalid("row", "CARD_OPEN", "the vCard has no END")}, nil
			}
			return record{}, err
		}
		if c.take(line) {
			return c.finish(), nil
		}
	}
}

// take handles one line and tells whether it ended the outermost card.
func (c *cards) take(line []byte) bool {
	bare := bytes.ToUpper(bytes.TrimSpace(line[:min(len(line), 40)]))
	begins := bytes.Equal(bare, cardBegin)
	switch {
	case begins && c.depth == 0:
		c.card.Reset()
		c.start, c.size, c.depth = c.line, 0, 1
	case c.depth == 0:
		return false
	case begins:
		c.depth++
	case bytes.Equal(bare, []byte("END:VCARD")):
		c.depth--
	}
	c.keep(line)
	return c.depth == 0
}

// keep adds a line to the card, unless its property is too long already.
func (c *cards) keep(line []byte) {
	if folded := line[0] == ' ' || line[0] == '\t'; !folded {
		c.property = 0
	}
	if c.property >= maxProperty {
		return
	}
	c.property += len(line)
	c.size += len(line)
	if c.size <= MaxRow {
		c.card.Write(line)
	}
}

func (c *cards) finish() record {
	rec := record{line: c.start, cells: []string{c.card.String()}}
	switch {
	case c.size > MaxRow:
		rec.err = errs.Invalid("row", "ROW_TOO_LARGE", "the vCard is larger than 1 MiB")
	case strings.ContainsRune(rec.cells[0], 0):
		rec.err = errs.Invalid("row", "INVALID_TEXT", "the vCard has a NUL byte in it")
	}
	if rec.err != nil {
		rec.cells = nil
	}
	return rec
}

// readLine answers the next line with its end, cut after maxProperty bytes. It ends
// with LF, CR or both.
func (c *cards) readLine() ([]byte, error) {
	var line []byte
	for {
		b, err := c.in.ReadByte()
		if err != nil {
			if len(line) > 0 {
				break
			}
			return nil, err
		}
		if b == '\r' || b == '\n' {
			if next, err := c.in.Peek(1); b == '\r' && err == nil && next[0] == '\n' {
				_, _ = c.in.ReadByte()
			}
			break
		}
		if len(line) <= maxProperty {
			line = append(line, b)
		}
	}
	c.line++
	return append(line, '\n'), nil
}
