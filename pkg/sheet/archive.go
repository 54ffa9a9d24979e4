package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/unpack"
)

// maxUnpacked is how large all parts of a workbook may be unpacked, in bytes.
const maxUnpacked = 1 << 30

var (
	errArchiveLimit = errs.Invalid("file", "ARCHIVE_LIMIT", "the workbook unpacks to more than 1 GiB, 10,000 parts or 64 MiB of strings; save it as CSV")
	errWorkbook     = errs.Invalid("file", "WORKBOOK_INVALID", "the workbook is damaged, or is not one as ECMA-376 has it; save it again, or as CSV")
)

func isArchive(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// archive is the zip file that a workbook is, with what has been unpacked counted.
type archive struct {
	parts    map[string]*zip.File
	unpacked int64
}

// openArchive reads the directory of a zip file. One that claims to be larger than
// allowed is refused before anything is unpacked.
func openArchive(f File) (*archive, error) {
	z, err := unpack.Open(f)
	switch {
	case errors.Is(err, unpack.ErrLimit):
		return nil, errArchiveLimit
	case errors.Is(err, unpack.ErrNoArchive):
		return nil, errNotText
	case err != nil:
		return nil, err
	}
	a := &archive{parts: map[string]*zip.File{}}
	var total uint64
	for _, part := range z.File {
		total += part.UncompressedSize64
		if total > maxUnpacked || part.UncompressedSize64 > maxUnpacked {
			return nil, errArchiveLimit
		}
		a.parts[strings.ToLower(part.Name)] = part
	}
	return a, nil
}

// part opens a file of the archive as XML, or answers nil where there is none.
func (a *archive) part(name string) (*tokens, error) {
	f := a.parts[strings.ToLower(strings.TrimPrefix(path.Clean("/"+name), "/"))]
	if f == nil {
		return nil, nil
	}
	body, err := f.Open()
	if err != nil {
		return nil, errWorkbook
	}
	m := unpack.NewMeter(body, &a.unpacked, maxUnpacked)
	return &tokens{meter: m, xml: xml.NewDecoder(m), body: body}, nil
}

// tokens reads a part piece by piece.
type tokens struct {
	meter *unpack.Meter
	xml   *xml.Decoder
	body  io.Closer
}

// next answers the next start, end or text; io.EOF at the end. A document type,
// which could name other files, is refused.
func (t *tokens) next() (xml.Token, error) {
	t.meter.Begin()
	token, err := t.xml.RawToken()
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		return nil, err
	case errors.Is(err, unpack.ErrLimit):
		return nil, errArchiveLimit
	default:
		return nil, damaged(err)
	}
	if _, there := token.(xml.Directive); there {
		return nil, errWorkbook
	}
	return token, nil
}

// damaged tells a file that is broken from one that could not be fetched.
func damaged(err error) error {
	var known *errs.Error
	if errors.As(err, &known) {
		return err
	}
	return errWorkbook
}

// each calls back for every element that starts, until the part ends.
func (t *tokens) each(fn func(xml.StartElement) error) error {
	defer func() { _ = t.body.Close() }()
	for {
		token, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := fn(start); err != nil {
				return err
			}
		}
	}
}

// attribute answers the value of an attribute by its name without a prefix, or "".
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return a.Value
		}
	}
	return ""
}
