package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/price"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
)

// Catalogue is what lines need to know of products.
type Catalogue struct {
	names map[string]*product.Product
	codes map[string]*product.Product
}

// ByName answers a product, or nil.
func (c *Catalogue) ByName(name string) *product.Product { return c.names[name] }

// ByCode answers a product, or nil.
func (c *Catalogue) ByCode(code string) *product.Product { return c.codes[code] }

// Catalogue reads those of the products and codes that exist, deleted ones too,
// in one round trip.
func (s *Store) Catalogue(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, codes []string) (*Catalogue, error) {
	c := &Catalogue{names: map[string]*product.Product{}, codes: map[string]*product.Product{}}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT id, code, display_name, category, unit, active, delete_time
		FROM product
		WHERE tenant = $1 AND (id = ANY ($2) OR code = ANY ($3))`, tenant, ids, codes,
	).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			p := &product.Product{}
			if err := rows.Scan(&p.ID, &p.Code, &p.DisplayName, &p.Category, &p.Unit, &p.Active, &p.DeleteTime); err != nil {
				return err
			}
			c.names[ProductName(p.ID)], c.codes[p.Code] = p, p
		}
		return rows.Err()
	})
	return c, postgres.Run(ctx, s.DB, b)
}

// errNoStandardList says that a currency has no price list to fall back on.
var errNoStandardList = price.ErrNotFound.With("missing", "price_list")

// ListOf answers the price list of a currency that is used where none is named.
func (s *Store) ListOf(ctx context.Context, tenant uuid.UUID, currency string) (uuid.UUID, error) {
	var list *uuid.UUID
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT id
		FROM price_list
		WHERE tenant = $1 AND currency = $2 AND standard AND delete_time IS NULL`, tenant, currency,
	).Query(func(rows pgx.Rows) (err error) {
		list, err = first(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err := postgres.Run(ctx, s.DB, b); err != nil {
		return uuid.Nil, err
	}
	if list == nil {
		return uuid.Nil, errNoStandardList
	}
	return *list, nil
}

// PricesAt answers the prices that hold at a time for some products in a list
// that is alive, by product. Products without a price are left out; NOT_FOUND
// where there is no such list.
func (s *Store) PricesAt(ctx context.Context, tenant, list uuid.UUID, products []uuid.UUID, at time.Time) (map[uuid.UUID]*price.Price, error) {
	found := map[uuid.UUID]*price.Price{}
	var alive *bool
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT delete_time IS NULL FROM price_list WHERE tenant = $1 AND id = $2", tenant, list).Query(func(rows pgx.Rows) (err error) {
		alive, err = first(rows, pgx.RowTo[bool])
		return err
	})
	b.Queue(`
		SELECT id, product, currency, unit_price
		FROM price
		WHERE tenant = $1 AND price_list = $2 AND product = ANY ($3)
		  AND start_time <= $4 AND (end_time IS NULL OR end_time > $4)
		  AND delete_time IS NULL`, tenant, list, products, at,
	).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			p := &price.Price{List: list}
			if err := rows.Scan(&p.ID, &p.Product, &p.Currency, &p.UnitPrice); err != nil {
				return err
			}
			found[p.Product] = p
		}
		return rows.Err()
	})
	if err := postgres.Run(ctx, s.DB, b); err != nil {
		return nil, err
	}
	if alive == nil || !*alive {
		return nil, errs.NotFound("price list", priceLists+"/"+list.String())
	}
	return found, nil
}

// first answers the first row, or nil.
func first[T any](rows pgx.Rows, to pgx.RowToFunc[T]) (*T, error) {
	all, err := pgx.CollectRows(rows, to)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// ExternalOrders answers the orders that hold external ids, by system and id.
func (s *Store) ExternalOrders(ctx context.Context, tenant uuid.UUID, systems, ids []string) (map[ExternalID]uuid.UUID, error) {
	held := map[ExternalID]uuid.UUID{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT e.system, e.id, e.resource
		FROM unnest($2::text[], $3::text[]) AS asked (system, id)
		JOIN external_id e ON e.tenant = $1 AND e.kind = 'order' AND e.system = asked.system AND e.id = asked.id`,
		tenant, systems, ids,
	).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var (
				key   ExternalID
				order uuid.UUID
			)
			if err := rows.Scan(&key.System, &key.ID, &order); err != nil {
				return err
			}
			held[key] = order
		}
		return rows.Err()
	})
	return held, postgres.Run(ctx, s.DB, b)
}

// ExternalID is an id in another system.
type ExternalID struct{ System, ID string }
