package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// fill writes, for each of two tenants, 8,000 contacts with an e-mail address
// each, and to each of 3,000 of them a relationship, an interaction, a document and a
// consent.
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
	),
	documents AS (
		INSERT INTO document (tenant, id, interaction, contact, title, media_type, size_bytes, create_time)
		SELECT tenant, md5('d' || i)::uuid, md5('i' || i)::uuid, md5('c' || i)::uuid, '', 'text/plain', 1, now()
		FROM tenants, generate_series(1, 3000) AS i
	)
	INSERT INTO consent (tenant, id, create_time, update_time, seq, partition, owner, team, source, external_ids, labels,
		custom_fields, contact, purpose, channel, state, text_version, evidence, ip_address, occurred_at, actor)
	SELECT tenant, md5('k' || i)::uuid, now(), now(), 1, 0, '', '', '', '{}', '{}', '{}', md5('c' || i)::uuid, 'marketing', 0, 1,
		'', '', '', now() + i * interval '1 s', ''
	FROM tenants, generate_series(1, 3000) AS i`

// fillEmployees writes the directory of each tenant: 4,000 employees with two of a hundred
// skills each.
const fillEmployees = `
	WITH tenants (tenant) AS (VALUES ($1::uuid), ($2::uuid)),
	employees AS (
		INSERT INTO employee (tenant, contact, start_time, end_time, name_key, account, unit_key, job_key, manager)
		SELECT tenant, md5('c' || i)::uuid, '2020-01-01', '9999-12-31', md5(i::text), 'users/' || i, 'unit ' || i % 100,
			'job ' || i % 100, md5('c' || i % 100)::uuid
		FROM tenants, generate_series(1, 4000) AS i
	)
	INSERT INTO employee_skill (tenant, skill_key, contact, start_time, level, certified_until)
	SELECT tenant, 'skill ' || (i + j * 7) % 100, md5('c' || i)::uuid, '2020-01-01', 1 + i % 5, 99991231
	FROM tenants, generate_series(1, 4000) AS i, generate_series(1, 2) AS j`

// filled answers a database with rows in it, and the tenant of half of them.
func filled(t testing.TB) (*postgres.DB, uuid.UUID) {
	t.Helper()
	urls := database(t)
	owner, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	tenant, other := uuid.New(), uuid.New()
	if _, err := owner.Exec(t.Context(), fill, tenant, other); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), fillEmployees, tenant, other); err != nil {
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
	testPlans_findEmployees(t, db, tenant)
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
	page := []uuid.UUID{entity.NewID(), entity.NewID(), entity.NewID()}
	of := func(newest string, columns ...string) postgres.Children {
		return postgres.Children{Parents: page, Columns: columns, Family: "contact_family", Newest: newest, Limit: 21}
	}
	plan, err = relationships.ExplainChildren(t.Context(), db, tenant, of("create_time", "from_contact", "to_contact"))
	indexed("relationships of a page", plan, err)
	plan, err = s.Interactions.Table.ExplainChildren(t.Context(), db, tenant, of("occurred_at", "contact"))
	indexed("interactions of a page", plan, err)
	plan, err = s.Consents.Table.ExplainChildren(t.Context(), db, tenant, of("occurred_at", "contact"))
	indexed("consents of a page", plan, err)
	plan, err = s.Documents.Table.ExplainCountChildren(t.Context(), db, tenant, of("", "contact"))
	indexed("documents of a page, counted", plan, err)
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

// CON-39: whoever looks for employees, by whatever, has an index for it as role app.
func testPlans_findEmployees(t *testing.T, db *postgres.DB, tenant uuid.UUID) {
	t.Helper()
	none, someone := []string{}, entity.NewID()
	type asked struct {
		skills    []string
		levels    []int32
		unit, job string
		manager   *uuid.UUID
		accounts  []string
		after     string
	}
	for name, q := range map[string]asked{
		"everybody":    {skills: none},
		"a later page": {skills: none, after: "8"},
		"a skill":      {skills: []string{"skill 7"}, levels: []int32{3}},
		"two skills":   {skills: []string{"skill 7", "skill 14"}, levels: []int32{0, 2}},
		"a unit":       {skills: none, unit: "unit 7"},
		"a job":        {skills: none, job: "job 7"},
		"a manager":    {skills: none, manager: &someone},
		"accounts":     {skills: none, accounts: []string{"users/7", "users/8"}},
		"all of them":  {skills: []string{"skill 7"}, levels: []int32{1}, unit: "unit 7", job: "job 7", manager: &someone, accounts: []string{"users/7"}},
	} {
		plan, err := postgres.ExplainAs(t.Context(), db, tenant, store.FindEmployeesSQL, tenant, time.Now(), int32(20261122),
			q.skills, append([]int32{}, q.levels...), q.unit, q.job, q.manager, q.accounts, q.after, uuid.Nil, 51)
		if err != nil || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s: %v\n%s", name, err, plan)
		}
	}
}
