package store_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/gateway"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

// fill writes 2,000 tenants, and 2,000 rows of each other kind for two of them.
const fill = `
	WITH made AS (
		INSERT INTO tenant (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, display_name, currency_code, time_zone, state)
		SELECT id, id, now() + i * interval '1 s', now(), 1, 0, '', '', '', '{}', '{}', '{}', 'tenant ' || i, 'IDR', 'UTC', 1
		FROM (SELECT i, CASE i WHEN 1 THEN $1::uuid WHEN 2 THEN $2::uuid ELSE md5('t' || i)::uuid END AS id FROM generate_series(1, 2000) i) t
	),
	two AS (SELECT tenant, i, now() + i * interval '1 s' AS at FROM (VALUES ($1::uuid), ($2::uuid)) v (tenant), generate_series(1, 2000) i),
	members AS (
		INSERT INTO member (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, subject, display_name, roles, teams)
		SELECT tenant, md5('m' || i)::uuid, at, at, 1, 0, '', '', '', '{}', '{}', '{}', 'users/' || i, '', '[]', '[]' FROM two
	),
	teams AS (
		INSERT INTO team (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, display_name, description)
		SELECT tenant, md5('g' || i)::uuid, at, at, 1, 0, '', '', '', '{}', '{}', '{}', 'team ' || i, '' FROM two
	),
	keys AS (
		INSERT INTO api_key (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, display_name, roles, hash, suffix)
		SELECT tenant, md5('k' || i)::uuid, at, at, 1, 0, '', '', '', '{}', '{}', '{}', 'key ' || i, '[]',
			sha256((tenant::text || i)::bytea), 'abcd' FROM two
	)
	INSERT INTO exchange_rate (tenant, id, create_time, update_time, seq, partition, owner, team, source,
		external_ids, labels, custom_fields, from_currency_code, to_currency_code, date, rate)
	SELECT tenant, md5('r' || i)::uuid, at, at, 1, 0, '', '', '', '{}', '{}', '{}', 'USD', 'IDR', date '2000-01-01' + i, i FROM two`

func database(t *testing.T) postgres.URLs {
	t.Helper()
	return testkit.Database(t, "platform", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, gateway.Definition, ownerURL)
	}, eventlog.Migrations, service.FieldRules.Migrations, store.Migrations)
}

// open answers a filled database, and the tenant of half of its rows.
func open(t *testing.T) (*postgres.DB, uuid.UUID) {
	t.Helper()
	urls := database(t)
	owner, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	tenant := uuid.New()
	if _, err := owner.Exec(t.Context(), fill, tenant, uuid.New()); err != nil {
		t.Fatal(err)
	}
	return testkit.Open(t, urls), tenant
}

// Every filter and order that lists declare runs on an index, as role app.
func TestLists_useTheirIndexes(t *testing.T) {
	t.Parallel()
	// A tenant sees one row of tenants: itself.
	testkit.Lists(t, database(t), testkit.Apart("tenant"), store.Members, store.Teams, store.Keys, store.Rates, store.Rules, store.FieldRules, store.SavedViews, store.WebhookEndpoints, store.WebhookDeliveries)
}

// The view past row-level security shows nothing to a session in a tenant, not
// even that tenant.
func TestDirectory_isForOperators(t *testing.T) {
	t.Parallel()
	db, tenant := open(t)
	for of, want := range map[uuid.UUID]int{tenant: 0, uuid.New(): 0, auth.NoTenant: 2000} {
		var seen int
		b := &pgx.Batch{}
		postgres.QueueTenant(b, of)
		b.Queue("SELECT count(*) FROM tenant_directory").QueryRow(func(row pgx.Row) error { return row.Scan(&seen) })
		if err := postgres.Run(t.Context(), db, b); err != nil || seen != want {
			t.Errorf("a session in %s sees %d tenants, want %d (%v)", of, seen, want, err)
		}
	}
}
