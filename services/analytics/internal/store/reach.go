package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// Reach says which resources of the collections that are guarded a reader may see: all of
// some, and of others those that are its own or its teams' at the instant asked about.
type Reach struct {
	All, Own []string
	Subject  string
	Teams    []string
}

const selectOwned = `
SELECT o.owner = $3 OR o.team = ANY ($4::text[])
FROM aggregate_state o
WHERE o.tenant = $1 AND o.aggregate = $2 AND o.replaced_at = 'infinity'
ORDER BY o.seq DESC
LIMIT 1`

// Reaches says whether a reader may hear of an event now, as it would see it on the
// timeline.
func (s *Store) Reaches(ctx context.Context, tenant uuid.UUID, r Reach, e *eventv1.Event) (own bool, err error) {
	if projection.Confidential(e) {
		return false, nil
	}
	guard := projection.GuardOf(e.GetAggregate())
	if guard == "" || slices.Contains(r.All, guard) {
		return true, nil
	}
	if !slices.Contains(r.Own, guard) {
		return false, nil
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(selectOwned, tenant, e.GetAggregate(), r.Subject, r.Teams).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&own}, func() error { return nil })
		return err
	})
	return own, postgres.Run(ctx, s.db, b)
}
