package check

import (
	"context"
	"fmt"
	"math/big"
	"sort"

	"github.com/jackc/pgx/v5"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// Each answers a tenant's sums as text, so that nothing is rounded.
const (
	soldBySales = `
		SELECT concat_ws(' ', tenant, currency, 'sold'), sum(total)::text FROM sales_order
		WHERE status = 2 AND delete_time IS NULL GROUP BY tenant, currency`
	dealsBySales = `
		SELECT concat_ws(' ', tenant, currency, CASE status WHEN 1 THEN 'open deals' ELSE 'closed deals' END), sum(amount)::text
		FROM opportunity WHERE delete_time IS NULL AND currency <> '' GROUP BY tenant, currency, status = 1, 1`
	soldByAnalytics = `
		SELECT concat_ws(' ', tenant, currency, 'sold'), sum(amount)::text FROM fact
		WHERE kind = 1 AND replaced_at = 'infinity' GROUP BY tenant, currency`
	dealsByAnalytics = `
		SELECT DISTINCT ON (tenant, aggregate) tenant::text, state FROM aggregate_state
		WHERE aggregate LIKE 'opportunities/%' AND replaced_at = 'infinity' AND NOT deleted`
)

// money compares what sales adds up to with what analytics does, by tenant and
// currency, exactly (I9).
func (r *Run) money(ctx context.Context) Result {
	result := Result{ID: "I9", Title: "the sums of sales are those of analytics"}
	sales, analytics := sums{}, sums{}
	err := with(ctx, r.Cluster, fleet.Database("sales"), func(conn *pgx.Conn) error {
		if err := sales.query(ctx, conn, soldBySales); err != nil {
			return err
		}
		return sales.query(ctx, conn, dealsBySales)
	})
	if err == nil {
		err = with(ctx, r.Cluster, fleet.Database("analytics"), func(conn *pgx.Conn) error {
			if err := analytics.query(ctx, conn, soldByAnalytics); err != nil {
				return err
			}
			return analytics.deals(ctx, conn)
		})
	}
	if err != nil {
		result.breach("the sums cannot be read: %v", err)
	}
	for _, key := range keysOf(sales, analytics) {
		s, a := sales.at(key), analytics.at(key)
		if s.Cmp(a) != 0 {
			result.breach("%s: %s by sales, %s by analytics", key, s.FloatString(9), a.FloatString(9))
		}
	}
	result.Evidence = fmt.Sprintf("%d sums by tenant and currency", len(sales))
	return result
}

// sums are amounts by what they are of.
type sums map[string]*big.Rat

func (s sums) at(key string) *big.Rat {
	if s[key] == nil {
		s[key] = new(big.Rat)
	}
	return s[key]
}

func (s sums) query(ctx context.Context, conn *pgx.Conn, sql string) error {
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	var key, amount string
	_, err = pgx.ForEachRow(rows, []any{&key, &amount}, func() error {
		value, ok := new(big.Rat).SetString(amount)
		if !ok {
			return fmt.Errorf("%q is no amount", amount)
		}
		s.at(key).Add(s.at(key), value)
		return nil
	})
	return err
}

// deals adds up the deals as analytics shows them.
func (s sums) deals(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, dealsByAnalytics)
	if err != nil {
		return err
	}
	var tenant string
	var state []byte
	_, err = pgx.ForEachRow(rows, []any{&tenant, &state}, func() error {
		var item analyticsv1.WorkItem
		if err := proto.Unmarshal(state, &item); err != nil {
			return err
		}
		which := "closed deals"
		if item.GetOpen() {
			which = "open deals"
		}
		key := tenant + " " + item.GetAmount().GetCurrencyCode() + " " + which
		s.at(key).Add(s.at(key), rational(item.GetAmount()))
		return nil
	})
	return err
}

func rational(m *money.Money) *big.Rat {
	nanos := new(big.Rat).SetFrac64(int64(m.GetNanos()), 1_000_000_000)
	return nanos.Add(nanos, new(big.Rat).SetInt64(m.GetUnits()))
}

func keysOf(all ...sums) []string {
	seen := map[string]bool{}
	for _, s := range all {
		for key := range s {
			seen[key] = true
		}
	}
	keys := make([]string, 0, len(seen))
	for key := range seen {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
