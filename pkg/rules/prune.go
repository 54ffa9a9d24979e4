package rules

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

const (
	// DecisionsKept is how long decisions are kept where the installation says nothing:
	// thirteen months, so that a year can be compared with the one before.
	DecisionsKept = 400 * 24 * time.Hour
	// pruneInterval is how often old decisions are looked for, pruneBatch how many one
	// statement deletes.
	pruneInterval = time.Hour
	pruneBatch    = 5000
)

// prune deletes old decisions, at the start and each hour. Every replica may run it.
func (e *Engine) prune(ctx context.Context) error {
	for {
		if err := e.pruneBefore(ctx, e.now().Add(-e.kept)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pruneInterval):
		}
	}
}

// pruneBefore deletes the decisions of matches before an instant of which nothing more is
// to come: those that are pending, failed or wait stay. It goes rule by rule along the
// index of matches.
func (e *Engine) pruneBefore(ctx context.Context, before time.Time) error {
	rows, err := e.db.System.Query(ctx, "SELECT DISTINCT tenant, rule FROM rule_definition")
	if err != nil {
		return postgres.SQLError(err)
	}
	type key struct{ tenant, rule uuid.UUID }
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k key, err error) { return k, row.Scan(&k.tenant, &k.rule) })
	if err != nil {
		return postgres.SQLError(err)
	}
	for _, of := range all {
		for deleted := int64(pruneBatch); deleted == pruneBatch; {
			tag, err := e.db.System.Exec(ctx, `
				DELETE FROM rule_decision
				WHERE tenant = $1 AND id = ANY (ARRAY(
					SELECT id FROM rule_decision
					WHERE tenant = $1 AND rule = $2 AND match_time < $3 AND outcome = ANY ($4)
					ORDER BY match_time LIMIT $5))`,
				of.tenant, of.rule, before, []int32{fired, previewed, suppressed, lapsed}, pruneBatch)
			if err != nil {
				return postgres.SQLError(err)
			}
			deleted = tag.RowsAffected()
		}
	}
	return nil
}
