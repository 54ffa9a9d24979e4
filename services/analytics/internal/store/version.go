package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// versioned is the statement that adds a batch of versions to a table. The first
// version of an aggregate is compared with the one the table holds: where it means
// the same, that one goes on, to where the first would have ended; where it does
// not, that one ends.
//
// The columns follow the seven that all such tables have in a batch; the same
// names stand for the row in the table as o, and for the new one as v, in same.
func versioned(table, columns, types, same string) string {
	names := strings.Split(columns, ", ")
	params := make([]string, 0, len(names))
	casts := make([]string, 0, len(names))
	for i, t := range strings.Split(types, ", ") {
		if t == "numeric" { // sent as text, which is exact
			params = append(params, fmt.Sprintf("$%d::text[]", i+8))
			casts = append(casts, "v."+names[i]+"::numeric")
			continue
		}
		if t == "uuid?" { // uuid.Nil stands for none
			params = append(params, fmt.Sprintf("$%d::uuid[]", i+8))
			casts = append(casts, "NULLIF(v."+names[i]+", '00000000-0000-0000-0000-000000000000')")
			continue
		}
		params = append(params, fmt.Sprintf("$%d::%s[]", i+8, t))
		casts = append(casts, "v."+names[i])
	}
	return strings.NewReplacer("{table}", table, "{columns}", columns, "{params}", strings.Join(params, ", "),
		"{casts}", strings.Join(casts, ", "), "{same}", same).Replace(`
WITH v AS MATERIALIZED (
	SELECT *
	FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::boolean[], {params})
		AS v (tenant, aggregate, seq, recorded_at, replaced_at, first, gone, {columns})
), before AS MATERIALIZED (
	SELECT v.tenant, v.aggregate, v.seq, v.recorded_at, v.replaced_at, o.seq AS old_seq, NOT v.gone AND {same} AS same
	FROM v
	CROSS JOIN LATERAL (
		SELECT *
		FROM {table} o
		WHERE o.tenant = v.tenant AND o.aggregate = v.aggregate AND o.seq < v.seq
		ORDER BY o.seq DESC
		LIMIT 1
	) o
	WHERE v.first AND v.seq > 1 AND o.replaced_at = 'infinity'
), ended AS (
	UPDATE {table} t
	SET replaced_at = CASE WHEN b.same THEN b.replaced_at ELSE b.recorded_at END
	FROM before b
	WHERE t.tenant = b.tenant AND t.aggregate = b.aggregate AND t.seq = b.old_seq
	  AND (NOT b.same OR b.replaced_at IS NOT NULL)
)
INSERT INTO {table} (tenant, aggregate, seq, recorded_at, replaced_at, {columns})
SELECT v.tenant, v.aggregate, v.seq, v.recorded_at, COALESCE(v.replaced_at, 'infinity'), {casts}
FROM v
LEFT JOIN before b ON b.same AND b.tenant = v.tenant AND b.aggregate = v.aggregate AND b.seq = v.seq
WHERE NOT v.gone AND b.seq IS NULL`)
}

// args are the columns that all versions have in a batch.
func args[T any](rows []projection.Version[T]) []any {
	type row = projection.Version[T]
	return []any{
		column(rows, func(r row) uuid.UUID { return r.Tenant }),
		column(rows, func(r row) string { return r.Aggregate }),
		column(rows, func(r row) int64 { return r.Seq }),
		column(rows, func(r row) time.Time { return r.RecordedAt }),
		column(rows, func(r row) *time.Time { return r.ReplacedAt }),
		column(rows, func(r row) bool { return r.First }),
		column(rows, func(r row) bool { return r.Gone }),
	}
}

// An answer to how satisfied somebody is keeps the time at which it was given.
var insertFacts = versioned("fact",
	"kind, contact, at, currency, amount", "smallint, uuid, timestamptz, text, numeric",
	`(o.kind, o.contact, o.currency, o.amount) = (v.kind, v.contact, v.currency, v.amount::numeric) AND (o.kind = 2 OR o.at = v.at)`)

func queueFacts(b *pgx.Batch, rows []projection.Version[projection.Fact]) {
	type row = projection.Version[projection.Fact]
	if len(rows) == 0 {
		return
	}
	b.Queue(insertFacts, append(args(rows),
		column(rows, func(r row) int16 { return int16(r.Value.Kind) }),
		column(rows, func(r row) uuid.UUID { return r.Value.Contact }),
		column(rows, func(r row) time.Time { return r.Value.At }),
		column(rows, func(r row) string { return r.Value.Currency }),
		column(rows, func(r row) string { return r.Value.Amount.String() }))...)
}

var insertCustomers = versioned("customer",
	"contact, customer_id, display_name, owner, team, partition, deleted, no_need, merged_into",
	"uuid, text, text, text, text, smallint, boolean, boolean, uuid?",
	`(o.contact, o.customer_id, o.display_name, o.owner, o.team, o.partition, o.deleted, o.no_need)
		= (v.contact, v.customer_id, v.display_name, v.owner, v.team, v.partition, v.deleted, v.no_need)
		AND o.merged_into IS NOT DISTINCT FROM NULLIF(v.merged_into, '00000000-0000-0000-0000-000000000000')`)

func queueCustomers(b *pgx.Batch, rows []projection.Version[projection.Customer]) {
	type row = projection.Version[projection.Customer]
	if len(rows) == 0 {
		return
	}
	b.Queue(insertCustomers, append(args(rows),
		column(rows, func(r row) uuid.UUID { return r.Value.Contact }),
		column(rows, func(r row) string { return r.Value.CustomerID }),
		column(rows, func(r row) string { return r.Value.DisplayName }),
		column(rows, func(r row) string { return r.Value.Owner }),
		column(rows, func(r row) string { return r.Value.Team }),
		column(rows, func(r row) int16 { return r.Value.Partition }),
		column(rows, func(r row) bool { return r.Value.Deleted }),
		column(rows, func(r row) bool { return r.Value.NoNeed }),
		column(rows, func(r row) uuid.UUID { return r.Value.MergedInto }))...)
}

var insertRates = versioned("exchange_rate",
	"from_currency, to_currency, day, rate", "text, text, date, numeric",
	`(o.from_currency, o.to_currency, o.day, o.rate) = (v.from_currency, v.to_currency, v.day, v.rate::numeric)`)

func queueRates(b *pgx.Batch, rows []projection.Version[projection.Rate]) {
	type row = projection.Version[projection.Rate]
	if len(rows) == 0 {
		return
	}
	b.Queue(insertRates, append(args(rows),
		column(rows, func(r row) string { return r.Value.From }),
		column(rows, func(r row) string { return r.Value.To }),
		column(rows, func(r row) time.Time { return r.Value.Day }),
		column(rows, func(r row) string { return r.Value.Rate.String() }))...)
}
