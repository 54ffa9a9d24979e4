package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// conflicts makes one transaction in ten fail as PostgreSQL does when two are in
// each other's way.
func conflicts() nemesis.Fault {
	const begin = `
		CREATE OR REPLACE FUNCTION drill_conflict() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF random() < 0.05 THEN RAISE serialization_failure; END IF;
			IF random() < 0.05 THEN RAISE deadlock_detected; END IF;
			RETURN NEW;
		END $$;
		DROP TRIGGER IF EXISTS drill_conflict ON event_log;
		CREATE TRIGGER drill_conflict BEFORE INSERT ON event_log FOR EACH ROW EXECUTE FUNCTION drill_conflict()`
	const end = `DROP TRIGGER IF EXISTS drill_conflict ON event_log; DROP FUNCTION IF EXISTS drill_conflict()`
	return &simple{
		id: "F33", title: "transactions end by 40001 and 40P01",
		inject: func(ctx context.Context, c *cluster.Cluster) error { return inEachDatabase(ctx, c, begin) },
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			var err error
			for _, d := range fleet.All() {
				err = errors.Join(err, insist(ctx, c, d.Area, end))
			}
			return err
		},
	}
}

// exhaust locks a table that every request of a service needs, so that all of its
// connections wait.
func exhaust(r *rand.Rand) nemesis.Fault {
	var stop func()
	return &simple{
		id: "F34", title: "all connections of a service to its database are busy",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			area := pick(r, fleet.All()).Area
			if !c.Postgres.Running() {
				return nil
			}
			url := c.Postgres.URL(fleet.Database(area))
			stop = during(func(ctx context.Context) {
				conn, err := pgx.Connect(ctx, url)
				if err != nil {
					return // another fault has the database
				}
				defer conn.Close(context.WithoutCancel(ctx))
				tx, err := conn.Begin(ctx)
				if err != nil {
					return
				}
				if _, err := tx.Exec(ctx, "LOCK TABLE idempotency, outbox IN ACCESS EXCLUSIVE MODE"); err == nil {
					<-ctx.Done()
				}
			})
			return nil
		},
		heal: func(context.Context, *cluster.Cluster) error {
			if stop != nil {
				stop()
			}
			return nil
		},
	}
}

// restartPostgres restarts the server, so that every pool connects anew at once.
func restartPostgres() nemesis.Fault {
	return &simple{
		id: "F39", title: "PostgreSQL is restarted and everybody connects at once",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			if err := c.Postgres.Stop(ctx); err != nil {
				return err
			}
			return c.Postgres.Start(ctx)
		},
		heal: func(ctx context.Context, c *cluster.Cluster) error { return c.Postgres.Start(ctx) },
	}
}

// wrongClock restarts PostgreSQL under another clock than the services have.
type wrongClock struct {
	simple
	random *rand.Rand
}

// fakers are where distributions put the library.
const fakers = "/usr/lib/*/faketime/libfaketime.so.1"

func clock(r *rand.Rand) nemesis.Fault {
	w := &wrongClock{random: r}
	w.simple = simple{
		id: "F24", title: "PostgreSQL's clock is two hours slow or a day fast",
		inject: w.begin,
		heal: func(ctx context.Context, c *cluster.Cluster) error {
			c.Postgres.UseBinaries("")
			return restart(ctx, c)
		},
	}
	return w
}

// Possible implements nemesis.Conditional.
func (w *wrongClock) Possible() error {
	if found, _ := filepath.Glob(fakers); len(found) == 0 {
		return errors.New("libfaketime is not installed (Debian: apt-get install faketime)")
	}
	return nil
}

// Lone implements nemesis.Lone: other faults start PostgreSQL as well.
func (w *wrongClock) Lone() {}

func (w *wrongClock) begin(ctx context.Context, c *cluster.Cluster) error {
	found, _ := filepath.Glob(fakers)
	offset := pick(w.random, []string{"-2h", "+1d"})
	dir, err := faked(ctx, c, found[0], offset)
	if err != nil {
		return err
	}
	c.Postgres.UseBinaries(dir)
	return restart(ctx, c)
}

func restart(ctx context.Context, c *cluster.Cluster) error {
	stopping, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := c.Postgres.Stop(stopping); err != nil {
		return err
	}
	return c.Postgres.Start(ctx)
}

// faked makes a directory of PostgreSQL's programs, of which the server runs under
// another clock.
func faked(ctx context.Context, c *cluster.Cluster, library, offset string) (string, error) {
	real, err := pgserver.Find(ctx, 0)
	if err != nil {
		return "", err
	}
	dir := c.Path("clock" + strings.Trim(offset, "+"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		if err := os.Symlink(filepath.Join(real.Dir, "initdb"), filepath.Join(dir, "initdb")); err != nil {
			return "", err
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nexec env LD_PRELOAD=%s FAKETIME=%s FAKETIME_DONT_FAKE_MONOTONIC=1 %s \"$@\"\n",
		library, offset, filepath.Join(real.Dir, "postgres"))
	return dir, os.WriteFile(filepath.Join(dir, "postgres"), []byte(script), 0o755)
}
