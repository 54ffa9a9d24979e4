package limit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// CopyEvents copies the newest events of the suite's log, so many at most, and
// answers how many there were and how long writing them took.
func (w *Writes) CopyEvents(ctx context.Context, liveURL string, most int) (rows int64, took time.Duration, err error) {
	live, err := pgx.Connect(ctx, liveURL)
	if err != nil {
		return 0, 0, err
	}
	defer live.Close(context.WithoutCancel(ctx))
	files, err := readParts(ctx, live, part{table: "event_log", from: fmt.Sprintf("(SELECT * FROM event_log ORDER BY position DESC LIMIT %d) t", most)})
	defer removeAll(files)
	if err != nil {
		return 0, 0, err
	}
	if took, err = w.write(ctx, files); err != nil {
		return 0, 0, err
	}
	return rows, took, w.pool.QueryRow(ctx, "SELECT count(*) FROM event_log").Scan(&rows)
}

// Unpublish makes all events of the log wait in the outbox, as if none had ever been
// numbered.
func (w *Writes) Unpublish(ctx context.Context) error {
	_, err := w.pool.Exec(ctx, `
		TRUNCATE event_order, outbox;
		UPDATE partition_head SET seq = 0, published = 0;
		INSERT INTO outbox (position, recorded_at, partition) SELECT position, recorded_at, partition FROM event_log;
		ANALYZE outbox`)
	return err
}

// System answers a pool as role relay, for a relay.
func (w *Writes) System(ctx context.Context) (*pgxpool.Pool, error) {
	config := w.pool.Config()
	config.ConnConfig.User, config.ConnConfig.Password = role+"_relay", password
	config.MaxConns = 2
	return pgxpool.NewWithConfig(ctx, config)
}
