// Package bench measures the suite beside its limits, in one run on one machine,
// and says how it measured.
//
// It runs `lingkar up` as a child process on a data directory and calls it from
// outside, so that the processor time of the client is not counted. What is
// measured and its limit take turns in short rounds after a warm-up, and a figure
// is the median of the rounds with the least and the most.
//
// Figures of busy or different machines do not compare; ratios of one run and
// processor time per call do, roughly. Only Linux tells processor time and
// memory; elsewhere those columns stay empty.
package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// Options say what to measure.
type Options struct {
	// Program is lingkar itself, Dir the data directory with the data.
	Program, Dir string
	// Only are the rows to measure; all where empty.
	Only []string
	// Round is how long one round takes, Rounds how many there are.
	Round  time.Duration
	Rounds int
	// Quick makes bulk work smaller.
	Quick bool
	// Clients is how many call at once.
	Clients int
	// Progress is told one line a row.
	Progress func(string)
}

// Run measures, and leaves the data directory with what it wrote. When the context ends
// amid the measures, the answer has what was measured until then, beside the error.
func Run(ctx context.Context, o Options) (*Report, error) {
	measured, err := chosen(o.Only)
	if err != nil {
		return nil, err
	}
	report := &Report{Time: time.Now().UTC(), Machine: fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()), Skipped: map[string]string{}}
	if err := report.measure(ctx, &bench{Options: o}, measured, true); err != nil {
		return nil, err
	}
	child, err := startUp(ctx, o.Program, o.Dir)
	if err != nil {
		return nil, err
	}
	defer child.stop()
	b, err := newBench(ctx, o, child)
	if err != nil {
		return nil, err
	}
	defer b.close()
	report.Contacts = b.contacts
	return report, report.measure(ctx, b, measured, false)
}

// measure adds those of the rows that are measured without a suite that runs, or
// with one.
func (r *Report) measure(ctx context.Context, b *bench, measured []measure, alone bool) error {
	for _, m := range measured {
		if m.alone != alone {
			continue
		}
		var row *Row
		var err error
		if ctx.Err() == nil {
			b.Progress("measuring " + m.id)
			row, err = m.run(ctx, b)
		}
		switch {
		case ctx.Err() != nil:
			r.Skipped[m.id] = "the run was interrupted"
		case err != nil:
			r.Skipped[m.id] = err.Error()
			b.Progress(m.id + " could not be measured: " + err.Error())
		default:
			row.ID = m.id
			r.Rows = append(r.Rows, *row)
		}
	}
	return ctx.Err()
}

// measure is one row.
type measure struct {
	id string
	// alone is set where no suite runs meanwhile: the bench has its options only.
	alone bool
	run   func(context.Context, *bench) (*Row, error)
}

// IDs are the names of all rows, in their order.
func IDs() []string {
	var ids []string
	for _, m := range measures {
		ids = append(ids, m.id)
	}
	return ids
}

// Check answers an error where there is no row of one of these names.
func Check(only []string) error {
	_, err := chosen(only)
	return err
}

func chosen(only []string) ([]measure, error) {
	for _, id := range only {
		if !slices.Contains(IDs(), id) {
			return nil, fmt.Errorf("there is no row %q; there are %s", id, strings.Join(IDs(), ", "))
		}
	}
	if len(only) == 0 {
		return measures, nil
	}
	return slices.DeleteFunc(slices.Clone(measures), func(m measure) bool { return !slices.Contains(only, m.id) }), nil
}

// The databases that measures look into.
var (
	contactDatabase   = fleet.Database("contact")
	analyticsDatabase = fleet.Database("analytics")
)

// bench is what the measures share.
type bench struct {
	Options
	child *child
	// private is the address of a private listener, where the suite tells what it
	// did.
	private  string
	conn     *grpc.ClientConn
	admin    map[string]*pgx.Conn
	adminURL func(database string) string
	tenant   uuid.UUID
	contacts int
	// sample are contacts from all over, busiest the one with the longest
	// timeline, and asOf an instant in the middle of it.
	sample  []uuid.UUID
	busiest uuid.UUID
	asOf    time.Time
}

func newBench(ctx context.Context, o Options, c *child) (*bench, error) {
	admin, err := administrator(o.Dir)
	if err != nil {
		return nil, err
	}
	b := &bench{Options: o, child: c, admin: map[string]*pgx.Conn{}, adminURL: admin}
	if b.tenant, err = uuid.Parse(strings.TrimPrefix(c.Tenant, "tenants/")); err != nil {
		return nil, err
	}
	state, err := home.ReadState(o.Dir)
	if err != nil {
		return nil, err
	}
	b.private = state.Private[contact.Definition.Name]
	if b.conn, err = c.dial(); err != nil {
		return nil, err
	}
	for _, name := range []string{contactDatabase, analyticsDatabase} {
		if b.admin[name], err = pgx.Connect(ctx, admin(name)); err != nil {
			b.close()
			return nil, err
		}
	}
	if err := b.look(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// look finds whom to ask about.
func (b *bench) look(ctx context.Context) error {
	contacts, analytics := b.admin[contactDatabase], b.admin[analyticsDatabase]
	if err := contacts.QueryRow(ctx, "SELECT count(*) FROM contact WHERE tenant = $1", b.tenant).Scan(&b.contacts); err != nil {
		return err
	}
	if b.contacts == 0 {
		return errors.New("the data directory has no contacts: make one with `lingkar bench seed`")
	}
	share := min(100, 200_000/float64(b.contacts))
	rows, err := contacts.Query(ctx, fmt.Sprintf("SELECT id FROM contact TABLESAMPLE BERNOULLI (%f) WHERE tenant = $1 LIMIT 2000", share), b.tenant)
	if err != nil {
		return err
	}
	if b.sample, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return err
	}
	// The busiest by a sample of the timeline: one with 1,000 entries of ten
	// million is found by its share.
	err = analytics.QueryRow(ctx, `
		SELECT contact FROM timeline TABLESAMPLE SYSTEM (20) WHERE tenant = $1
		GROUP BY contact ORDER BY count(*) DESC LIMIT 1`, b.tenant).Scan(&b.busiest)
	if errors.Is(err, pgx.ErrNoRows) {
		b.busiest, err = b.sample[0], nil
	}
	if err != nil {
		return err
	}
	return analytics.QueryRow(ctx, `
		SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY recorded_at) FROM timeline WHERE tenant = $1 AND contact = $2`,
		b.tenant, b.busiest).Scan(&b.asOf)
}

func (b *bench) close() {
	for _, conn := range b.admin {
		_ = conn.Close(context.Background()) // nothing is pending
	}
	_ = b.conn.Close() // no call is under way
}

// administrator answers how to reach the databases of a data directory.
func administrator(dir string) (func(database string) string, error) {
	server, err := pgserver.AddressOf(filepath.Join(dir, "postgres"))
	return server.SocketURL, err
}
