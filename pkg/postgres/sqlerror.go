package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Violates reports whether err comes from a violation of the named constraint.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

// SQLError words an error of the database for a caller, by its SQLSTATE.
func SQLError(err error) error { return sqlError(context.Background(), err) }

func sqlError(ctx context.Context, err error) error { return err }

func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}
