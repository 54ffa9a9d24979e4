package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// followers are the projections that read the events of contact beside the views, each
// with a transaction that keeps it from its work.
type followers struct {
	bench *bench
	held  []pgx.Tx
	// cursors is how many are locked.
	cursors int64
}

// viewsProjection is the one that makes the views.
const viewsProjection = "analytics"

// holdFollowers keeps the other services from the events of contact, by locks on the
// cursors that they must move. The broker goes on sending them events until their
// buffers are full.
func (b *bench) holdFollowers(ctx context.Context) (*followers, error) {
	f := &followers{bench: b}
	for _, d := range fleet.All() {
		if err := f.hold(ctx, fleet.Database(d.Area)); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", d.Name, err), f.close(ctx))
		}
	}
	if f.cursors == 0 {
		return nil, errors.Join(errors.New("nobody follows contact beside the views"), f.close(ctx))
	}
	return f, nil
}

func (f *followers) hold(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, f.bench.adminURL(database))
	if err != nil {
		return err
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	f.held = append(f.held, tx)
	locked, err := tx.Exec(ctx, "SELECT FROM projection_cursor WHERE area = 'contact' AND projection <> $1 FOR UPDATE", viewsProjection)
	f.cursors += locked.RowsAffected()
	return err
}

// release lets them go and waits until they have all events.
func (f *followers) release(ctx context.Context) error {
	var head int64
	if err := f.bench.admin[contactDatabase].QueryRow(ctx, "SELECT sum(seq)::bigint FROM partition_head").Scan(&head); err != nil {
		return errors.Join(err, f.close(ctx))
	}
	var problems []error
	for _, tx := range f.held {
		problems = append(problems, tx.Rollback(ctx))
	}
	deadline := time.Now().Add(settleTimeout)
	for _, tx := range f.held {
		problems = append(problems, awaitCursors(ctx, tx.Conn(), head, deadline))
	}
	return errors.Join(append(problems, f.close(ctx))...)
}

// awaitCursors waits until every projection of a database has so many events of contact.
func awaitCursors(ctx context.Context, conn *pgx.Conn, head int64, deadline time.Time) error {
	for {
		var least int64
		err := conn.QueryRow(ctx, `
			SELECT coalesce(min(events), $1)::bigint
			FROM (SELECT sum(seq) AS events FROM projection_cursor WHERE area = 'contact' GROUP BY projection) AS p`, head).Scan(&least)
		switch {
		case err != nil || least >= head:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("%s: a projection lacks %d events after %s", conn.Config().Database, head-least, settleTimeout)
		}
		time.Sleep(eventsPoll)
	}
}

// close ends the connections, and with them what they hold.
func (f *followers) close(ctx context.Context) error {
	var problems []error
	for _, tx := range f.held {
		problems = append(problems, tx.Conn().Close(context.WithoutCancel(ctx)))
	}
	f.held = nil
	return errors.Join(problems...)
}
