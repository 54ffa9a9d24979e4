package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	definition "github.com/lingkar-crm/lingkar/services/marketing-campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
)

// open answers a database of the campaign service, filled and analysed, and the
// tenant of half of its rows.
func open(t testing.TB) (*postgres.DB, uuid.UUID) {
	t.Helper()
	urls := testkit.Database(t, "campaign", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, definition.Definition, ownerURL)
	}, eventlog.Migrations, store.Migrations())
	owner, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	tenant := uuid.New()
	if _, err := owner.Exec(t.Context(), fill, tenant, uuid.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), "ANALYZE segment, campaign, touch, response"); err != nil {
		t.Fatal(err)
	}
	return testkit.Open(t, urls), tenant
}

// fill writes, for each of two tenants, 2,000 segments with a campaign each, and
// 4,000 touches of 50 of them with a response each.
const fill = `
	WITH tenants (tenant) AS (VALUES ($1::uuid), ($2::uuid)),
	segments AS (
		INSERT INTO segment (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, display_name, description, filter, contacts, version, state,
			member_count, failure_reason)
		SELECT tenant, md5('s' || i)::uuid, now() + i * interval '1 s', now() - i * interval '1 s', 1, 0, 'users/' || i % 50, '', '',
			'{}', '{}', '{}', 'segment ' || i, '', 'kind = PERSON', '{}', 1, 1, 0, ''
		FROM tenants, generate_series(1, 2000) i
	),
	campaigns AS (
		INSERT INTO campaign (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, segment, channel, subject, body, requires_consent, display_name,
			description, kind, budget_currency, budget_amount, status, segment_version, launch_time)
		SELECT tenant, md5('k' || i)::uuid, now() + i * interval '1 s', now() - i * interval '1 s', 1, 0, 'users/' || i % 50, '', '',
			'{}', '{}', '{}', md5('s' || i % 50 + 1)::uuid, 3, '', 'hello', false, 'campaign ' || i,
			'', 1 + i % 5, '', 0, CASE WHEN i % 9 = 0 THEN 2 ELSE 1 END, CASE WHEN i % 9 = 0 THEN 1 ELSE 0 END,
			CASE WHEN i % 9 = 0 THEN now() END
		FROM tenants, generate_series(1, 2000) i
	),
	touches AS (
		INSERT INTO touch (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, campaign, contact, channel, status, suppress_reason, subject, body,
			send_time, response_count)
		SELECT tenant, md5('t' || i)::uuid, now() + i * interval '1 s', now() - i * interval '1 s', 1, 0, '', '', '',
			'{}', '{}', '{}', md5('k' || i % 50 + 1)::uuid, md5('c' || i % 1499)::uuid, 3, 1 + i % 2, 0, '', 'hello',
			CASE WHEN i % 2 = 1 THEN now() END, 0
		FROM tenants, generate_series(1, 4000) i
		ON CONFLICT DO NOTHING
		RETURNING *
	)
	INSERT INTO response (tenant, id, touch, campaign, contact, kind, channel, body, value_currency, value_amount, respond_time, create_time)
	SELECT tenant, id, id, campaign, contact, 1, 3, '', '', 0, create_time, create_time
	FROM touches`

// Every filter and order that lists declare runs on an index, as role app.
func TestLists_useTheirIndexes(t *testing.T) {
	t.Parallel()
	db, tenant := open(t)
	s := store.New(db, &eventlog.Log{})
	demandIndexes(t, db, tenant, s.Segments.Table)
	demandIndexes(t, db, tenant, s.Campaigns.Table)
	demandIndexes(t, db, tenant, s.Touches.Table)
	demandIndexes(t, db, tenant, store.ResponseTable)
}

func demandIndexes[T any](t *testing.T, db *postgres.DB, tenant uuid.UUID, table *postgres.Table[T]) {
	t.Helper()
	if err := table.CheckIndexes(t.Context(), db); err != nil {
		t.Error(err)
	}
	for _, q := range table.Declared() {
		plan, err := table.Explain(t.Context(), db, tenant, q)
		if errs.Reason(err) == "ORDER_BY_INVALID" {
			continue // the leading column of an index that only filters use
		}
		if err != nil || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s: filter %q, order %q: %v\n%s", table.Def().Name, q.Filter, q.OrderBy, err, plan)
		}
	}
}
