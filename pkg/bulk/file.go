package bulk

import (
	"context"
	"errors"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// file reads an uploaded file, whose pieces are all of chunkSize but the last. It is
// a sheet.File; two goroutines must not use it at once.
type file struct {
	ctx    context.Context
	engine *Engine
	tenant uuid.UUID
	id     uuid.UUID
	size   int64
	offset int64
	// read is how many bytes were read in all.
	read int64
	// piece is the one that was read last, and n its number.
	piece []byte
	n     int64
}

func (e *Engine) file(ctx context.Context, tenant, id uuid.UUID, size int64) *file {
	return &file{ctx: ctx, engine: e, tenant: tenant, id: id, size: size}
}

// Size implements sheet.File.
func (f *file) Size() int64 { return f.size }

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p[:min(len(p), chunkSize)], f.offset)
	f.offset += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		at := off + int64(done)
		if at >= f.size {
			return done, io.EOF
		}
		if err := f.fetch(at / chunkSize); err != nil {
			return done, err
		}
		within := int(at % chunkSize)
		if within >= len(f.piece) {
			return done, io.ErrUnexpectedEOF
		}
		n := copy(p[done:], f.piece[within:])
		done += n
		f.read += int64(n)
	}
	return done, nil
}

// fetch reads a piece, unless it is at hand.
func (f *file) fetch(n int64) error {
	if f.piece != nil && f.n == n {
		return nil
	}
	f.piece, f.n = nil, n
	b := &pgx.Batch{}
	postgres.QueueTenant(b, f.tenant)
	b.Queue(`SELECT data FROM import_chunk WHERE tenant = $1 AND import = $2 AND n = $3`, f.tenant, f.id, n).
		QueryRow(func(row pgx.Row) error {
			err := row.Scan(&f.piece)
			if errors.Is(err, pgx.ErrNoRows) {
				return io.ErrUnexpectedEOF
			}
			return err
		})
	return postgres.Run(f.ctx, f.engine.DB, b)
}
