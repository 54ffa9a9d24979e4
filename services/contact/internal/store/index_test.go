package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// fill writes, for each of two tenants, 8,000 contacts with an e-mail address
// each, and to each of 3,000 of them a relationship, an interaction and a consent.
const fill = `
	WITH tenants (tenant) AS (VALUES ($1::uuid), ($2::uuid)),
	contacts AS (
		INSERT INTO contact (tenant, id, create_time, update_time, seq, partition, owner, team, source, external_ids, labels,
			custom_fields, customer_id, key_id, kind, display_name, name_key, search_key, given_name, family_name,
			organisation_name, job_title, birthday, identifiers, addresses, roles, roles_held, language_code, region_code,
			note, no_third_party_sharing)
		SELECT tenant, md5('c' || i)::uuid, now() + i * interval '1 s', now() - i * interval '1 s', 1, 0, 'users/' || i % 50,
			'teams/' || i % 20, '', '{}', jsonb_build_object('tier', 't' || i % 500), '{}', 'C-' || i,
			gen_random_uuid(), 1 + i % 2, md5(i::text), md5(i::text), md5(i::text), '', '', '', '', '', '[]', '[]', '[]', '{}', '',
			CASE WHEN i % 9 = 0 THEN 'DE' ELSE 'ID' END, '', false
		FROM tenants, generate_series(1, 8000) AS i
	),
	identifiers AS (
		INSERT INTO identifier (tenant, kind, key, contact)
		SELECT tenant, 1, i || '@example.com', md5('c' || i)::uuid FROM tenants, generate_series(1, 8000) AS i
	),
	blocking AS (
		INSERT INTO blocking_key (tenant, key, contact)
		SELECT tenant, i / 3, md5('c' || i)::uuid FROM tenants, generate_series(1, 8000) AS i
	),
	types AS (
		INSERT INTO relationship_type (tenant, id, create_time, update_time, seq, partition, owner, team, source, external_ids,
			labels, custom_fields, forward_name, reverse_name, name_key, from_kind, to_kind, inactive, description)
		SELECT tenant, md5('t' || i)::uuid, now(), now(), 1, 0, '', '', '', '{}', '{}', '{}', 'f' || i, 'r' || i, 'f' || i, 0, 0, false, ''
		FROM tenants, generate_series(1, 2000) AS i
	),
	relationships AS (
		INSERT INTO relationship (tenant, id, create_time, update_time, seq, partition, owner, team, source, external_ids,
			labels, custom_fields, type, from_contact, to_contact, role, start_time, note)
		SELECT tenant, md5('r' || i)::uuid, now() + i * interval '1 s', now() - i * interval '1 s', 1, 0, '', '', '', '{}', '{}', '{}',
			md5('t' || i % 40 + 1)::uuid, md5('c' || i)::uuid, md5('c' || i + 3000)::uuid, '', now(), ''
		FROM tenants, generate_series(1, 3000) AS i
	),
	interactions AS (
		INSERT INTO interaction (tenant, id, create_time, update_time, seq, partition, owner, team, source, external_ids, labels,
			custom_fields, contact, channel, direction, kind, title, body, summary, conversation, occurred_at, attachments, actor)
		SELECT tenant, md5('i' || i)::uuid, now(), now(), 1, 0, '', '', '', '{}', '{}', '{}', md5('c' || i)::uuid, 1, 1, 0,
			'call ' || i, '', '', 'talk-' || i % 1000, now() + i * interval '1 s', '[]', ''
		FROM tenants, generate_series(1, 3000) AS i
	)
	INSERT INTO consent (tenant, id, create_time, update_time, seq, partition, owner, team, source, external_ids, labels,
		custom_fields, contact, purpose, channel, state, text_version, evidence, ip_address, occurred_at, actor)
	SELECT tenant, md5('k' || i)::uuid, now(), now(), 1, 0, '', '', '', '{}', '{}', '{}', md5('c' || i)::uuid, 'marketing', 0, 1,
		'', '', '', now() + i * interval '1 s', ''
	FROM tenants, generate_series(1, 3000) AS i`

// scoreID is the field of which every second contact of filled has a value.
var scoreID = uuid.MustParse("0190a000-0000-7000-8000-0000000000f1")

// score is it.
const score = `
	INSERT INTO custom_value (tenant, id, field, value, alone)
	SELECT tenant, id, $1, custom_number_key((hashtext(id::text) % 1000)::text), false FROM contact WHERE hashtext(id::text) % 2 = 0`

// scored answers it for lists.
func scored(path string) (postgres.Field, bool) {
	return postgres.Field{Path: path, Column: "custom_fields", Type: filter.Entry, Entry: &filter.EntryOf{
		Field: scoreID, Key: "score", Type: 3, Indexed: true, Ordered: true,
		Parse: func(text string, _ bool) (string, string) { return text, "" },
	}}, path == "custom_fields.score"
}

// filled answers a database with rows in it, and the tenant of half of them.
func filled(t testing.TB) (*postgres.DB, uuid.UUID) {
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
	if _, err := owner.Exec(t.Context(), score, scoreID); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	return testkit.Open(t, urls), tenant
}

// Every filter and order that lists declare runs on an index, as role app.
func TestLists_useTheirIndexes(t *testing.T) {
	t.Parallel()
	testkit.Lists(t, database(t), store.New(nil, nil, nil), store.QualityTable, testkit.Brought(2))
}

// As role app, with row-level security, nothing else that is looked up reads a
// table whole.
func TestPlans(t *testing.T) {
	t.Parallel()
	db, tenant := filled(t)
	s := store.New(db, nil, nil)
	contacts, relationships := s.Contacts.Table, s.Relationships.Table
	some := "contacts/" + entity.NewID().String()
	with, err := s.WithContact(t.Context(), tenant, some)
	if err != nil {
		t.Fatal(err)
	}
	indexed := func(name, plan string, err error) {
		t.Helper()
		if err != nil || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s: %v\n%s", name, err, plan)
		}
	}
	plan, err := relationships.Explain(t.Context(), db, tenant, postgres.Query{Where: []postgres.Cond{with}, OrderBy: "create_time desc"})
	indexed("relationships of a contact", plan, err)
	for _, condition := range []string{`labels.tier = "t7"`, `roles.PARTNER = "open"`} {
		plan, err := contacts.Explain(t.Context(), db, tenant, postgres.Query{Filter: condition, OrderBy: "create_time desc"})
		indexed(condition, plan, err)
	}
	for condition, order := range map[string]string{
		"": "custom_fields.score desc", "custom_fields.score > 10": "custom_fields.score", "custom_fields.score = 7": "create_time desc",
	} {
		plan, err := contacts.Explain(t.Context(), db, tenant, postgres.Query{Filter: condition, OrderBy: order, Entry: scored})
		indexed(condition+" by "+order, plan, err)
	}
	for name, sql := range map[string]string{
		"look-up":     "SELECT contact FROM identifier WHERE tenant = $1 AND kind = 1 AND key = '7@example.com' ORDER BY contact DESC LIMIT 100",
		"customer id": "SELECT id FROM contact WHERE tenant = $1 AND customer_id = 'C-7' AND delete_time IS NULL",
		"consent": `SELECT DISTINCT ON (channel) id FROM consent
			WHERE tenant = $1 AND contact = '00000000-0000-0000-0000-000000000001' AND purpose = 'marketing' AND channel IN (0, 3)
			ORDER BY channel, occurred_at DESC, state DESC, id DESC`,
		"duplicates under a key": `SELECT b.contact FROM unnest('{7,8}'::bigint[]) AS k (key)
			CROSS JOIN LATERAL (SELECT contact FROM blocking_key WHERE tenant = $1 AND key = k.key LIMIT 100) AS b`,
		"step of a sweep": `SELECT id FROM contact WHERE tenant = $1 AND id >= '0190a000-0000-7000-8000-000000000001' AND delete_time IS NULL
			ORDER BY id LIMIT 500`,
	} {
		plan, err := postgres.ExplainAs(t.Context(), db, tenant, sql, tenant)
		indexed(name, plan, err)
	}
}
