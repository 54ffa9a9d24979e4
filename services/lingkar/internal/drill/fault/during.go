package fault

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

// patient bounds what a fault does to a store: another fault may have stopped it.
const patient = 2 * time.Second

// during runs fn beside the drill until the answered function is called, which
// waits for it.
func during(fn func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// inDatabase runs statements in the database of an area, as the superuser. A
// database that cannot be reached, because another fault has it, is no error.
func inDatabase(ctx context.Context, c *cluster.Cluster, area string, statements ...string) error {
	if !c.Postgres.Running() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.Postgres.URL(fleet.Database(area)))
	if err != nil {
		return nil
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		_, err := conn.Exec(ctx, s)
		for deadlocked(err) && ctx.Err() == nil {
			_, err = conn.Exec(ctx, s)
		}
		if err != nil && !conn.IsClosed() && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// deadlocked says that a service was in the way of a statement, and it in the
// service's.
func deadlocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "40P01"
}

// inEachDatabase runs statements in every service's database.
func inEachDatabase(ctx context.Context, c *cluster.Cluster, statements ...string) error {
	var err error
	for _, d := range fleet.All() {
		err = errors.Join(err, inDatabase(ctx, c, d.Area, statements...))
	}
	return err
}

// insist runs statements in the database of an area until they are done: for what
// must be undone.
func insist(ctx context.Context, c *cluster.Cluster, area string, statements ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := once(ctx, c, area, statements)
		if err == nil || ctx.Err() != nil {
			return err
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

func once(ctx context.Context, c *cluster.Cluster, area string, statements []string) error {
	if err := c.Postgres.Start(ctx); err != nil {
		return err
	}
	c.Postgres.Resume()
	ctx, cancel := context.WithTimeout(ctx, 3*patient)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.Postgres.URL(fleet.Database(area)))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
