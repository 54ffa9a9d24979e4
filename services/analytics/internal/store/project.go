package store

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// queueRows adds rows to the projections found first on the search path: the
// live ones, or their shadows during a rebuild.
func queueRows(b *pgx.Batch, r *projection.Rows) {
	queueTimeline(b, r.Timeline)
	queueStates(b, r.States)
	queueRelations(b, r.Relations)
	queueTenants(b, r.Tenants)
	queueFacts(b, r.Facts)
	queueCustomers(b, r.Customers)
	queueRates(b, r.Rates)
}

const insertTimeline = `
INSERT INTO timeline (tenant, contact, occurred_at, event_id, recorded_at, area, type, channel, conversation, interaction, related, guarded, entry)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[],
	$8::smallint[], $9::text[], $10::boolean[], $11::boolean[], $12::text[], $13::bytea[])`

func queueTimeline(b *pgx.Batch, rows []projection.Entry) {
	type row = projection.Entry
	if len(rows) == 0 {
		return
	}
	b.Queue(insertTimeline,
		column(rows, func(r row) uuid.UUID { return r.Tenant }),
		column(rows, func(r row) uuid.UUID { return r.Contact }),
		column(rows, func(r row) time.Time { return r.OccurredAt }),
		column(rows, func(r row) uuid.UUID { return r.EventID }),
		column(rows, func(r row) time.Time { return r.RecordedAt }),
		column(rows, func(r row) string { return r.Area }),
		column(rows, func(r row) string { return r.Type }),
		column(rows, func(r row) int16 { return r.Channel }),
		column(rows, func(r row) string { return r.Conversation }),
		column(rows, func(r row) bool { return r.Interaction }),
		column(rows, func(r row) bool { return r.Related }),
		column(rows, func(r row) string { return r.Guarded }),
		column(rows, func(r row) []byte { return r.Body }))
}

// replaceStates ends the version before the first of a batch. Versions are
// numbered without gaps, except where a parked event was given up.
const replaceStates = `
UPDATE aggregate_state s
SET replaced_at = f.recorded_at
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[]) AS f (tenant, aggregate, seq, recorded_at)
CROSS JOIN LATERAL (
	SELECT max(o.seq) AS seq
	FROM aggregate_state o
	WHERE o.tenant = f.tenant AND o.aggregate = f.aggregate AND o.seq < f.seq
) before
WHERE s.tenant = f.tenant AND s.aggregate = f.aggregate AND s.seq = before.seq`

const insertStates = `
INSERT INTO aggregate_state (tenant, aggregate, seq, contact, section, area, open, deleted, owner, team, changed_at, recorded_at, replaced_at, peer, refers, state)
SELECT v.tenant, v.aggregate, v.seq, v.contact, v.section, v.area, v.open, v.deleted, v.owner, v.team, v.changed_at, v.recorded_at,
       COALESCE(v.replaced_at, 'infinity'), NULLIF(v.peer, '00000000-0000-0000-0000-000000000000'), NULLIF(v.refers, ''), v.state
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::smallint[], $6::text[], $7::boolean[], $8::boolean[],
	$9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::uuid[], $15::text[], $16::bytea[])
	AS v (tenant, aggregate, seq, contact, section, area, open, deleted, owner, team, changed_at, recorded_at, replaced_at, peer, refers, state)`

func queueStates(b *pgx.Batch, rows []projection.State) {
	type row = projection.State
	if len(rows) == 0 {
		return
	}
	var firsts []row
	for i, r := range rows {
		sameAsLast := i > 0 && rows[i-1].Aggregate == r.Aggregate && rows[i-1].Seq == r.Seq // another of its contacts
		if r.Previous == 0 && r.Seq > 1 && !sameAsLast {
			firsts = append(firsts, r)
		}
	}
	if len(firsts) > 0 {
		b.Queue(replaceStates,
			column(firsts, func(r row) uuid.UUID { return r.Tenant }),
			column(firsts, func(r row) string { return r.Aggregate }),
			column(firsts, func(r row) int64 { return r.Seq }),
			column(firsts, func(r row) time.Time { return r.RecordedAt }))
	}
	b.Queue(insertStates,
		column(rows, func(r row) uuid.UUID { return r.Tenant }),
		column(rows, func(r row) string { return r.Aggregate }),
		column(rows, func(r row) int64 { return r.Seq }),
		column(rows, func(r row) uuid.UUID { return r.Contact }),
		column(rows, func(r row) int16 { return r.Section }),
		column(rows, func(r row) string { return r.Area }),
		column(rows, func(r row) bool { return r.Open }),
		column(rows, func(r row) bool { return r.Deleted }),
		column(rows, func(r row) string { return r.Owner }),
		column(rows, func(r row) string { return r.Team }),
		column(rows, func(r row) time.Time { return r.ChangedAt }),
		column(rows, func(r row) time.Time { return r.RecordedAt }),
		column(rows, func(r row) *time.Time { return r.ReplacedAt }),
		column(rows, func(r row) uuid.UUID { return r.Peer }),
		column(rows, func(r row) string { return r.Refers }),
		column(rows, func(r row) []byte { return r.Body }))
}

// insertRelations leaves relations alone that are as old: a conflict would lock and so
// write each of them, and most events come after the first.
const insertRelations = `
INSERT INTO first_relation (tenant, contact, since)
SELECT n.* FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS n (tenant, contact, since)
WHERE NOT EXISTS (SELECT FROM first_relation AS r WHERE r.tenant = n.tenant AND r.contact = n.contact AND r.since <= n.since)
ON CONFLICT (tenant, contact) DO UPDATE SET since = EXCLUDED.since WHERE EXCLUDED.since < first_relation.since`

func queueRelations(b *pgx.Batch, rows []projection.Relation) {
	type row = projection.Relation
	if len(rows) == 0 {
		return
	}
	b.Queue(insertRelations,
		column(rows, func(r row) uuid.UUID { return r.Tenant }),
		column(rows, func(r row) uuid.UUID { return r.Contact }),
		column(rows, func(r row) time.Time { return r.Since }))
}

const insertTenants = `
INSERT INTO tenant_setting (tenant, seq, currency, zone, window_months)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::integer[])
ON CONFLICT (tenant) DO UPDATE SET seq = EXCLUDED.seq, currency = EXCLUDED.currency, zone = EXCLUDED.zone, window_months = EXCLUDED.window_months
WHERE EXCLUDED.seq > tenant_setting.seq`

func queueTenants(b *pgx.Batch, rows []projection.Tenant) {
	type row = projection.Tenant
	if len(rows) == 0 {
		return
	}
	b.Queue(insertTenants,
		column(rows, func(r row) uuid.UUID { return r.ID }),
		column(rows, func(r row) int64 { return r.Seq }),
		column(rows, func(r row) string { return r.Currency }),
		column(rows, func(r row) string { return r.Zone }),
		column(rows, func(r row) int32 { return r.Months }))
}
