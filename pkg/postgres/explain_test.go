package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestCheckIndexes(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db := testkit.Open(t, urls)
	if err := gadgets.CheckIndexes(t.Context(), db); err != nil {
		t.Error(err)
	}
	exec(t, urls.Owner, `
		CREATE INDEX ON gadget (tenant, price, id);
		CREATE INDEX ON gadget (tenant, team, create_time DESC, id);
		CREATE INDEX ON gadget (tenant, amount, id) WHERE amount > 0;
		CREATE INDEX ON gadget (tenant, contact, id) WHERE delete_time IS NULL;
		CREATE INDEX ON gadget (title, id)`)
	for path, usable := range map[string]bool{
		"contact": true,
		"price":   false, // numeric is not leakproof
		"team":    false, // mixed directions
		"amount":  false, // of some rows only
		"title":   false, // without the tenant
		"day":     false, // none
	} {
		def := gadgetDef
		def.Fields = append([]postgres.Field{{Path: "team"}}, gadgetDef.Fields...)
		def.Orders = [][]string{{path}}
		if path == "team" {
			def.Orders = [][]string{{"team", "create_time"}}
		}
		if err := postgres.NewTable[gadget](def).CheckIndexes(t.Context(), db); (err == nil) != usable {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// At size, with what the planner knows by itself: no declared list and no label
// scans the table as role app.
func TestList_plansAtSize(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db, tenant := testkit.Open(t, urls), uuid.New()
	fill(t, urls.Owner, tenant, 20_000)
	fill(t, urls.Owner, uuid.New(), 20_000)
	exec(t, urls.Owner, "ANALYZE gadget; ANALYZE map_entry")
	for _, q := range gadgets.Declared() {
		plan, err := gadgets.Explain(t.Context(), db, tenant, q)
		if err != nil || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
			t.Errorf("%+v: %v\n%s", q, err, plan)
		}
	}
	// Where NULL comes first, the index is used all the same.
	plan, err := gadgets.Explain(t.Context(), db, tenant, postgres.Query{OrderBy: "due_time desc"})
	if err != nil || !strings.Contains(plan, "gadget_due") {
		t.Errorf("%v\n%s", err, plan)
	}
	queries := []postgres.Query{
		{Filter: `owner = "users/7" AND create_time > "2026-01-01T00:00:00Z"`, OrderBy: "create_time"},
		{Where: []postgres.Cond{postgres.Eq("owner", "users/7")}, OrderBy: "create_time"},
		{Filter: `labels.number = "4711"`},
		{Filter: `labels.number = "4711"`, OrderBy: "create_time"},
		{Filter: `name = "gadgets/0190a000-0000-7000-8000-0000000000aa"`},
	}
	for _, q := range queries {
		plan, err := gadgets.Explain(t.Context(), db, tenant, q)
		if err != nil || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%+v: %v\n%s", q, err, plan)
		}
	}
	// The trap this is about.
	plan, err = gadgets.Explain(t.Context(), db, tenant, postgres.Query{Filter: `external_ids.erp = "1"`})
	if err != nil || !strings.Contains(plan, "external_ids ->>") {
		t.Errorf("%v\n%s", err, plan)
	}
}

// fill makes rows as the owner, in one statement.
func fill(t testing.TB, ownerURL string, tenant uuid.UUID, n int) {
	t.Helper()
	exec(t, ownerURL, fmt.Sprintf(`
		INSERT INTO gadget (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, title, stage, amount, pinned, due_time, contact, tags, parts, options, search)
		SELECT '%s', gen_random_uuid(), '2026-01-01'::timestamptz + n * interval '1 minute', now(), 1, 0, 'users/' || n %% 100, '', '',
			'{}', jsonb_build_object('number', n::text), '{"seats": 5}', 'Gadget ' || n, 1 + n %% 3, n %% 1000, n %% 2 = 0,
			CASE WHEN n %% 4 > 0 THEN '2026-02-01'::timestamptz + n * interval '1 minute' END,
			gen_random_uuid(), '{}', '[]', '{}', 'budi santoso ' || md5(n::text)
		FROM generate_series(1, %d) n`, tenant, n))
}
