package fault

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

// diskFull is a SQLSTATE.
const diskFull = "53100"

// fullData lets the volume with PostgreSQL's data be full while its write-ahead log
// has a volume of its own, as in docker-compose.yml: the server refuses what needs
// space, answers reads and stays up.
type fullData struct {
	disk
	log *volume
	pid int
}

// Volumes implements nemesis.Volumed.
func (f *fullData) Volumes() map[string]cluster.Volume {
	return map[string]cluster.Volume{cluster.PostgresName: f.volume, cluster.WALName: f.log}
}

// Inject implements nemesis.Fault.
func (f *fullData) Inject(ctx context.Context, c *cluster.Cluster) error {
	if pids := c.Postgres.PIDs(); len(pids) > 0 {
		f.pid = pids[0]
	}
	return f.volume.fill(ctx)
}

// Heal implements nemesis.Fault.
func (f *fullData) Heal(ctx context.Context, c *cluster.Cluster) error {
	var err error
	if f.pid != 0 {
		err = f.stands(ctx, c)
	}
	f.pid = 0
	return errors.Join(err, f.volume.free(), c.Postgres.Start(ctx))
}

// stands checks, while the disk is full, that the server is the one it was, reads,
// and says of what needs space that there is none.
func (f *fullData) stands(ctx context.Context, c *cluster.Cluster) error {
	if pids := c.Postgres.PIDs(); len(pids) == 0 || pids[0] != f.pid {
		return fmt.Errorf("PostgreSQL did not stay up: it was process %d, now there are %v", f.pid, pids)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*patient)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.Postgres.URL(fleet.Database("contact")))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var events int64
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM event_log").Scan(&events); err != nil {
		return fmt.Errorf("read while the disk is full: %w", err)
	}
	var pg *pgconn.PgError
	_, err = conn.Exec(ctx, "CREATE TEMPORARY TABLE drill_space AS SELECT generate_series(1, 1000000)")
	if !errors.As(err, &pg) || pg.Code != diskFull {
		return fmt.Errorf("a table was made while the disk was full, or not for that reason: %v", err)
	}
	return nil
}
