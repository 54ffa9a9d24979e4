package store

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
)

// Held answers, within a unit, which resources of a kind hold some external ids.
func (s *Store) Held(u *record.Unit, tenant uuid.UUID, kind string, keys []ExternalID) (map[ExternalID]uuid.UUID, error) {
	var systems, ids []string
	for _, k := range keys {
		systems, ids = append(systems, k.System), append(ids, k.ID)
	}
	held := map[ExternalID]uuid.UUID{}
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`
			SELECT e.system, e.id, e.resource
			FROM unnest($3::text[], $4::text[]) AS asked (system, id)
			JOIN external_id e ON e.tenant = $1 AND e.kind = $2 AND e.system = asked.system AND e.id = asked.id`,
			tenant, kind, systems, ids,
		).Query(func(rows pgx.Rows) error {
			var (
				key      ExternalID
				resource uuid.UUID
			)
			_, err := pgx.ForEachRow(rows, []any{&key.System, &key.ID, &resource}, func() error {
				held[key] = resource
				return nil
			})
			return err
		})
	})
	return held, err
}

// ProductKey is what products are recognised by in files of others: a code or a
// name, whatever its case and its spaces.
func ProductKey(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), ""))
}

// ProductsByKey answers the living products that have some keys, by key. Where a
// key is one product's code and another's name, the code counts.
func (s *Store) ProductsByKey(ctx context.Context, tenant uuid.UUID, keys []string) (map[string]*product.Product, error) {
	found := map[string]*product.Product{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT id, code, display_name, category, unit
		FROM product
		WHERE tenant = $1 AND delete_time IS NULL AND (
			lower(regexp_replace(code, '\s', '', 'g')) = ANY ($2) OR lower(regexp_replace(display_name, '\s', '', 'g')) = ANY ($2))
		ORDER BY create_time DESC`, tenant, keys,
	).Query(func(rows pgx.Rows) error {
		var all []*product.Product
		for rows.Next() {
			p := &product.Product{}
			if err := rows.Scan(&p.ID, &p.Code, &p.DisplayName, &p.Category, &p.Unit); err != nil {
				return err
			}
			all = append(all, p)
			found[ProductKey(p.DisplayName)] = p
		}
		for _, p := range all {
			found[ProductKey(p.Code)] = p
		}
		return rows.Err()
	})
	return found, postgres.Run(ctx, s.DB, b)
}

// taken is why an imported sale is void.
const taken = "the import that brought it was taken back"

// TakeBack is what takes an import of some kind back.
type TakeBack = func(context.Context, *record.Unit, bulk.Back) (map[string]bulk.Undone, error)

// TakeBackLeads deletes the leads that an import created, and restores those that it
// changed. Like the others it lets the ids in other systems go, so that the same file
// can be brought again.
func (s *Store) TakeBackLeads() TakeBack {
	return bulk.TakeBack(s.Leads, func(l *lead.Lead) ([]entity.Event, error) {
		now := s.now()
		l.DeleteTime, l.ExternalIDs = &now, nil
		return []entity.Event{entity.Deleted{}}, nil
	}, "status")
}

// TakeBackOpportunities does so with opportunities.
func (s *Store) TakeBackOpportunities() TakeBack {
	return bulk.TakeBack(s.Opportunities, func(o *opportunity.Opportunity) ([]entity.Event, error) {
		now := s.now()
		o.DeleteTime, o.ExternalIDs = &now, nil
		return []entity.Event{entity.Deleted{}}, nil
	}, "status", "stage")
}

// TakeBackOrders voids and deletes the sales that an import recorded. It never changes
// one.
func (s *Store) TakeBackOrders() TakeBack {
	return bulk.TakeBack(s.Orders, func(o *order.Order) ([]entity.Event, error) { return o.TakeBack(taken, s.now()), nil })
}

func (s *Store) now() time.Time { return s.Log.Now().UTC().Truncate(time.Microsecond) }
