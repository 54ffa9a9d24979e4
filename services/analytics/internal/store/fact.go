package store

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// PurchaseQuery says how purchases are counted.
type PurchaseQuery struct {
	Window pyramid.Window
	// Currency is the one to report in, and Zone the tenant's, in which a purchase
	// has its day.
	Currency, Zone string
}

// digits are those of the reporting currency's minor unit.
func (q PurchaseQuery) digits() int {
	digits, known := money.MinorUnit(q.Currency)
	if !known {
		return 2
	}
	return digits
}

// Purchases are what a customer bought until the end of the window.
type Purchases struct {
	Currencies []CurrencyPurchases
}

// CurrencyPurchases are the purchases in one currency.
type CurrencyPurchases struct {
	Currency    string
	Count       int64
	Total       money.Decimal
	First, Last time.Time
	// Converted is Total in the reporting currency, and Window the part of it that
	// lies within the window, less those purchases for whose day there is no rate:
	// Unconverted of them, UnconvertedInWindow of these in the window.
	Converted, Window money.Decimal
	Unconverted       int64
}

// converted is the amount of the purchase f in the reporting currency, at the rate
// of its day; null where there is none. The currency, the zone and the digits are
// parameters of this number and the following two.
const converted = `
CASE WHEN f.currency = $4::text THEN f.amount
     ELSE round_half_even(f.amount * (
		SELECT r.rate
		FROM exchange_rate r
		WHERE r.tenant = f.tenant AND r.from_currency = f.currency AND r.to_currency = $4
		  AND r.day <= (f.at AT TIME ZONE $5::text)::date AND {valid:r}
		ORDER BY r.day DESC
		LIMIT 1), $6::integer)
END`

var selectPurchases = prepare(`
SELECT f.currency, count(*), sum(f.amount), min(f.at), max(f.at),
       COALESCE(sum(x.amount), 0), COALESCE(sum(x.amount) FILTER (WHERE f.at >= $7), 0),
       count(*) FILTER (WHERE x.amount IS NULL)
FROM fact f
CROSS JOIN LATERAL (SELECT ` + converted + `) AS x (amount)
WHERE f.tenant = $1 AND f.kind = 1 AND f.contact = {contact} AND {valid:f} AND f.at < $8
GROUP BY f.currency
ORDER BY f.currency`)

func queuePurchases(b *pgx.Batch, q ViewQuery, p *Purchases) {
	args := []any{q.Tenant, q.Ref.arg(), q.At.known(), q.Purchases.Currency, q.Purchases.Zone, q.Purchases.digits(), q.Purchases.Window.Start, q.Purchases.Window.End}
	b.Queue(selectPurchases.of(q.Ref, q.At), args...).Query(func(rows pgx.Rows) (err error) {
		p.Currencies, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c CurrencyPurchases, err error) {
			return c, row.Scan(&c.Currency, &c.Count, &c.Total, &c.First, &c.Last, &c.Converted, &c.Window, &c.Unconverted)
		})
		return err
	})
}

// Satisfaction is how satisfied a customer says it is, from 1 to 5.
type Satisfaction struct {
	Count           int64
	Average, Latest float64
	LatestAt        *time.Time
}

var selectSatisfaction = prepare(`
SELECT count(*), COALESCE(avg(f.amount), 0)::float8,
       COALESCE((array_agg(f.amount ORDER BY f.at DESC, f.aggregate DESC))[1], 0)::float8, max(f.at)
FROM fact f
WHERE f.tenant = $1 AND f.kind = $4 AND f.contact = {contact} AND {valid:f} AND f.at <= $5`)

func queueSatisfaction(b *pgx.Batch, q ViewQuery, s *Satisfaction) {
	args := []any{q.Tenant, q.Ref.arg(), q.At.known(), int16(projection.Satisfaction), q.At.held()}
	b.Queue(selectSatisfaction.of(q.Ref, q.At), args...).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.Count, &s.Average, &s.Latest, &s.LatestAt)
	})
}
