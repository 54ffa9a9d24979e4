package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// many answers gadgets of every shape: each column is once set and once not.
func many() []*gadget {
	odd := newGadget(3)
	odd.Tags = []string{`a "quoted" one`, `back\slash`, "{}", "", "NULL", "line\nbreak"}
	odd.Source, odd.Labels = "odd", map[string]string{"tier": "odd"}
	plain := newGadget(2)
	plain.Tags = []string{} // a list column is never NULL
	return []*gadget{full(), {Meta: entity.Meta{ID: uuid.New()}, Tags: []string{}}, plain, odd}
}

func readAll(t *testing.T, db *postgres.DB, tenant uuid.UUID, like []*gadget) []*gadget {
	t.Helper()
	ids := make([]uuid.UUID, len(like))
	for i, g := range like {
		ids[i] = g.ID
	}
	got, err := gadgets.GetAll(t.Context(), db, tenant, ids)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// run sends a batch that a function fills, as the tenant.
func run(t *testing.T, db *postgres.DB, tenant uuid.UUID, fill func(b *pgx.Batch)) error {
	t.Helper()
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	fill(b)
	return postgres.Run(t.Context(), db, b)
}

// What one statement writes of many rows is what one statement each would.
func TestTable_manyRowsAtOnce(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	want := many()
	statements := 0
	if err := run(t, db, tenant, func(b *pgx.Batch) { gadgets.QueueInsert(b, tenant, want...); statements = b.Len() }); err != nil {
		t.Fatal(err)
	}
	if statements != 2 {
		t.Errorf("%d statements, want one and the tenant's", statements)
	}
	if diff := cmp.Diff(want, readAll(t, db, tenant, want)); diff != "" {
		t.Errorf("inserted (-want +got)\n%s", diff)
	}
	for i, g := range want { // each takes the values of the next
		id, meta := g.ID, want[(i+1)%len(want)]
		*g = *meta
		g.ID, g.Source, g.ExternalIDs = id, "", nil
	}
	if err := run(t, db, tenant, func(b *pgx.Batch) { gadgets.QueueUpdate(b, tenant, want...) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, readAll(t, db, tenant, want)); diff != "" {
		t.Errorf("updated (-want +got)\n%s", diff)
	}
	other := uuid.New()
	if err := run(t, db, other, func(b *pgx.Batch) { gadgets.QueueUpdate(b, other, want...) }); errs.Reason(err) != "GADGET_NOT_FOUND" {
		t.Errorf("another tenant changes them: %v", err)
	}
	found, _, err := gadgets.List(t.Context(), db, tenant, postgres.Query{Filter: `labels.tier = "odd"`})
	if err != nil || len(found) != 1 {
		t.Errorf("%d rows by their label, %v", len(found), err)
	}
}

func TestWrites_order(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	held, taker, twice := newGadget(1), newGadget(2), newGadget(3)
	held.Source = "key"
	insert(t, db, tenant, held)
	w := postgres.NewWrites(tenant)
	gadgets.Insert(w, twice)
	held.Source = ""
	gadgets.Update(w, held)
	taker.Source = "key" // free by now
	gadgets.Insert(w, taker)
	for _, title := range []string{"first", "second"} {
		held.Title, twice.Title = title, title
		gadgets.Update(w, held)
		gadgets.Update(w, twice)
	}
	if err := run(t, db, tenant, w.Flush); err != nil {
		t.Fatal(err)
	}
	for _, g := range readAll(t, db, tenant, []*gadget{held, twice}) {
		if g.Title != "second" {
			t.Errorf("title %q, want the last", g.Title)
		}
	}
	b := &pgx.Batch{}
	if w.Flush(b); b.Len() > 0 {
		t.Error("what was flushed is written again")
	}
}

func TestWrites_refusesTheSameNewRowTwice(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(1)
	err := run(t, db, tenant, func(b *pgx.Batch) { gadgets.QueueInsert(b, tenant, g, g) })
	if errs.Code(err) != codes.AlreadyExists {
		t.Errorf("got %v, want ALREADY_EXISTS", err)
	}
}

// Rows that are locked are read in one statement; those of another tenant, or of
// nobody, are left out.
func TestTable_locksMany(t *testing.T) {
	t.Parallel()
	db, tenant, other := openGadgets(t), uuid.New(), uuid.New()
	mine, theirs := many(), newGadget(9)
	theirs.Source = ""
	insert(t, db, tenant, mine...)
	insert(t, db, other, theirs)
	ids := []uuid.UUID{theirs.ID, uuid.New()}
	for _, g := range mine {
		ids = append(ids, g.ID)
	}
	got := map[uuid.UUID]*gadget{}
	err := run(t, db, tenant, func(b *pgx.Batch) {
		gadgets.QueueLockAll(b, tenant, ids, func(g *gadget) { got[g.ID] = g })
	})
	if err != nil || len(got) != len(mine) {
		t.Fatalf("%d rows, %v; want %d", len(got), err, len(mine))
	}
	for _, g := range mine {
		if diff := cmp.Diff(g, got[g.ID]); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
