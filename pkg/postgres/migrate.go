package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

//go:embed migrations/*.sql
var base embed.FS

// BaseMigrations answers what Migrate applies before a service's own: row-level
// security, the entries of maps, and search.
func BaseMigrations() fs.FS {
	files, err := fs.Sub(base, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return files
}

const (
	migrationLockTimeout = 5 * time.Second // a migration does not queue behind a long reader
	migrationTries       = 6
)

// Migrate brings the database to the newest version of the migrations, as the
// owner. It applies the base of this package first, then the files NNNNN_x.sql
// of migrations (goose syntax, "-- +goose NO TRANSACTION" supported) under their
// own version table. Processes that start together wait for one another. A
// migration that does not get its lock within 5 s is tried again, so that the
// requests queued behind it can pass; one without transaction must be able to
// run again, or set lock_timeout itself.
func Migrate(ctx context.Context, ownerURL, versionTable string, migrations fs.FS) error {
	if err := migrate(ctx, ownerURL, "lingkar_version", BaseMigrations()); err != nil {
		return err
	}
	return migrate(ctx, ownerURL, versionTable, migrations)
}

func migrate(ctx context.Context, ownerURL, table string, files fs.FS) error {
	for try := 1; ; try++ {
		err := migrateOnce(ctx, ownerURL, table, files)
		var pg *pgconn.PgError
		if err == nil || try == migrationTries || !errors.As(err, &pg) || pg.Code != "55P03" {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
}

func migrateOnce(ctx context.Context, ownerURL, table string, files fs.FS) error {
	c, err := pgx.ParseConfig(ownerURL)
	if err != nil {
		return fmt.Errorf("postgres: owner url: %w", err)
	}
	c.ConnectTimeout = ConnectTimeout
	c.RuntimeParams["lock_timeout"] = fmt.Sprint(migrationLockTimeout.Milliseconds())
	db := stdlib.OpenDB(*c)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithTableName(table),
		goose.WithSessionLocker(locker),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("postgres: migrations of %s: %w", table, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("postgres: migrations of %s: %w", table, err)
	}
	return failpoint.Hit(failpoint.MigrateAfterSet)
}
