// Package pieces reads a file that is kept in pieces of one size, all but the last, as
// if it were one: from anywhere, with one piece in memory.
package pieces

import (
	"errors"
	"io"
)

// File is a file in pieces. Two goroutines must not use it at once.
type File struct {
	size, piece int64
	fetch       func(n int64) ([]byte, error)

	offset, read int64
	// last is the piece that was fetched last, and n its number.
	last []byte
	n    int64
}

// New answers a file of so many bytes, whose pieces of so many bytes fetch answers by
// their numbers, from 0.
func New(size, piece int64, fetch func(n int64) ([]byte, error)) *File {
	return &File{size: size, piece: piece, fetch: fetch}
}

// Size is its size in bytes.
func (f *File) Size() int64 { return f.size }

// Done is how many bytes were read in all, some of them more than once.
func (f *File) Done() int64 { return f.read }

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p[:min(int64(len(p)), f.piece)], f.offset)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= f.size {
			return done, io.EOF
		}
		if err := f.hold(at / f.piece); err != nil {
			return done, err
		}
		within := int(at % f.piece)
		if within >= len(f.last) {
			return done, io.ErrUnexpectedEOF
		}
		n := copy(p[done:], f.last[within:])
		done += n
		f.read += int64(n)
	}
	return done, nil
}

// hold fetches a piece, unless it is at hand.
func (f *File) hold(n int64) error {
	if f.last != nil && f.n == n {
		return nil
	}
	var err error
	f.n = n
	f.last, err = f.fetch(n)
	return err
}
