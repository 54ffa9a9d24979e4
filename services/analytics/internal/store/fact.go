package store

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// PurchaseQuery says how purchases are counted.
type PurchaseQuery struct {
	Window lifecycle.Window
	// Months is how many calendar months it reaches back.
	Months int
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

// Facts are what is known of a customer in numbers.
type Facts struct {
	// Purchases are what it bought until the end of the window, by currency.
	Purchases    []CurrencyPurchases
	Satisfaction Satisfaction
}

// CurrencyPurchases are the purchases in one currency.
type CurrencyPurchases struct {
	Currency    string
	Count       int64
	Total       money.Decimal
	First, Last time.Time
	// Converted is Total in the reporting currency, and Window the part of it that
	// lies within the window, less those purchases for whose day there is no rate:
	// Unconverted of them.
	Converted, Window money.Decimal
	Unconverted       int64
	// Lately is how many of them lie within the window.
	Lately int64
}

// Satisfaction is how satisfied a customer says it is, from 1 to 5.
type Satisfaction struct {
	Count           int64
	Average, Latest float64
	// LatestAt is nil where it was never asked.
	LatestAt *time.Time
}

// Below, OFFSET 0 lets the rate of a purchase be looked up once, however often its
// amount is used.

// converted is the amount of the purchase f in the reporting currency, at the rate
// of its day; null where there is none. What is no purchase has no currency, and no
// rate is looked for. The currency, the zone and the digits are parameters of this
// number and the following two.
const converted = `
CASE WHEN f.kind <> 1 OR f.currency = $4::text THEN f.amount
     ELSE round_half_even(f.amount * (
		SELECT r.rate
		FROM exchange_rate r
		WHERE r.tenant = f.tenant AND r.from_currency = f.currency AND r.to_currency = $4
		  AND r.day <= (f.at AT TIME ZONE $5::text)::date AND {valid:r}
		ORDER BY r.day DESC
		LIMIT 1), $6::integer)
END`

// A purchase counts by the day, anything else by the instant. Sums are told as text, which
// is exact, and read in half the time. The latest answer to how satisfied somebody is comes
// as the greatest pair of time and amount, which sorts nothing.
var selectFacts = prepare(`
SELECT f.kind, f.currency, count(*), sum(f.amount)::text, min(f.at), max(f.at),
       COALESCE(sum(x.amount), 0)::text, COALESCE(sum(x.amount) FILTER (WHERE f.at >= $7), 0)::text,
       count(*) FILTER (WHERE x.amount IS NULL), count(*) FILTER (WHERE f.at >= $7),
       avg(f.amount)::float8, (max(ARRAY[extract(epoch FROM f.at), f.amount]) FILTER (WHERE f.kind = 2))[2]::float8
FROM fact f
CROSS JOIN LATERAL (SELECT ` + converted + ` OFFSET 0) AS x (amount)
WHERE f.tenant = $1 AND f.kind = ANY ($9::smallint[]) AND f.contact = {contact} AND {valid:f}
  AND f.at < CASE f.kind WHEN 1 THEN $8::timestamptz ELSE $10::timestamptz END
GROUP BY f.kind, f.currency
ORDER BY f.kind, f.currency`)

// queueFactSums reads sums over the facts of a customer.
func queueFactSums(b *pgx.Batch, q ViewQuery, f *Facts) {
	p := q.Purchases
	args := []any{
		q.Tenant, q.Ref.arg(), q.At.known(), p.Currency, p.Zone, p.digits(), p.Window.Start, p.Window.End,
		column(q.Facts, func(k projection.FactKind) int16 { return int16(k) }), q.At.held().Add(time.Microsecond),
	}
	b.Queue(selectFacts.of(q.Ref, q.At), args...).Query(func(rows pgx.Rows) error {
		var kind projection.FactKind
		var sum CurrencyPurchases
		var average float64
		var latest *float64
		_, err := pgx.ForEachRow(rows, []any{
			&kind, &sum.Currency, &sum.Count, &sum.Total, &sum.First, &sum.Last, &sum.Converted, &sum.Window, &sum.Unconverted, &sum.Lately, &average, &latest,
		}, func() error {
			switch kind {
			case projection.Purchase:
				f.Purchases = append(f.Purchases, sum)
			case projection.Satisfaction:
				at := sum.Last
				f.Satisfaction = Satisfaction{Count: sum.Count, Average: average, Latest: *latest, LatestAt: &at}
			}
			return nil
		})
		return err
	})
}
