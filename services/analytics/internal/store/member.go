package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

// Member is one customer in the pyramid.
type Member struct {
	Contact                 uuid.UUID
	CustomerID, DisplayName string
	// Rank is the place among the active customers, from 1; 0 for others.
	Rank         int64
	Revenue      money.Decimal
	LastPurchase *time.Time
}

var countActive = prepareTenant(active + `
SELECT count(*) FROM active`)

var selectRanks = prepareTenant(active + `, ranked AS (
	SELECT *, row_number() OVER (ORDER BY revenue DESC, contact) AS rank
	FROM active
)
SELECT contact, customer_id, display_name, rank, revenue, last
FROM ranked
WHERE rank BETWEEN $9 AND $10
ORDER BY rank
LIMIT $11`)

var selectClass = prepareTenant(standing + `
SELECT s.contact, s.customer_id, s.display_name, 0::bigint, s.revenue, s.last
FROM standing s
JOIN unnest($9::boolean[], $10::boolean[], $11::boolean[], $12::boolean[]) AS f (bought, lately, related, no_need)
	USING (bought, lately, related, no_need)
WHERE s.contact > $13
ORDER BY s.contact
LIMIT $14`)

// MemberKey is the place of the last member of a page: its rank among the active
// customers, its contact among others.
type MemberKey struct {
	Rank    int64
	Contact uuid.UUID
}

// Members reads a page of the customers of a layer, after a key, at most limit.
func (s *Store) Members(ctx context.Context, q PyramidQuery, layer pyramid.Layer, after MemberKey, limit int) ([]Member, error) {
	var members []Member
	err := s.consistently(ctx, &q, pyramidTimeout, func(tx pgx.Tx) (err error) {
		if layer.Class() == lifecycle.Active {
			members, err = activeMembers(ctx, tx, q, layer, after.Rank, limit)
		} else {
			members, err = classMembers(ctx, tx, q, layer.Class(), after.Contact, limit)
		}
		return err
	})
	return members, err
}

func activeMembers(ctx context.Context, tx pgx.Tx, q PyramidQuery, layer pyramid.Layer, after int64, limit int) ([]Member, error) {
	var count int64
	if err := tx.QueryRow(ctx, countActive.of(q), q.args()...).Scan(&count); err != nil {
		return nil, err
	}
	first, last := q.Shares.Of(count).Ranks(layer, count)
	rows, err := tx.Query(ctx, selectRanks.of(q), q.args(max(first, after+1), last, limit)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanMember)
}

func classMembers(ctx context.Context, tx pgx.Tx, q PyramidQuery, class lifecycle.Class, after uuid.UUID, limit int) ([]Member, error) {
	facts := lifecycle.FactsOf(class)
	rows, err := tx.Query(ctx, selectClass.of(q), q.args(
		column(facts, func(f lifecycle.Facts) bool { return f.Bought }),
		column(facts, func(f lifecycle.Facts) bool { return f.BoughtLately }),
		column(facts, func(f lifecycle.Facts) bool { return f.Related }),
		column(facts, func(f lifecycle.Facts) bool { return f.NoNeed }),
		after, limit)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanMember)
}

func scanMember(row pgx.CollectableRow) (m Member, err error) {
	return m, row.Scan(&m.Contact, &m.CustomerID, &m.DisplayName, &m.Rank, &m.Revenue, &m.LastPurchase)
}
