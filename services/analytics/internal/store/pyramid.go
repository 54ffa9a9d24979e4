package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

// tenantQuery is a statement over all customers of a tenant, in eight forms: for
// what is known now or was known once, for an instant of knowledge that is or is not the
// instant of what held, and for a tenant that has merged contacts or has none. All forms take the tenant as $1, the window's
// start as $2, the instant of knowledge as $3, the reporting currency, zone and
// digits as $4 to $6, the window's end as $7 and the instant of what held as $8.
type tenantQuery [2][2][2]string

// prepareTenant writes the forms. In them {relation} stands for a table with one
// row for each contact that has to do with us. Where contacts were merged, what concerns
// them counts for the survivor: {survivors} stands for the tables that say which that is,
// {who} for whose a fact f is, {merged} for the join that it takes.
func prepareTenant(sql string) tenantQuery {
	relation := [2]string{
		"(SELECT l.contact FROM first_relation l WHERE l.tenant = $1 AND l.since <= LEAST($3, $8::timestamptz))",
		"(SELECT DISTINCT t.contact FROM timeline t WHERE t.tenant = $1 AND t.related AND t.recorded_at <= $3 AND t.occurred_at <= $8::timestamptz)",
	}
	ends := [2]string{" = 'infinity'", " > $3"}
	var q tenantQuery
	for past, end := range ends {
		for apart, table := range relation {
			alone := strings.NewReplacer("{survivors}", "WITH ", "{who}", "f.contact", "{merged}", "", "{relation}", table)
			merged := strings.NewReplacer("{survivors}", survivors, "{who}", "COALESCE(s.root, f.contact)",
				"{merged}", "LEFT JOIN survivor s ON s.contact = f.contact",
				"{relation}", "(SELECT DISTINCT COALESCE(s.root, a.contact) AS contact FROM "+table+" a LEFT JOIN survivor s ON s.contact = a.contact)")
			q[past][apart] = [2]string{valid(alone.Replace(sql), end), valid(merged.Replace(sql), end)}
		}
	}
	return q
}

func (q tenantQuery) of(p PyramidQuery) string {
	return q[bit(p.At.Past)][bit(p.At.held().Before(p.At.known()))][bit(p.merged)]
}

// standing is where every customer of a tenant stands: what it bought until the
// end of the window, and the facts of its class.
const standing = `
{survivors}bought AS (
	SELECT {who} AS contact, min(f.at) AS first, max(f.at) AS last, bool_or(f.at >= $2) AS lately,
	       COALESCE(sum(x.amount) FILTER (WHERE f.at >= $2), 0) AS revenue,
	       count(*) FILTER (WHERE f.at >= $2 AND x.amount IS NULL) AS unconverted
	FROM fact f
	{merged}
	CROSS JOIN LATERAL (SELECT ` + converted + ` OFFSET 0) AS x (amount)
	WHERE f.tenant = $1 AND f.kind = 1 AND {valid:f} AND f.at < $7
	GROUP BY {who}
), standing AS (
	SELECT c.contact, c.customer_id, c.display_name, c.no_need,
	       b.contact IS NOT NULL AS bought, COALESCE(b.lately, false) AS lately,
	       COALESCE(b.revenue, 0) AS revenue, COALESCE(b.unconverted, 0) AS unconverted, b.first, b.last,
	       r.contact IS NOT NULL AS related
	FROM customer c
	LEFT JOIN bought b ON b.contact = c.contact
	LEFT JOIN {relation} r ON r.contact = c.contact
	WHERE c.tenant = $1 AND {valid:c} AND NOT c.deleted
)`

// active are the customers who bought within the window, with their revenue in it.
const active = `
{survivors}bought AS (
	SELECT {who} AS contact, max(f.at) AS last, COALESCE(sum(x.amount), 0) AS revenue
	FROM fact f
	{merged}
	CROSS JOIN LATERAL (SELECT ` + converted + ` OFFSET 0) AS x (amount)
	WHERE f.tenant = $1 AND f.kind = 1 AND {valid:f} AND f.at >= $2 AND f.at < $7
	GROUP BY {who}
), active AS (
	SELECT c.contact, c.customer_id, c.display_name, b.last, b.revenue
	FROM bought b
	JOIN customer c ON c.tenant = $1 AND c.contact = b.contact AND {valid:c} AND NOT c.deleted
	WHERE $8::timestamptz IS NOT NULL
)`

// PyramidQuery says of which customers, and how they are counted.
type PyramidQuery struct {
	Tenant    uuid.UUID
	At        Instant
	Purchases PurchaseQuery
	Shares    pyramid.Shares
	// merged is true where contacts of the tenant were merged.
	merged bool
}

func (q PyramidQuery) args(more ...any) []any {
	p := q.Purchases
	return append([]any{q.Tenant, p.Window.Start, q.At.known(), p.Currency, p.Zone, p.digits(), p.Window.End, q.At.held()}, more...)
}

// LayerSum is what the customers of a layer come to.
type LayerSum struct {
	Count       int64
	Revenue     money.Decimal
	Unconverted int64
	// Seconds is for how long all of them together have been customers: from the
	// first purchase to the instant asked about, or to the last one for those who
	// left.
	Seconds int64
}

var selectGroups = prepareTenant(standing + `
SELECT bought, lately, related, no_need, count(*), sum(revenue), sum(unconverted)::bigint,
       COALESCE(sum(extract(epoch FROM CASE WHEN lately THEN GREATEST($9, last) ELSE last END - first)), 0)::bigint
FROM standing
GROUP BY bought, lately, related, no_need`)

// A layer of active customers is how many borders lie above the rank.
var selectLayers = prepareTenant(active + `, ranked AS (
	SELECT revenue, row_number() OVER (ORDER BY revenue DESC, contact) AS rank
	FROM active
)
SELECT (SELECT count(*) FROM unnest($9::bigint[]) AS border WHERE rank > border), count(*), sum(revenue)
FROM ranked
GROUP BY 1`)

// Pyramid sums up the customers of every layer. Layers without any are left out.
func (s *Store) Pyramid(ctx context.Context, q PyramidQuery) (map[pyramid.Layer]LayerSum, error) {
	var layers map[pyramid.Layer]LayerSum
	err := s.consistently(ctx, &q, pyramidTimeout, func(tx pgx.Tx) error {
		var err error
		if layers, err = sumGroups(ctx, tx, q); err != nil {
			return err
		}
		all := layers[pyramid.Small]
		if all.Count == 0 {
			return nil
		}
		delete(layers, pyramid.Small)
		return splitActive(ctx, tx, q, all, layers)
	})
	return layers, err
}

// sumGroups sums up every class; all active customers are under Small.
func sumGroups(ctx context.Context, tx pgx.Tx, q PyramidQuery) (map[pyramid.Layer]LayerSum, error) {
	layers := map[pyramid.Layer]LayerSum{}
	rows, err := tx.Query(ctx, selectGroups.of(q), q.args(q.At.EffectiveAt)...)
	if err != nil {
		return nil, err
	}
	var f lifecycle.Facts
	var sum LayerSum
	var seconds int64
	_, err = pgx.ForEachRow(rows, []any{&f.Bought, &f.BoughtLately, &f.Related, &f.NoNeed, &sum.Count, &sum.Revenue, &sum.Unconverted, &seconds}, func() error {
		layer := pyramid.LayerOf(f.Class())
		total := layers[layer]
		total.Count += sum.Count
		total.Unconverted += sum.Unconverted
		total.Seconds += seconds
		if total.Revenue, err = total.Revenue.Add(sum.Revenue); err != nil {
			return err
		}
		layers[layer] = total
		return nil
	})
	return layers, err
}

// splitActive divides the active customers into their layers.
func splitActive(ctx context.Context, tx pgx.Tx, q PyramidQuery, all LayerSum, layers map[pyramid.Layer]LayerSum) error {
	b := q.Shares.Of(all.Count)
	rows, err := tx.Query(ctx, selectLayers.of(q), q.args([]int64{b.Top, b.Large, b.Medium})...)
	if err != nil {
		return err
	}
	var above int
	var sum LayerSum
	_, err = pgx.ForEachRow(rows, []any{&above, &sum.Count, &sum.Revenue}, func() error {
		layers[pyramid.Layers[above]] = sum
		return nil
	})
	small := layers[pyramid.Small]
	small.Unconverted, small.Seconds = all.Unconverted, all.Seconds
	layers[pyramid.Small] = small
	return err
}

// pyramidTimeout bounds a statement over all customers of a tenant.
const pyramidTimeout = 25 * time.Second

// pyramidMemory is what a sort or a hash of such a statement may take before it goes
// to disk: 600,000 buyers fit.
const pyramidMemory = "64MB"

// consistently runs statements that see the same moment, and notes whether contacts of
// the tenant were merged.
func (s *Store) consistently(ctx context.Context, q *PyramidQuery, timeout time.Duration, fn func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return postgres.SQLError(pgx.BeginTxFunc(ctx, s.db.App, options, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		postgres.QueueTenant(b, q.Tenant)
		b.Queue(selectMerged, q.Tenant).QueryRow(func(row pgx.Row) error { return row.Scan(&q.merged) })
		b.Queue("SELECT set_config('statement_timeout', $1, true), set_config('work_mem', $2, true)", fmt.Sprint(timeout.Milliseconds()), pyramidMemory)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		return fn(tx)
	}))
}
