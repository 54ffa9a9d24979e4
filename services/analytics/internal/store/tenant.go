package store

import (
	"cmp"
	"context"
	"errors"
	"time"
	_ "time/tzdata" // the zones of tenants, also where the machine has none

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/singleflight"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

// Setting is what holds for all of a tenant.
type Setting struct {
	// Currency is the one it reports in, Zone the one its days are counted in.
	Currency string
	Zone     *time.Location
	// Months is how many calendar months the window reaches back (CON-15).
	Months int
	// Shares divide its active customers.
	Shares pyramid.Shares
}

// Purchases says how the tenant counts purchases in a window that ends with the day of
// an instant, and reaches back so many calendar months: those of the tenant where 0.
func (t Setting) Purchases(at time.Time, months int) PurchaseQuery {
	months = cmp.Or(months, t.Months)
	return PurchaseQuery{Window: lifecycle.WindowAt(at, months, t.Zone), Months: months, Currency: t.Currency, Zone: t.Zone.String()}
}

const (
	// settingLife is how long a tenant's setting is kept.
	settingLife = 10 * time.Second
	// cachedTenants and cachedNumbers bound the memory, the latter to about 15 MB.
	cachedTenants = 10_000
	cachedNumbers = 100_000
)

// tenantCache keeps what every view of a tenant needs.
type tenantCache struct {
	settings *lru.Cache[uuid.UUID, keptSetting]
	numbers  *lru.Cache[numberKey, uuid.UUID]
	marks    *lru.Cache[marksKey, keptMarks]
	// slow are those of which somebody waited for nothing.
	slow *lru.Cache[marksKey, struct{}]
	// flight lets the marks of a tenant be looked for once at a time.
	flight singleflight.Group
}

type keptSetting struct {
	Setting
	until time.Time
}

// numberKey is a Customer ID. It belongs to one contact for ever.
type numberKey struct {
	tenant uuid.UUID
	number string
}

func newTenantCache() *tenantCache {
	return &tenantCache{
		settings: newCache[uuid.UUID, keptSetting](cachedTenants),
		numbers:  newCache[numberKey, uuid.UUID](cachedNumbers),
		marks:    newCache[marksKey, keptMarks](cachedMarks),
		slow:     newCache[marksKey, struct{}](cachedMarks),
	}
}

// known names a customer by its contact where its Customer ID was met before, which
// spares every statement the look-up.
func (c *tenantCache) known(tenant uuid.UUID, ref Ref) Ref {
	if contact, ok := c.numbers.Get(numberKey{tenant, ref.Number}); ok && ref.Number != "" {
		return Ref{Name: ref.Name, Contact: contact}
	}
	return ref
}

// learn remembers whose Customer ID it is.
func (c *tenantCache) learn(tenant uuid.UUID, customer Customer) {
	if customer.CustomerID != "" {
		c.numbers.Add(numberKey{tenant, customer.CustomerID}, customer.Contact)
	}
}

func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the sizes are positive constants
	}
	return c
}

const selectSetting = `SELECT currency, zone, window_months FROM tenant_setting WHERE tenant = $1`

// What holds for a tenant that said nothing: contracts.md, "Resources".
const (
	defaultCurrency = "IDR"
	defaultZone     = "Asia/Jakarta"
)

// Setting answers what holds for a tenant, at most settingLife old.
func (s *Store) Setting(ctx context.Context, tenant uuid.UUID) (Setting, error) {
	if kept, ok := s.tenants.settings.Get(tenant); ok && time.Now().Before(kept.until) {
		return kept.Setting, nil
	}
	var currency, zone string
	var months int
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(selectSetting, tenant).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&currency, &zone, &months)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return Setting{}, err
	}
	setting := s.newSetting(ctx, currency, zone, months)
	s.tenants.settings.Add(tenant, keptSetting{setting, time.Now().Add(settingLife)})
	return setting, nil
}

func (s *Store) newSetting(ctx context.Context, currency, zone string, months int) Setting {
	if currency == "" {
		currency = defaultCurrency
	}
	if zone == "" {
		zone = defaultZone
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		s.logger.ErrorContext(ctx, "the zone of a tenant is not known here: its days are counted in UTC", "zone", zone)
		location = time.UTC
	}
	return Setting{Currency: currency, Zone: location, Months: cmp.Or(months, lifecycle.DefaultMonths), Shares: pyramid.DefaultShares}
}
