package eventlog

import (
	"context"
	"fmt"
	"time"
)

const (
	// answerLifetime is how long the answers of repeated requests are kept.
	answerLifetime = 72 * time.Hour
	// pruneBatch is how many old answers one statement deletes.
	pruneBatch = 5000
	// monthsAhead is how many months after this one have a partition. This month
	// itself is not made here: making a month can fail the changes of that month.
	monthsAhead    = 3
	upkeepInterval = time.Hour
)

// upkeep makes the log's partitions ahead of time and deletes old answers, at
// the start of a lead and each hour.
func (r *Relay) upkeep(ctx context.Context) {
	for {
		if err := r.tend(ctx); err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "the upkeep of the log failed and will be tried again", "area", r.Area, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(upkeepInterval):
		}
	}
}

func (r *Relay) tend(ctx context.Context) error {
	now := r.Now().UTC()
	next := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := r.DB.Exec(ctx, "SELECT event_log_months($1, $2)", next, monthsAhead); err != nil {
		return fmt.Errorf("eventlog: making the partitions of the log: %w", err)
	}
	return r.prune(ctx, now.Add(-answerLifetime))
}

// prune deletes the answers made before the time, a batch at a time so that no
// transaction is long.
func (r *Relay) prune(ctx context.Context, before time.Time) error {
	for {
		tag, err := r.DB.Exec(ctx, `
			DELETE FROM idempotency
			WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency WHERE create_time < $1 LIMIT $2))`,
			before, pruneBatch)
		if err != nil {
			return fmt.Errorf("eventlog: deleting old answers: %w", err)
		}
		if tag.RowsAffected() < pruneBatch {
			return nil
		}
	}
}
