package filetext

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/lingkar-crm/lingkar/pkg/unpack"
)

// sampleBytes is how much of a text is looked at to find its encoding.
const sampleBytes = 64 << 10

// decoded answers a text in UTF-8: what a byte order mark says, else UTF-8 where the
// beginning is valid, else Windows-1252, which any bytes are.
func decoded(in io.Reader) io.Reader {
	buffered := bufio.NewReaderSize(in, sampleBytes)
	head, _ := buffered.Peek(sampleBytes) // what is wrong with it comes again when it is read
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(buffered)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(buffered)
	case validStart(head):
		return buffered
	}
	return charmap.Windows1252.NewDecoder().Reader(buffered)
}

// validStart tells whether bytes are UTF-8, of which the last rune may be cut where they
// are only a sample.
func validStart(head []byte) bool {
	if len(head) < sampleBytes {
		return utf8.Valid(head)
	}
	for cut := range utf8.UTFMax {
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return false
}

func readPlain(in io.Reader, out *text) error {
	from := bufio.NewReader(decoded(in))
	for !out.full {
		piece, err := from.ReadString('\n')
		if len(piece) > out.most {
			piece, out.full = piece[:out.most], true
		}
		out.words(piece)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unread are elements whose content nobody sees.
var unread = map[string]bool{"script": true, "style": true, "template": true, "noscript": true, "svg": true, "math": true}

// inline are elements that do not end a line.
var inline = map[string]bool{
	"a": true, "b": true, "i": true, "u": true, "em": true, "strong": true, "span": true, "font": true, "small": true, "big": true,
	"sub": true, "sup": true, "mark": true, "code": true, "abbr": true, "time": true, "s": true, "q": true, "cite": true, "label": true,
}

func readHTML(in io.Reader, out *text) error {
	z := html.NewTokenizer(decoded(in))
	z.SetMaxBuf(unpack.MaxToken)
	skipped := ""
	for !out.full {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if errors.Is(z.Err(), io.EOF) {
				return nil
			}
			return z.Err()
		case html.TextToken:
			if skipped == "" {
				out.words(html.UnescapeString(string(z.Raw())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			raw, _ := z.TagName()
			name := string(raw)
			switch {
			case kind == html.StartTagToken && skipped == "" && unread[name]:
				skipped = name
			case kind == html.EndTagToken && skipped == name:
				skipped = ""
			case !inline[name]:
				out.line = true
			}
		}
	}
	return nil
}
