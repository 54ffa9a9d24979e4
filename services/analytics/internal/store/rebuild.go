package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// The states of a rebuild.
const (
	Running = "RUNNING"
	Done    = "DONE"
	Failed  = "FAILED"
)

const (
	// rebuildBatch is how many events one transaction applies unless the caller
	// says otherwise.
	rebuildBatch = 1000
	// rebuildAttempts is how often a rebuild that fails begins again.
	rebuildAttempts = 5
	// rebuildPoll is how often a replica looks for one that nobody works at.
	rebuildPoll = 5 * time.Second
)

// Rebuild is one building anew of all projections.
type Rebuild struct {
	ID        uuid.UUID
	State     string
	BatchSize int
	// Compare asks for the digests of each projection before and after.
	Compare     bool
	Done, Total int64
	// Attempts is how often it began.
	Attempts           int
	CreatedAt          time.Time
	StartedAt, EndedAt *time.Time
	// Cause is why it failed: for operators only.
	Cause string
	// Digests are those asked for, once it is done.
	Digests []Digest
}

// Digest compares one projection before and after a rebuild.
type Digest struct {
	Projection    string `json:"projection"`
	Rows          int64  `json:"rows"`
	Live, Rebuilt string // SHA-256 in hexadecimal
}

const rebuildColumns = `id, state, batch_size, compare, done, total, attempts, create_time, start_time, end_time, cause, digests`

const insertRebuild = `
INSERT INTO rebuild (id, state, batch_size, compare, create_time)
VALUES ($1, 'RUNNING', $2, $3, $4)
ON CONFLICT DO NOTHING`

// StartRebuild asks for a rebuild, or answers the one that is under way.
func (s *Store) StartRebuild(ctx context.Context, tx pgx.Tx, batchSize int, compare bool) (Rebuild, error) {
	if batchSize == 0 {
		batchSize = rebuildBatch
	}
	if _, err := tx.Exec(ctx, insertRebuild, uuid.Must(uuid.NewV7()), batchSize, compare, s.now()); err != nil {
		return Rebuild{}, err
	}
	rows, err := tx.Query(ctx, "SELECT "+rebuildColumns+" FROM rebuild WHERE state = 'RUNNING'")
	if err != nil {
		return Rebuild{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanRebuild)
}

// WakeRebuilds makes RunRebuilds look at once for what was asked for.
func (s *Store) WakeRebuilds() {
	select {
	case s.rebuilds <- struct{}{}:
	default:
	}
}

// GetRebuild answers a rebuild.
func (s *Store) GetRebuild(ctx context.Context, id uuid.UUID) (Rebuild, error) {
	rows, err := s.db.System.Query(ctx, "SELECT "+rebuildColumns+" FROM rebuild WHERE id = $1", id)
	if err != nil {
		return Rebuild{}, postgres.SQLError(err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRebuild)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errs.NotFound("operation", "operations/analytics-"+id.String())
	}
	return r, postgres.SQLError(err)
}

func scanRebuild(row pgx.CollectableRow) (r Rebuild, err error) {
	return r, row.Scan(&r.ID, &r.State, &r.BatchSize, &r.Compare, &r.Done, &r.Total, &r.Attempts,
		&r.CreatedAt, &r.StartedAt, &r.EndedAt, &r.Cause, &r.Digests)
}

// RunRebuilds does the rebuilds that were asked for, until the context ends. Every
// replica may run it: one works at a time.
func (s *Store) RunRebuilds(ctx context.Context) error {
	for {
		if err := s.runRebuild(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.rebuilds:
		case <-time.After(rebuildPoll):
		}
	}
}

// runRebuild does the rebuild that is to be done, if there is one and nobody else
// is at it.
func (s *Store) runRebuild(ctx context.Context) error {
	rows, err := s.db.System.Query(ctx, "SELECT "+rebuildColumns+" FROM rebuild WHERE state = 'RUNNING'")
	if err != nil {
		return err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRebuild)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	conn, err := s.db.System.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	var mine bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtext('rebuild'))").Scan(&mine); err != nil || !mine {
		return err
	}
	defer func() { // a connection that broke has let go of the lock
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(hashtext('rebuild'))")
	}()
	w := &rebuilder{Store: s, conn: conn.Conn(), batch: r.BatchSize, compare: r.Compare, id: r.ID}
	if err := w.run(ctx); err != nil && ctx.Err() == nil {
		return s.noteRebuildFailure(ctx, r, err)
	}
	return ctx.Err()
}

// noteRebuildFailure gives a rebuild up after some attempts. Until then the error
// makes it begin again.
func (s *Store) noteRebuildFailure(ctx context.Context, r Rebuild, cause error) error {
	s.logger.ErrorContext(ctx, "a rebuild failed", "operation", "operations/analytics-"+r.ID.String(), "cause", cause.Error())
	if r.Attempts+1 < rebuildAttempts {
		return cause
	}
	_, err := s.db.System.Exec(ctx, "UPDATE rebuild SET state = 'FAILED', cause = $2, end_time = $3 WHERE id = $1",
		r.ID, cause.Error(), s.now())
	return err
}
