package postgres_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// full answers a gadget with a value in every field.
func full() *gadget {
	deleted, day := epoch.Add(time.Hour), time.Date(1999, 2, 28, 0, 0, 0, 0, time.UTC)
	parent, nickname := uuid.New(), ""
	g := newGadget(1)
	g.DeleteTime, g.Day, g.Parent, g.Nickname = &deleted, &day, &parent, &nickname
	g.Partition, g.Team, g.Source = 15, "teams/1", "import"
	g.ExternalIDs = map[string]string{"erp": "4711"}
	g.Labels = map[string]string{"tier": "gold", "Straße": "ß"}
	g.CustomFields = map[string]any{"seats": 5.0, "vip": true, "nested": map[string]any{"a": []any{"b"}}}
	g.Tags, g.Photo = []string{"a", "b,c"}, []byte{0, 1, 255}
	g.Parts, g.Maker = []part{{Name: "screw"}}, &part{Name: "maker"}
	g.Options = map[string]any{"x": "y"}
	return g
}

func TestTable_keepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	for name, want := range map[string]*gadget{"every field": full(), "hardly any": {Meta: entity.Meta{ID: uuid.New()}}} {
		insert(t, db, tenant, want)
		got, err := gadgets.Get(t.Context(), db, tenant, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if want.Tags == nil {
			want.Tags = []string{} // a list column is never NULL
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-written +read)\n%s", name, diff)
		}
		if got.CreateTime.Location() != time.UTC {
			t.Errorf("%s: time in %s", name, got.CreateTime.Location())
		}
	}
}

func TestTable_update(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g, other := full(), newGadget(2)
	insert(t, db, tenant, g, other)
	g.Title, g.DeleteTime, g.Nickname, g.Parent, g.Labels, g.Seq = "changed", nil, nil, nil, nil, 2
	update := func(tenant uuid.UUID) error {
		return postgres.Submit(t.Context(), db, func(b *pgx.Batch) error {
			postgres.QueueTenant(b, tenant)
			gadgets.QueueUpdate(b, tenant, g)
			return nil
		})
	}
	if err := update(uuid.New()); errs.Reason(err) != "GADGET_NOT_FOUND" {
		t.Fatalf("another tenant's row: %v", err)
	}
	if err := update(tenant); err != nil {
		t.Fatal(err)
	}
	got, err := gadgets.GetAll(t.Context(), db, tenant, []uuid.UUID{other.ID, g.ID})
	if err != nil {
		t.Fatal(err)
	}
	other.Tags = []string{}
	if diff := cmp.Diff([]*gadget{other, g}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTable_batchUsesTheRowAsItWas(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(1)
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	gadgets.QueueInsert(b, tenant, g)
	g.Title = "too late"
	if err := postgres.Run(t.Context(), db, b); err != nil {
		t.Fatal(err)
	}
	got, err := gadgets.Get(t.Context(), db, tenant, g.ID)
	if err != nil || got.Title != "Gadget 1" {
		t.Errorf("title %q, %v", got.Title, err)
	}
}

func TestTable_tenantsAreApart(t *testing.T) {
	t.Parallel()
	db, tenant, other := openGadgets(t), uuid.New(), uuid.New()
	mine, theirs := newGadget(1), newGadget(2)
	mine.Labels, theirs.Labels = map[string]string{"tier": "gold"}, map[string]string{"tier": "gold"}
	insert(t, db, tenant, mine)
	insert(t, db, other, theirs)
	if _, err := gadgets.Get(t.Context(), db, tenant, theirs.ID); errs.Code(err) != codes.NotFound {
		t.Errorf("Get: %v", err)
	}
	if _, err := gadgets.GetAll(t.Context(), db, tenant, []uuid.UUID{mine.ID, theirs.ID}); errs.Code(err) != codes.NotFound {
		t.Errorf("GetAll: %v", err)
	}
	for _, filter := range []string{"", `labels.tier = "gold"`} {
		rows, _, err := gadgets.List(t.Context(), db, tenant, postgres.Query{Filter: filter})
		if err != nil || len(rows) != 1 || rows[0].ID != mine.ID {
			t.Errorf("List %q: %d rows, %v", filter, len(rows), err)
		}
	}
}

// The net behind the code: a statement that forgets the tenant, or names another
// one, still meets row-level security.
func TestRowLevelSecurity_holdsWithoutTheCode(t *testing.T) {
	t.Parallel()
	db, tenant, other := openGadgets(t), uuid.New(), uuid.New()
	insert(t, db, tenant, newGadget(1))
	insert(t, db, other, newGadget(2))
	as := func(tenant uuid.UUID, sql string, args ...any) (affected int64, err error) {
		err = postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT set_config('app.tenant', $1, true)", tenant.String()); err != nil {
				return err
			}
			tag, err := tx.Exec(t.Context(), sql, args...)
			affected = tag.RowsAffected()
			return err
		})
		return affected, err
	}
	if n, err := as(tenant, "SELECT id FROM gadget"); n != 1 || err != nil {
		t.Errorf("sees %d rows, %v", n, err)
	}
	if n, err := as(tenant, "UPDATE gadget SET title = 'mine' WHERE tenant = $1", other); n != 0 || err != nil {
		t.Errorf("changed %d rows, %v", n, err)
	}
	if n, err := as(tenant, "DELETE FROM gadget"); n != 1 || err != nil {
		t.Errorf("deleted %d rows, %v", n, err)
	}
	_, err := as(tenant, "UPDATE gadget SET tenant = $1", other)
	if err != nil {
		t.Errorf("update of no rows: %v", err)
	}
	if _, err := as(other, "UPDATE gadget SET tenant = $1", tenant); errs.Code(err) != codes.Internal {
		t.Errorf("gave a row away: %v", err)
	}
	if _, err := db.App.Exec(t.Context(), "SELECT id FROM gadget"); err == nil {
		t.Error("read without a tenant")
	}
	var all int
	if err := db.System.QueryRow(t.Context(), "SELECT count(*) FROM gadget").Scan(&all); err != nil || all != 1 {
		t.Errorf("role relay sees %d rows, %v", all, err)
	}
}

func TestTable_constraints(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	first := newGadget(1)
	first.Source, first.ExternalIDs = "web", map[string]string{"erp": "1"}
	insert(t, db, tenant, first)
	for name, c := range map[string]struct {
		change func(*gadget)
		code   codes.Code
		reason string
	}{
		"named":       {func(g *gadget) { g.Source = "web" }, codes.AlreadyExists, "GADGET_SOURCE_TAKEN"},
		"external id": {func(g *gadget) { g.ExternalIDs = first.ExternalIDs }, codes.AlreadyExists, "EXTERNAL_ID_TAKEN"},
		"primary key": {func(g *gadget) { g.ID = first.ID }, codes.AlreadyExists, "ALREADY_EXISTS"},
		"check":       {func(g *gadget) { g.Title = "forbidden" }, codes.InvalidArgument, errs.FieldInvalid},
		"NUL":         {func(g *gadget) { g.Title = "a\x00b" }, codes.InvalidArgument, errs.FieldInvalid},
		"not finite":  {func(g *gadget) { g.CustomFields = map[string]any{"x": math.NaN()} }, codes.InvalidArgument, errs.FieldInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGadget(2)
			c.change(g)
			b := &pgx.Batch{}
			postgres.QueueTenant(b, tenant)
			gadgets.QueueInsert(b, tenant, g)
			err := gadgets.Error(postgres.Run(t.Context(), db, b))
			if errs.Code(err) != c.code || errs.Reason(err) != c.reason {
				t.Errorf("%s %s: %v", errs.Code(err), errs.Reason(err), err)
			}
		})
	}
	// The same id of another tenant is another id.
	again := newGadget(3)
	again.Source, again.ExternalIDs = first.Source, first.ExternalIDs
	insert(t, db, uuid.New(), again)
}

func TestTable_byEntry(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(1)
	g.ExternalIDs = map[string]string{"erp": "1", "shop": "a"}
	insert(t, db, tenant, g)
	find := func(tenant uuid.UUID, key, value string) *gadget {
		t.Helper()
		row, err := gadgets.ByEntry(t.Context(), db, tenant, "external_ids", key, value)
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	if row := find(tenant, "erp", "1"); row == nil || row.ID != g.ID {
		t.Errorf("found %v", row)
	}
	if find(uuid.New(), "erp", "1") != nil || find(tenant, "shop", "1") != nil {
		t.Error("found what is not there")
	}
	g.ExternalIDs = map[string]string{"erp": "2"}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	gadgets.QueueUpdate(b, tenant, g)
	if err := postgres.Run(t.Context(), db, b); err != nil {
		t.Fatal(err)
	}
	if find(tenant, "erp", "1") != nil || find(tenant, "erp", "2") == nil || find(tenant, "shop", "a") != nil {
		t.Error("the entries did not follow the update")
	}
	b = &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	gadgets.QueueDelete(b, tenant, g.ID)
	if err := postgres.Run(t.Context(), db, b); err != nil {
		t.Fatal(err)
	}
	insert(t, db, tenant, &gadget{Meta: entity.Meta{ID: uuid.New(), ExternalIDs: g.ExternalIDs}})
}

func TestViolates(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	g := newGadget(1)
	insert(t, db, tenant, g)
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	gadgets.QueueInsert(b, tenant, g)
	err := postgres.Run(t.Context(), db, b)
	if !postgres.Violates(err, "gadget_pkey") || postgres.Violates(err, "gadget_source") || postgres.Violates(errors.New("x"), "") {
		t.Errorf("err %v", err)
	}
}

func TestNewTable_refuses(t *testing.T) {
	t.Parallel()
	type id struct {
		ID uuid.UUID `db:"id"`
	}
	for name, make := range map[string]func(){
		"no id": func() { postgres.NewTable[part](postgres.Def{Name: "x"}) },
		"twice": func() {
			postgres.NewTable[struct {
				id
				Again string `db:"id"`
			}](postgres.Def{Name: "x"})
		},
		"tenant": func() {
			postgres.NewTable[struct {
				id
				T string `db:"tenant"`
			}](postgres.Def{Name: "x"})
		},
		"option": func() {
			postgres.NewTable[struct {
				id
				T string `db:"x,xml"`
			}](postgres.Def{Name: "x"})
		},
		"no field": func() { postgres.NewTable[id](postgres.Def{Name: "x", Orders: [][]string{{"y"}}}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			make()
		})
	}
}
