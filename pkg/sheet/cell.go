package sheet

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// maxStrings is how much the strings that cells share may take, in bytes, and
// maxStringCount how many they may be.
const (
	maxStrings     = 64 << 20
	maxStringCount = 8_000_000
)

var (
	errCell    = errs.Invalid("row", "CELL_ERROR", "a cell of the row holds an error such as #N/A")
	errFormula = errs.Invalid("row", "FORMULA_NO_VALUE", "a cell of the row is a formula that the workbook was saved without a value of; formulas are not run")
)

// text words a cell: a day as 2006-01-02, a time as 15:04:05, both as
// 2006-01-02T15:04:05, a number without an exponent and with the zeros that its
// format puts before it.
func (w *workbook) text(kind, style string, c cell) (string, error) {
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(c.value))
		if err != nil {
			return "", errWorkbook
		}
		return w.strings.at(n)
	case "inlineStr":
		return unescape(c.inline), nil
	case "str":
		return unescape(c.value), nil
	case "b":
		return strconv.FormatBool(isTrue(c.value)), nil
	case "e":
		return "", errCell
	case "d":
		return c.value, nil
	}
	if c.value == "" {
		if c.formula {
			return "", errFormula
		}
		return "", nil
	}
	return w.number(strings.TrimSpace(c.value), style), nil
}

// number words a number by the format of its style. What cannot be read as one stays
// as it stands.
func (w *workbook) number(value, style string) string {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return value
	}
	var format numberFormat
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(w.styles) {
		format = w.styles[i]
	}
	if format.date {
		if t, ok := w.instant(n); ok {
			return t
		}
	}
	text := plain(value, n)
	if missing := format.zeros - len(text); missing > 0 && strings.Trim(text, "0123456789") == "" {
		text = strings.Repeat("0", missing) + text
	}
	return text
}

// significant is how many digits of a number a spreadsheet shows.
const significant = 15

// plain writes a number without an exponent, and to as many digits as a spreadsheet
// shows of it: 0.1+0.2 is saved as 0.30000000000000004.
func plain(value string, n float64) string {
	if len(value) <= significant && !strings.ContainsAny(value, "eE") {
		return value
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(n, 'e', significant-1, 64), 64)
	if err != nil {
		return value
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// The days from which serial numbers are counted. The system of 1900 counts a 29
// February 1900 that never was, so its days before March are off by one.
var (
	epoch1900      = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	epoch1900Early = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
	epoch1904      = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
)

// maxSerial is the serial number after 31 December 9999.
const maxSerial = 2_958_466

// instant words the serial number of a day and time; false where it is none.
func (w *workbook) instant(serial float64) (string, bool) {
	if serial < 0 || serial >= maxSerial {
		return "", false
	}
	days, fraction := math.Modf(serial)
	clock := time.Duration(math.Round(fraction*24*60*60*1000)) * time.Millisecond
	epoch := epoch1900
	switch {
	case w.epoch1904:
		epoch = epoch1904
	case days < 60:
		epoch = epoch1900Early
	}
	t := epoch.AddDate(0, 0, int(days)).Add(clock)
	switch {
	case clock == 0:
		return t.Format(time.DateOnly), true
	case days == 0:
		return t.Format("15:04:05.999"), true
	}
	return t.Format("2006-01-02T15:04:05.999"), true
}

// numberFormat is what matters of how a number is shown.
type numberFormat struct {
	// date tells that it is a day or a time.
	date bool
	// zeros is how many digits it has at least.
	zeros int
}

// readStyles answers the format of each style of a cell.
func (w *workbook) readStyles(name string) ([]numberFormat, error) {
	part, err := w.part(name)
	if err != nil || part == nil {
		return nil, err
	}
	custom := map[string]numberFormat{}
	var styles []numberFormat
	cells := false
	err = part.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			custom[attribute(e, "numFmtId")] = formatOf(attribute(e, "formatCode"))
		case "cellXfs":
			cells = true
		case "cellStyles", "dxfs":
			cells = false
		case "xf":
			if cells && len(styles) < 1<<16 {
				id := attribute(e, "numFmtId")
				format, ok := custom[id]
				if !ok {
					n, _ := strconv.Atoi(id)
					format.date = builtinDate(n)
				}
				styles = append(styles, format)
			}
		}
		return nil
	})
	return styles, err
}

// builtinDate tells whether a format that no workbook spells out is of days or times
// (ECMA-376, 18.8.30).
func builtinDate(id int) bool {
	return id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58
}

// formatOf reads a format code: letters of days and times outside quotation marks and
// brackets make it one of these, zeros alone a number of so many digits.
func formatOf(code string) numberFormat {
	code, _, _ = strings.Cut(strings.ToLower(code), ";")
	if code != "" && strings.Trim(code, "0") == "" {
		return numberFormat{zeros: len(code)}
	}
	quoted, bracket := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\' || c == '_' || c == '*':
			i++
		case c == '[':
			bracket = !strings.HasPrefix(code[i:], "[h") && !strings.HasPrefix(code[i:], "[m") && !strings.HasPrefix(code[i:], "[s")
		case c == ']':
			bracket = false
		case bracket:
		case strings.HasPrefix(code[i:], "general"):
			return numberFormat{}
		case strings.IndexByte("ymdhs", c) >= 0:
			return numberFormat{date: true}
		}
	}
	return numberFormat{}
}

// sharedStrings are texts that cells name by their number.
type sharedStrings struct {
	all  []byte
	ends []uint32
}

func (s *sharedStrings) at(n int) (string, error) {
	if n < 0 || n >= len(s.ends) {
		return "", errWorkbook
	}
	var start uint32
	if n > 0 {
		start = s.ends[n-1]
	}
	return string(s.all[start:s.ends[n]]), nil
}

// readStrings reads the texts that cells share.
func (w *workbook) readStrings(name string) error {
	part, err := w.part(name)
	if err != nil || part == nil {
		return err
	}
	defer func() { _ = part.body.Close() }()
	var item strings.Builder
	text, phonetic := false, 0
	for {
		token, err := part.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "si":
				item.Reset()
			case "t":
				text = true
			case "rPh":
				phonetic++
			}
		case xml.CharData:
			if text && phonetic == 0 {
				item.Write(e)
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "t":
				text = false
			case "rPh":
				phonetic--
			case "si":
				if len(w.strings.all)+item.Len() > maxStrings || len(w.strings.ends) >= maxStringCount {
					return errArchiveLimit
				}
				w.strings.all = append(w.strings.all, unescape(item.String())...)
				w.strings.ends = append(w.strings.ends, uint32(len(w.strings.all)))
			}
		}
		if item.Len() > maxStrings {
			return errArchiveLimit
		}
	}
}

// unescape reads the characters that a workbook writes as _x000D_ because XML cannot
// hold them (ECMA-376, 22.9.2.19).
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if n, ok := escaped(s[i:]); ok {
			b.WriteRune(n)
			i += escapeLength
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

const escapeLength = len("_x0000_")

// escaped reads one such character at the beginning of a text.
func escaped(s string) (rune, bool) {
	if len(s) < escapeLength || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil && utf8.ValidRune(rune(n))
}
