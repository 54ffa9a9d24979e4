package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// startRounds is how often a start is measured, at most; a first one takes long.
const (
	startRounds      = 3
	firstStartRounds = 2
)

// start measures `up` on the data at hand until it has answered a request, and in
// turns PostgreSQL alone on the same files.
func start(ctx context.Context, b *bench) (*Row, error) {
	var starts, alone []float64
	for range min(b.Rounds, startRounds) {
		took, err := b.answered(ctx, b.Dir)
		if err != nil {
			return nil, err
		}
		postgres, err := startPostgres(ctx, b.Dir)
		if err != nil {
			return nil, fmt.Errorf("the limit, PostgreSQL: %w", err)
		}
		starts, alone = append(starts, took.Seconds()), append(alone, postgres.Seconds())
	}
	row := &Row{Unit: "s", Figure: spread(starts)}
	row.beside("start of PostgreSQL alone", alone)
	return row.aim("start of `up` on existing data to the first answered request", "2 s", "0.5 s", row.Figure.Median <= 2), nil
}

// startFirst measures `up` on an empty data directory.
func startFirst(ctx context.Context, b *bench) (*Row, error) {
	var starts []float64
	for range min(b.Rounds, firstStartRounds) {
		took, err := b.startEmpty(ctx)
		if err != nil {
			return nil, err
		}
		starts = append(starts, took.Seconds())
	}
	row := &Row{Unit: "s", Figure: spread(starts)}
	return row.aim("first start of `up`, empty directory to the first answered request", "8 s", "3 s", row.Figure.Median <= 8), nil
}

func (b *bench) startEmpty(ctx context.Context) (time.Duration, error) {
	dir, err := reachable("lingkar-bench-first-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	return b.answered(ctx, filepath.Join(dir, "data"))
}

// reachable makes a directory that the account PostgreSQL runs as can pass through.
func reachable(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// answered starts `up` on a directory, asks it for a contact, stops it, and answers
// how long it took from the start of the process to the answer.
func (b *bench) answered(ctx context.Context, dir string) (time.Duration, error) {
	c, err := startUp(ctx, b.Program, dir)
	if err != nil {
		return 0, err
	}
	defer c.stop()
	conn, err := c.dial()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_, err = contactv1.NewContactServiceClient(conn).ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: 1})
	return time.Since(c.started), err
}

// startPostgres starts PostgreSQL alone on a data directory of `up`, and stops it.
func startPostgres(ctx context.Context, dir string) (time.Duration, error) {
	began := time.Now()
	server, err := pgserver.Start(ctx, pgserver.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return took, server.Stop(stopping)
}
