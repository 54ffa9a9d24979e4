package postgres_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// The table against the same statement scanned by hand (BenchmarkByHand): the
// plan per type is to cost nothing one could measure.

func BenchmarkList(b *testing.B) {
	urls := testkit.Database(b, "gadget", migrateGadgets, gadgetMigrations)
	db, tenant := testkit.Open(b, urls), uuid.New()
	fill(b, urls.Owner, tenant, 20_000)
	exec(b, urls.Owner, "ANALYZE gadget")
	for name, q := range map[string]postgres.Query{
		"rows=50":      {PageSize: 50},
		"rows=1000":    {PageSize: 1000},
		"filter":       {PageSize: 50, Filter: `owner = "users/7"`, OrderBy: "create_time desc"},
		"label":        {PageSize: 50, Filter: `labels.number = "4711"`},
		"undeclared":   {PageSize: 50, Filter: "amount > 500", OrderBy: "title"},
		"custom field": {PageSize: 50, Filter: "custom_fields.seats > 4"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := gadgets.List(b.Context(), db, tenant, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkByHand(b *testing.B) {
	urls := testkit.Database(b, "gadget", migrateGadgets, gadgetMigrations)
	db, tenant := testkit.Open(b, urls), uuid.New()
	fill(b, urls.Owner, tenant, 1000)
	b.ReportAllocs()
	for b.Loop() {
		batch := &pgx.Batch{}
		postgres.QueueTenant(batch, tenant)
		var rows []*gadget
		batch.Queue(`SELECT id, create_time, update_time, delete_time, seq, partition, owner, team, source, external_ids, labels,
			custom_fields, title, stage, amount, pinned, due_time, day, contact, parent, nickname, tags, photo, parts, maker, options, search
			FROM gadget WHERE tenant = $1 AND delete_time IS NULL ORDER BY id LIMIT 51`, [16]byte(tenant)).Query(func(r pgx.Rows) error {
			for r.Next() {
				g := &gadget{}
				if err := r.Scan((*[16]byte)(&g.ID), &g.CreateTime, &g.UpdateTime, &g.DeleteTime, &g.Seq, &g.Partition, &g.Owner, &g.Team,
					&g.Source, &g.ExternalIDs, &g.Labels, &g.CustomFields, &g.Title, &g.Stage, &g.Amount, &g.Pinned, &g.Due, &g.Day,
					(*[16]byte)(&g.Contact), &g.Parent, &g.Nickname, &g.Tags, &g.Photo, &g.Parts, &g.Maker, &g.Options, &g.Search); err != nil {
					return err
				}
				rows = append(rows, g)
			}
			return nil
		})
		if err := postgres.Run(b.Context(), db, batch); err != nil || len(rows) != 51 {
			b.Fatal(len(rows), err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	db, tenant := openGadgets(b), uuid.New()
	g := full()
	insert(b, db, tenant, g)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gadgets.Get(b.Context(), db, tenant, g.ID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInsert(b *testing.B) {
	db, tenant := openGadgets(b), uuid.New()
	for name, make := range map[string]func() *gadget{
		"plain":  func() *gadget { return newGadget(1) },
		"labels": func() *gadget { g := newGadget(1); g.Labels = map[string]string{"tier": "gold"}; return g },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := &pgx.Batch{}
				postgres.QueueTenant(batch, tenant)
				gadgets.QueueInsert(batch, tenant, make())
				if err := postgres.Run(b.Context(), db, batch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One change under the row lock: two round trips.
func BenchmarkDecide(b *testing.B) {
	db, tenant := openGadgets(b), uuid.New()
	g := newGadget(1)
	insert(b, db, tenant, g)
	b.ReportAllocs()
	for b.Loop() {
		var row *gadget
		err := postgres.Decide(b.Context(), db, func(batch *pgx.Batch) {
			postgres.QueueTenant(batch, tenant)
			gadgets.QueueLock(batch, tenant, g.ID, func(found *gadget) error { row = found; return nil })
		}, func(batch *pgx.Batch) error {
			row.Amount++
			gadgets.QueueUpdate(batch, tenant, row)
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// Many rows in one statement, in ns a row.
func BenchmarkInsertMany(b *testing.B) {
	db, tenant := openGadgets(b), uuid.New()
	const rows = 1000
	b.ReportAllocs()
	for b.Loop() {
		all := make([]*gadget, rows)
		for i := range all {
			all[i] = newGadget(1)
			all[i].Source = ""
		}
		batch := &pgx.Batch{}
		postgres.QueueTenant(batch, tenant)
		gadgets.QueueInsert(batch, tenant, all...)
		if err := postgres.Run(b.Context(), db, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
