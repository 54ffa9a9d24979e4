package keystore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Missing answers the id of a key-encryption key under which keys are stored and that
// the wrapper does not have; "" where it has them all.
func Missing(ctx context.Context, keys *pgxpool.Pool, w *kek.Wrapper) (string, error) {
	var missing string
	err := keys.QueryRow(ctx, "SELECT kek FROM contact_key WHERE kek <> ALL ($1) LIMIT 1", w.IDs()).Scan(&missing)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return missing, postgres.SQLError(err)
}
