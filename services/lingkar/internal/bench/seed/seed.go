// Package seed fills a new data directory with a company of any size, in minutes,
// so that measurements are made on data that the services themselves would have
// written.
//
// It starts the suite and makes two small groups of customers through the RPCs
// that everybody uses. What the services wrote for them, in every database, then
// serves as a stencil: rows are copied with COPY, with other ids, names, numbers
// and times, their events in order and their personal fields sealed under keys of
// their own. A group of 100 holds retail customers with so many events each; a
// key account has 60 people related to it and a customer with exactly 1,000
// events.
//
// Not copied are audit rows and answers kept for repeated requests, and what
// belongs to the whole tenant: the catalogue, the queue, the campaign and its
// segment, whose counts stay those of the first group.
package seed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

const (
	// groupSize is how many contacts a group has.
	groupSize = 100
	// span is how far back the copies reach.
	span = 330 * 24 * time.Hour
)

// Shape is the kind of customers that a company has (CON-30).
type Shape string

// The shapes. Each has at least one group of retail customers and one key account.
const (
	// Mixed is retail customers with a key account to 50,000 contacts.
	Mixed Shape = "mixed"
	// Retail is customers of whom each does little.
	Retail Shape = "retail"
	// Accounts is key accounts: 60 people around a company, and much that happens.
	Accounts Shape = "accounts"
)

// Shapes are all of them.
var Shapes = []Shape{Mixed, Retail, Accounts}

// Options say what to make and where.
type Options struct {
	// Dir is the data directory to make; nothing may be there.
	Dir string
	// Contacts is how many there shall be, rounded up to a hundred; at least 200.
	Contacts int
	// Shape is what customers they are; Mixed where empty.
	Shape Shape
	// Events is how many events a retail customer has on average, from 4 to 50.
	Events int
	// Alone copies nothing but the contacts and what is listed with them: nothing has
	// happened to the copies, and no other service knows them. It is for lists and reads
	// of more contacts than the disk holds with their events.
	Alone bool
	// Seed decides names, amounts and who did what; 0 is a seed too.
	Seed uint64
	// Telemetry takes the logs of the services; nil leaves them out.
	Telemetry *telemetry.Telemetry
	// Progress is told one line a step.
	Progress func(string)
}

// Result tells what was made.
type Result struct {
	Contacts int           `json:"contacts"`
	Events   int64         `json:"events"`
	Rows     int64         `json:"rows"`
	Took     time.Duration `json:"took_ns"`
}

// Run makes the data directory. It appears whole, or not at all.
func Run(ctx context.Context, o Options) (*Result, error) {
	started := time.Now()
	target, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if entries, err := os.ReadDir(target); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s is not empty: name a new data directory with --data-dir", o.Dir)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o711); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), filepath.Base(target)+".seeding-")
	if err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	defer os.RemoveAll(dir)
	// 0711: the user PostgreSQL runs as must be able to pass through.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	result, err := fill(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	result.Took = time.Since(started)
	if err := os.WriteFile(filepath.Join(dir, mark), nil, 0o600); err != nil {
		return nil, err
	}
	return result, os.Rename(dir, target)
}

// mark is the file by which a data directory with invented data is known.
const mark = "seeded"

// Seeded reports whether Run made the directory, so that measuring may write to it.
func Seeded(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, mark))
	return err == nil
}

// fill makes the groups with the suite running, and the copies with nothing but
// the database.
func fill(ctx context.Context, dir string, o Options) (*Result, error) {
	h, err := home.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := h.Lock(); err != nil {
		return nil, err
	}
	defer h.Unlock()
	tmpl, err := makeGroups(ctx, h, o)
	if err != nil {
		return nil, err
	}
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: h.Path("postgres"), UnsafeFast: true, Settings: bulkSettings})
	if err != nil {
		return nil, err
	}
	result, err := copyGroups(ctx, h, server, tmpl, o)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Minute)
	defer cancel()
	return result, errors.Join(err, server.Stop(stopping), syncDisk())
}

// bulkSettings are those of a database that can be thrown away until it is whole.
var bulkSettings = map[string]string{
	"max_wal_size":                     "2GB",
	"wal_recycle":                      "off",
	"maintenance_work_mem":             "512MB",
	"max_parallel_maintenance_workers": "2",
	"autovacuum":                       "off",
	"log_min_duration_statement":       "-1",
}

// groups is how often each group is copied.
type groups struct{ mass, key int }

func groupsFor(contacts int, shape Shape) groups {
	copies := max(0, (contacts+groupSize-1)/groupSize-2)
	switch shape {
	case Retail:
		return groups{mass: copies}
	case Accounts:
		return groups{key: copies}
	}
	key := min(copies, contacts/50_000)
	return groups{mass: copies - key, key: key}
}
