// Package unpack reads the zip archives that files of others are, such as workbooks and
// letters, within bounds: a small file may claim, or unpack to, far more than it is (B27).
package unpack

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Limits of every archive.
const (
	// maxParts is the most files in it.
	maxParts = 10_000
	// maxDirectory is how many bytes may be read to find them.
	maxDirectory = 8 << 20
	// MaxToken is the longest piece of a part, in bytes.
	MaxToken = 2 << 20
)

// What is wrong with an archive. Any other error of Open is one of reading the file.
var (
	ErrLimit     = errors.New("unpack: the archive is larger than is allowed")
	ErrNoArchive = errors.New("unpack: this is no archive")
)

// File is what an archive lies in.
type File interface {
	io.ReaderAt
	// Size is its length in bytes.
	Size() int64
}

// Open reads the directory of an archive.
func Open(f File) (*zip.Reader, error) {
	gate := &gated{at: f, left: maxDirectory}
	z, err := zip.NewReader(gate, f.Size())
	switch {
	case gate.left < 0:
		return nil, ErrLimit
	case gate.err != nil:
		return nil, gate.err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrNoArchive, err)
	case len(z.File) > maxParts:
		return nil, ErrLimit
	}
	gate.open = true
	return z, nil
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
			return 0, ErrLimit
		}
	}
	n, err := g.at.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		g.err = err
	}
	return n, err
}

// Meter reads a part and counts what is read: of the archive, and of one piece.
type Meter struct {
	in       *bufio.Reader
	unpacked *int64
	most     int64
	token    int
}

// NewMeter makes a meter of a part. Unpacked is what was read of all parts so far, and
// most what may be, in bytes; past that, and past MaxToken since Begin, comes ErrLimit.
func NewMeter(part io.Reader, unpacked *int64, most int64) *Meter {
	return &Meter{in: bufio.NewReaderSize(part, 64<<10), unpacked: unpacked, most: most}
}

// Begin begins another piece.
func (m *Meter) Begin() { m.token = 0 }

// ReadByte implements io.ByteReader, which keeps a decoder of XML from reading ahead.
func (m *Meter) ReadByte() (byte, error) {
	if err := m.count(1); err != nil {
		return 0, err
	}
	return m.in.ReadByte()
}

// Read implements io.Reader.
func (m *Meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	if over := m.count(n); over != nil {
		return 0, over
	}
	return n, err
}

func (m *Meter) count(n int) error {
	m.token += n
	*m.unpacked += int64(n)
	if m.token > MaxToken || *m.unpacked > m.most {
		return ErrLimit
	}
	return nil
}
