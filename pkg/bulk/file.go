package bulk

import (
	"context"
	"errors"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/pieces"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// file reads an uploaded file: a sheet.File.
func (e *Engine) file(ctx context.Context, tenant, id uuid.UUID, size int64) *pieces.File {
	return pieces.New(size, chunkSize, func(n int64) (piece []byte, err error) {
		b := &pgx.Batch{}
		postgres.QueueTenant(b, tenant)
		b.Queue(`SELECT data FROM import_chunk WHERE tenant = $1 AND import = $2 AND n = $3`, tenant, id, n).
			QueryRow(func(row pgx.Row) error {
				err := row.Scan(&piece)
				if errors.Is(err, pgx.ErrNoRows) {
					return io.ErrUnexpectedEOF
				}
				return err
			})
		return piece, postgres.Run(ctx, e.DB, b)
	})
}
