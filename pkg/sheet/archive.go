package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Limits of the archive that a workbook is.
const (
	// maxParts is the most files in it.
	maxParts = 10_000
	// maxDirectory is how many bytes may be read to find them.
	maxDirectory = 8 << 20
	// maxUnpacked is how large all of them may be unpacked, in bytes.
	maxUnpacked = 1 << 30
	// maxToken is the longest piece of XML, in bytes.
	maxToken = 2 << 20
)

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
	gate := &gated{at: f, left: maxDirectory}
	z, err := zip.NewReader(gate, f.Size())
	switch {
	case gate.left < 0:
		return nil, errArchiveLimit
	case gate.err != nil:
		return nil, gate.err
	case err != nil:
		return nil, errNotText
	case len(z.File) > maxParts:
		return nil, errArchiveLimit
	}
	gate.open = true
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
	m := &meter{in: bufio.NewReaderSize(body, 64<<10), unpacked: &a.unpacked}
	return &tokens{meter: m, xml: xml.NewDecoder(m), body: body}, nil
}

// gated lets a directory be read up to a limit, and anything once it is open.
type gated struct {
	at   io.ReaderAt
	left int64
	open bool
	err  error
}

// ReadAt implements io.ReaderAt.
func (g *gated) ReadAt(p []byte, off int64) (int, error) {
	if !g.open {
		if g.left -= int64(len(p)); g.left < 0 {
			return 0, errArchiveLimit
		}
	}
	n, err := g.at.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		g.err = err
	}
	return n, err
}

// meter counts what is read: of one token, and of the archive.
type meter struct {
	in       *bufio.Reader
	unpacked *int64
	token    int
}

// ReadByte implements io.ByteReader, which the decoder reads by.
func (m *meter) ReadByte() (byte, error) {
	m.token++
	*m.unpacked++
	if m.token > maxToken || *m.unpacked > maxUnpacked {
		return 0, errArchiveLimit
	}
	return m.in.ReadByte()
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	m.token += n
	*m.unpacked += int64(n)
	if m.token > maxToken || *m.unpacked > maxUnpacked {
		return 0, errArchiveLimit
	}
	return n, err
}

// tokens reads a part piece by piece.
type tokens struct {
	meter *meter
	xml   *xml.Decoder
	body  io.Closer
}

// next answers the next start, end or text; io.EOF at the end. A document type,
// which could name other files, is refused.
func (t *tokens) next() (xml.Token, error) {
	t.meter.token = 0
	token, err := t.xml.RawToken()
	switch {
	case err == nil:
	case errors.Is(err, io.EOF), errors.Is(err, errArchiveLimit):
		return nil, err
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
