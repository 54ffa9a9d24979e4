package postgres

import (
	"context"
	"io/fs"
)

// Migrate brings the database to the newest version of the migrations, as the
// owner. It applies the base of this package first, then the files NNNNN_x.sql
// of migrations (goose syntax, "-- +goose NO TRANSACTION" supported) under their
// own version table. Processes that start together wait for one another.
func Migrate(ctx context.Context, ownerURL, versionTable string, migrations fs.FS) error {
	panic("not implemented")
}
