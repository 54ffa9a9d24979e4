package testkit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// databaseTimeout bounds making or dropping a database on a busy machine.
const databaseTimeout = 2 * time.Minute

// passwords of the roles in the test server, which listens on loopback only.
var passwords = postgres.Passwords{Owner: "owner", App: "app", Relay: "relay"}

// PostgresServer is the PostgreSQL that all tests of this user share.
type PostgresServer struct {
	// AdminURL reaches database postgres as the superuser.
	AdminURL string

	// templates remembers what this process knows to exist.
	templates sync.Map
}

var sharedPostgres = sync.OnceValues(joinPostgres)

// Postgres answers the shared server, starting it when nobody has: one for all
// packages of a `go test` run and those that follow soon. It is a real one
// without durability, and ends a minute after the last process that uses it.
func Postgres(t testing.TB) *PostgresServer {
	t.Helper()
	s, err := sharedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Migrate brings a fresh database to its schema, as the owner.
type Migrate func(ctx context.Context, ownerURL string) error

// Database answers the URLs of a database of its own for this test, with the
// roles of the service, and drops it when the test ends. It is a copy of a
// template that migrate filled once: per process, or where files are given, per
// content of these files on the whole machine. They must then hold all that
// migrate applies, apart from postgres.BaseMigrations.
func Database(t testing.TB, service string, migrate Migrate, files ...fs.FS) postgres.URLs {
	t.Helper()
	return Postgres(t).database(t, service, migrate, files)
}

func (s *PostgresServer) database(t testing.TB, service string, migrate Migrate, files []fs.FS) postgres.URLs {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
	defer cancel()
	template, err := s.template(ctx, service, migrate, files)
	if err != nil {
		t.Fatal(err)
	}
	name := "t_" + service + "_" + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		if err := s.drop(name); err != nil {
			t.Errorf("dropping the database of the test: %v", err)
		}
	})
	if err := s.copy(ctx, template, name, service); err != nil {
		t.Fatal(err)
	}
	urls, err := postgres.ServiceURLs(s.AdminURL, name, service, passwords)
	if err != nil {
		t.Fatal(err)
	}
	return urls
}

// Open opens a database as a service does, and closes it when the test ends.
func Open(t testing.TB, urls postgres.URLs) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(context.Background(), urls.App, urls.System, postgres.Options{
		PageKey: []byte("a key for tests only"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// template answers the name of the database to copy, and makes it where there is
// none. Processes that need the same one wait for the first.
func (s *PostgresServer) template(ctx context.Context, service string, migrate Migrate, files []fs.FS) (string, error) {
	key, err := templateKey(files)
	if err != nil {
		return "", err
	}
	name := "template_" + service + "_" + key
	if _, ok := s.templates.Load(name); ok {
		return name, nil
	}
	admin, err := pgx.Connect(ctx, s.AdminURL)
	if err != nil {
		return "", err
	}
	// Ends the session, and with it the advisory lock.
	defer admin.Close(context.WithoutCancel(ctx))
	if _, err := admin.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", name); err != nil {
		return "", err
	}
	var exists bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return "", err
	}
	if !exists {
		if err := s.buildTemplate(ctx, admin, name, service, migrate); err != nil {
			return "", fmt.Errorf("building the template database of %s: %w", service, err)
		}
	}
	s.templates.Store(name, true)
	return name, nil
}

// buildTemplate builds under another name, so that a template that exists is
// always whole.
func (s *PostgresServer) buildTemplate(ctx context.Context, admin *pgx.Conn, name, service string, migrate Migrate) error {
	site := name + "_site"
	if _, err := admin.Exec(ctx, "DROP DATABASE IF EXISTS "+site+" WITH (FORCE)"); err != nil {
		return err
	}
	urls, err := postgres.Provision(ctx, s.AdminURL, site, service, passwords)
	if err != nil {
		return err
	}
	if err := migrate(ctx, urls.Owner); err != nil {
		return err
	}
	return whileInUse(ctx, func() error {
		_, err := admin.Exec(ctx, "ALTER DATABASE "+site+" RENAME TO "+name)
		return err
	})
}

// templateKey names the content of the files, or this process where there are
// none.
func templateKey(files []fs.FS) (string, error) {
	h := sha256.New()
	if len(files) == 0 {
		fmt.Fprint(h, os.Getpid(), os.Args[0])
	}
	for _, fsys := range slices.Concat(files, []fs.FS{postgres.BaseMigrations()}) {
		err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(fsys, path)
			fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

func (s *PostgresServer) copy(ctx context.Context, template, name, service string) error {
	admin, err := pgx.Connect(ctx, s.AdminURL)
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	err = whileInUse(ctx, func() error {
		_, err := admin.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s_owner", name, template, service))
		return err
	})
	if err != nil {
		return err
	}
	return postgres.GrantConnect(ctx, admin, name, service)
}

func (s *PostgresServer) drop(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
	defer cancel()
	admin, err := pgx.Connect(ctx, s.AdminURL)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	_, err = admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// whileInUse repeats what fails because a session on the database has closed but
// not ended yet.
func whileInUse(ctx context.Context, fn func() error) error {
	for {
		err := fn()
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "55006" {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}
