// Package filetext tells what kind of content a file is, by the content itself, and
// reads the text out of it, so that it can be found.
//
// It promises that neither the name of a file nor whoever brought it is believed, and
// that what is read is bounded whatever the file says of itself: in memory is one piece
// of it and the text. A damaged file is no error: it has less text, or none.
//
// Text is read out of plain text, HTML, PDF and the Office formats of ECMA-376 (.docx,
// .xlsx, .pptx), of these without what is drawn. Limits: no text is read out of the older
// Office formats, OpenDocument, pictures or sound, nor out of a PDF that is a scan;
// numbers in the cells of a workbook are left out.
package filetext

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lingkar-crm/lingkar/pkg/filetext/pdf"
)

// File is what is looked at.
type File interface {
	io.ReaderAt
	// Size is its size in bytes.
	Size() int64
}

// Reading is what became of reading the text of a file.
type Reading int

// The readings, numbered as lingkar.contact.v1.TextReading is.
const (
	// Whole says that all of the text was read.
	Whole Reading = iota + 1
	// Part says that the text is longer than was asked for.
	Part
	// None says that no text is read out of files of this kind, or that there is none in
	// it: a scan.
	None
	// Failed says that the file is damaged or locked, takes too long, or unpacks to more
	// than is allowed.
	Failed
)

// Text answers the text of a file of a media type that Sniff answered, at most so many
// bytes of UTF-8. It stops when ctx ends, and when it has read for so long.
func Text(ctx context.Context, f File, media string, most int, within time.Duration) (string, Reading) {
	if media == portable {
		if err := pdf.Ready(); err != nil {
			return "", Failed
		}
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	out := &text{most: most}
	in := io.NewSectionReader(stopping{ctx, f}, 0, f.Size())
	var err error
	switch media {
	case "text/plain":
		err = readPlain(in, out)
	case "text/html":
		err = readHTML(in, out)
	case portable:
		err = readPDF(ctx, in, out)
	case docx, xlsx, pptx:
		err = readOffice(in, media, out)
	default:
		return "", None
	}
	switch {
	case out.full:
		return out.String(), Part
	case errors.Is(err, errScan):
		return "", None
	case err != nil:
		return out.String(), Failed
	}
	return out.String(), Whole
}

// portable is the media type of PDF.
const portable = "application/pdf"

// errScan says that there is no text in the file.
var errScan = errors.New("filetext: there is no text in it")

func readPDF(ctx context.Context, in *io.SectionReader, out *text) error {
	err := pdf.Read(ctx, in, in.Size(), func(page string) bool {
		out.words(page)
		out.words("\n")
		return !out.full
	})
	if err == nil && out.Len() == 0 {
		return errScan
	}
	return err
}

// stopping reads nothing more when its context has ended.
type stopping struct {
	ctx context.Context
	io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (s stopping) ReadAt(p []byte, off int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.ReaderAt.ReadAt(p, off)
}

// text takes what is read, without what no text holds: blanks become one, lines stay.
type text struct {
	strings.Builder
	most int
	// full is set when something had to be left out.
	full bool
	// blank and line are what is to come before the next word.
	blank, line bool
}

// words adds a run of text.
func (t *text) words(s string) {
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			t.line = true
		case r <= ' ' || r == '\u00a0' || r == 0x7f:
			t.blank = true
		case r == utf8.RuneError || r > 0x7f && r < 0xa0 || r == '\ufeff' || r == '\ufffe' || r == '\uffff':
		default:
			if !t.rune(r) {
				return
			}
		}
	}
}

func (t *text) rune(r rune) bool {
	size := utf8.RuneLen(r)
	if t.Len()+size+1 > t.most {
		t.full = true
		return false
	}
	if t.Len() > 0 && t.line {
		t.WriteByte('\n')
	} else if t.Len() > 0 && t.blank {
		t.WriteByte(' ')
	}
	t.line, t.blank = false, false
	t.WriteRune(r)
	return true
}
