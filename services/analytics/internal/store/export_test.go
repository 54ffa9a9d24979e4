package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// DigestsOf answers the digest of every live projection.
func (s *Store) DigestsOf(ctx context.Context) (map[string]string, error) {
	sums := map[string]string{}
	err := pgx.BeginFunc(ctx, s.db.System, func(tx pgx.Tx) error {
		for _, p := range projections {
			var err error
			if sums[p.table], _, err = digestOf(ctx, tx, "public."+p.table, p.key); err != nil {
				return err
			}
		}
		return nil
	})
	return sums, err
}

// AskForRebuild is StartRebuild in a transaction of its own.
func (s *Store) AskForRebuild(ctx context.Context, batchSize int, compare bool) (r Rebuild, err error) {
	err = pgx.BeginFunc(ctx, s.db.System, func(tx pgx.Tx) error {
		r, err = s.StartRebuild(ctx, tx, batchSize, compare)
		return err
	})
	return r, err
}

// RunRebuildOnce does the rebuild that was asked for.
func (s *Store) RunRebuildOnce(ctx context.Context) error { return s.runRebuild(ctx) }

// Statements answers every statement that a call of a customer's view sends, with
// its arguments, by name.
func (s *Store) Statements(ctx context.Context, q ViewQuery) map[string][]any {
	queued := map[string][]any{}
	_, pieces := viewPieces(q, q.Sections)
	for i, p := range pieces {
		b := &pgx.Batch{}
		p.queue(b)
		queued[[]string{"customer", "cursors", "work", "relationships", "facts", "timeline"}[i]] =
			append([]any{b.QueuedQueries[0].SQL}, b.QueuedQueries[0].Arguments...)
	}
	return queued
}
