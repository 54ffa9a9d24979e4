package schema_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/internal/schema"
)

var update = flag.Bool("update", false, "write the schema.sql of each package and service anew")

// repository is the way to the root.
var repository = filepath.Join("..", "..", "..")

// shared are the packages of pkg that bring tables to services, in the order in which they
// are made.
var shared = []struct {
	dir string
	service.Tables
}{
	{"postgres", service.Tables{Version: "lingkar_version", Migrations: postgres.BaseMigrations()}},
	{"eventlog", service.Tables{Version: eventlog.VersionTable, Migrations: eventlog.Migrations}},
	{"bulk", service.Tables{Version: bulk.VersionTable, Migrations: bulk.Migrations}},
	{"customfield", service.Tables{Version: customfield.VersionTable, Migrations: customfield.Migrations}},
	{"fieldaccess", service.Tables{Version: fieldaccess.VersionTable, Migrations: fieldaccess.Migrations}},
	{"rules", service.Tables{Version: rules.VersionTable, Migrations: rules.Migrations}},
	{"survivor", service.Tables{Version: survivor.VersionTable, Migrations: survivor.Migrations}},
	{"timer", service.Tables{Version: timer.VersionTable, Migrations: timer.Migrations}},
}

// TestSchema holds the schema.sql of each service, and of each package that brings tables
// to services, to what the migrations make; run it with -update after a change of them.
func TestSchema(t *testing.T) {
	t.Parallel()
	common := checkShared(t)
	for _, d := range fleet.All() {
		t.Run(d.Area, func(t *testing.T) {
			t.Parallel()
			check(t, common, d.Area, filepath.Join("services", d.Name, "internal", "store"), func(ctx context.Context, ownerURL string) error {
				return service.Migrate(ctx, d, ownerURL)
			})
		})
	}
	t.Run(fleet.Keys, func(t *testing.T) {
		t.Parallel()
		check(t, common, fleet.Keys, filepath.Join("services", "contact", "internal", "store", "keystore"), func(ctx context.Context, ownerURL string) error {
			return service.MigrateFurther(ctx, contact.Definition, fleet.Keys, ownerURL)
		})
	})
}

// checkShared checks the files of packages, and answers a schema with all that they bring.
func checkShared(t *testing.T) *schema.Schema {
	t.Helper()
	urls := testkit.Database(t, schema.AnyService, func(context.Context, string) error { return nil })
	before, written := &schema.Schema{}, map[string]bool{}
	for _, s := range shared {
		if err := postgres.Migrate(t.Context(), urls.Owner, s.Version, s.Migrations); err != nil {
			t.Fatal(err)
		}
		after := read(t, urls, schema.AnyService)
		hold(t, filepath.Join("pkg", s.dir), after, before)
		before, written[s.Version] = after, true
	}
	for _, d := range fleet.All() {
		for _, used := range d.Uses {
			if !written[used.Version] {
				t.Errorf("%s uses the tables of %s, which no schema.sql says", d.Name, used.Version)
			}
		}
	}
	return before
}

// check checks the file of a service's database in a directory.
func check(t *testing.T, common *schema.Schema, database, dir string, migrate testkit.Migrate) {
	t.Helper()
	hold(t, dir, read(t, testkit.Database(t, database, migrate), database), common)
}

func read(t *testing.T, urls postgres.URLs, service string) *schema.Schema {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	s, err := schema.Read(t.Context(), conn, service)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hold holds the file in a directory to a schema without what is in another, or writes it.
func hold(t *testing.T, dir string, s, without *schema.Schema) {
	t.Helper()
	path := filepath.Join(repository, dir, "schema.sql")
	head := fmt.Sprintf("-- What the migrations make, as PostgreSQL %d words it. To read, not to run.\n"+
		"-- What is not here is in pkg/*/schema.sql.\n"+
		"-- Written by go test ./services/internal/schema -update.\n", s.Version)
	text := head + s.TextBeside(without)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(path)
	switch {
	case err != nil:
		t.Fatal(err)
	case string(kept) == text:
	case strings.HasPrefix(string(kept), head):
		t.Errorf("%s is stale: run go test ./services/internal/schema -update", path)
	case os.Getenv("CI") == "true":
		t.Errorf("%s is worded by another version of PostgreSQL than %d: run go test ./services/internal/schema -update with the one that CI installs", path, s.Version)
	default:
		t.Skipf("%s is worded by another version of PostgreSQL than %d", path, s.Version)
	}
}
