package filetext

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
)

// Limits of the archive that an Office file is.
const (
	// maxParts is the most files in it.
	maxParts = 10_000
	// maxDirectory is how many bytes may be read to find them.
	maxDirectory = 8 << 20
	// maxUnpacked is how much of them is unpacked, in bytes.
	maxUnpacked = 256 << 20
	// maxToken is the longest piece of XML or HTML, in bytes.
	maxToken = 2 << 20
)

var errLimit = errors.New("filetext: the file unpacks to more than is allowed")

// parts are the files of an archive that hold text, by media type.
var parts = map[string]*regexp.Regexp{
	docx: regexp.MustCompile(`(?i)^word/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml$`),
	xlsx: regexp.MustCompile(`(?i)^xl/(sharedStrings|worksheets/[^/]+|comments[^/]*)\.xml$`),
	pptx: regexp.MustCompile(`(?i)^ppt/(slides|notesSlides)/[^/]+\.xml$`),
}

// openArchive reads the directory of a zip file.
func openArchive(f File) (*zip.Reader, error) {
	gate := &gated{File: f, left: maxDirectory}
	z, err := zip.NewReader(gate, f.Size())
	if err == nil && len(z.File) > maxParts {
		err = errLimit
	}
	gate.open = true
	return z, err
}

// gated lets so much be read, until it is opened.
type gated struct {
	File
	left int64
	open bool
}

// ReadAt implements io.ReaderAt.
func (g *gated) ReadAt(p []byte, off int64) (int, error) {
	if g.left -= int64(len(p)); g.left < 0 && !g.open {
		return 0, errLimit
	}
	return g.File.ReadAt(p, off)
}

func readOffice(f File, media string, out *text) error {
	z, err := openArchive(f)
	if err != nil {
		return err
	}
	unpacked := int64(0)
	for _, part := range z.File {
		if !parts[media].MatchString(part.Name) || out.full {
			continue
		}
		if err := readPart(part, out, &unpacked); err != nil {
			return err
		}
	}
	return nil
}

func readPart(part *zip.File, out *text, unpacked *int64) error {
	body, err := part.Open()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	m := &meter{in: bufio.NewReaderSize(body, 64<<10), unpacked: unpacked}
	x := xml.NewDecoder(m)
	within := 0 // elements that hold text
	for !out.full {
		m.token = 0
		token, err := x.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "t":
				within++
			case "tab", "br", "cr", "c":
				out.blank = true
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "t":
				within--
			case "p", "si", "row", "comment":
				out.line = true
			}
		case xml.CharData:
			if within > 0 {
				out.words(string(e))
			}
		}
	}
	return nil
}

// meter counts what is unpacked, and since the last piece of XML.
type meter struct {
	in       *bufio.Reader
	unpacked *int64
	token    int
}

// ReadByte implements io.ByteReader, which keeps xml from reading ahead.
func (m *meter) ReadByte() (byte, error) {
	m.token++
	if *m.unpacked++; *m.unpacked > maxUnpacked || m.token > maxToken {
		return 0, errLimit
	}
	return m.in.ReadByte()
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := m.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}
