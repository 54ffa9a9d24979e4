package sheet

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// errNotText refuses what is no table: a document, a picture, a workbook of old or
// one with a password.
var errNotText = errs.Invalid("file", "FILE_NOT_TEXT", "the file is no table of text, no workbook without a password (.xlsx) and no vCard; save it as CSV")

// detect names the encoding of a file that begins with head; whole tells that
// head is all of it. A byte order mark decides; else what is valid UTF-8 is
// UTF-8, zeros in every other byte are UTF-16, and the rest is Windows-1252,
// which any bytes are.
func detect(head []byte, whole bool, wanted string) (string, error) {
	switch {
	case wanted != "":
		if _, ok := encodings[wanted]; !ok {
			return "", errs.Invalid("encoding", "ENCODING_UNKNOWN", "want utf-8, utf-16le, utf-16be or windows-1252")
		}
		return wanted, nil
	case bytes.HasPrefix(head, []byte("%PDF")), bytes.HasPrefix(head, []byte{0xd0, 0xcf, 0x11, 0xe0}):
		return "", errNotText
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		return "utf-8", nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return "utf-16le", nil
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "utf-16be", nil
	}
	if even, odd := zeros(head); even+odd > len(head)/4 {
		if odd > even {
			return "utf-16le", nil
		}
		return "utf-16be", nil
	}
	if validPrefix(head, whole) {
		return "utf-8", nil
	}
	return "windows-1252", nil
}

var encodings = map[string]encoding.Encoding{
	"utf-8":        unicode.UTF8BOM,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"windows-1252": charmap.Windows1252,
}

func decode(name string, r io.Reader) (io.Reader, error) {
	enc, ok := encodings[name]
	if !ok {
		return nil, errs.Invalid("encoding", "ENCODING_UNKNOWN", "want utf-8, utf-16le, utf-16be or windows-1252")
	}
	return transform.NewReader(r, enc.NewDecoder()), nil
}

// zeros counts the zero bytes at even and at odd places.
func zeros(b []byte) (even, odd int) {
	for i, c := range b {
		switch {
		case c != 0:
		case i%2 == 0:
			even++
		default:
			odd++
		}
	}
	return even, odd
}

// validPrefix tells whether b is UTF-8, but for a character that its end may cut.
func validPrefix(b []byte, whole bool) bool {
	if whole {
		return utf8.Valid(b)
	}
	for cut := 0; cut < utf8.UTFMax && cut <= len(b); cut++ {
		if utf8.Valid(b[:len(b)-cut]) {
			return true
		}
	}
	return false
}
