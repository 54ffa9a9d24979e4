package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// gadget is a resource with a column of each kind.
type gadget struct {
	entity.Meta
	Title    string         `db:"title"`
	Stage    stage          `db:"stage"`
	Amount   int64          `db:"amount"`
	Pinned   bool           `db:"pinned"`
	Due      *time.Time     `db:"due_time"`
	Day      *time.Time     `db:"day"`
	Contact  uuid.UUID      `db:"contact"`
	Parent   *uuid.UUID     `db:"parent"`
	Nickname *string        `db:"nickname"`
	Tags     []string       `db:"tags"`
	Photo    []byte         `db:"photo"`
	Parts    []part         `db:"parts,json"`
	Maker    *part          `db:"maker,json"`
	Options  map[string]any `db:"options,json"`
	Search   string         `db:"search"`
}

type stage int32

type part struct {
	Name string `json:"name"`
}

var stages = map[string]int32{"NEW": 1, "OPEN": 2, "WON": 3}

const gadgetSchema = `
-- +goose Up
CREATE TABLE gadget (
	tenant uuid NOT NULL,
	id uuid NOT NULL,
	create_time timestamptz NOT NULL,
	update_time timestamptz NOT NULL,
	delete_time timestamptz,
	seq bigint NOT NULL,
	partition smallint NOT NULL,
	owner text NOT NULL,
	team text NOT NULL,
	source text NOT NULL,
	external_ids jsonb NOT NULL,
	labels jsonb NOT NULL,
	custom_fields jsonb NOT NULL,
	title text NOT NULL CONSTRAINT gadget_title_check CHECK (title <> 'forbidden'),
	stage integer NOT NULL,
	amount bigint NOT NULL,
	price numeric(28, 9) NOT NULL DEFAULT 0,
	pinned boolean NOT NULL,
	due_time timestamptz,
	day date,
	contact uuid NOT NULL,
	parent uuid,
	nickname text,
	tags text[] NOT NULL,
	photo bytea,
	parts jsonb NOT NULL,
	maker jsonb,
	options jsonb NOT NULL,
	search text NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX gadget_source ON gadget (tenant, source) WHERE source <> '';
CREATE INDEX gadget_owner ON gadget (tenant, owner, create_time, id);
CREATE INDEX gadget_due ON gadget (tenant, due_time, id);
CREATE INDEX gadget_stage ON gadget (tenant, stage, pinned, id);
CREATE INDEX gadget_search ON gadget USING gin (tenant, search gin_trgm_ops);
SELECT lingkar_secure('gadget');
SELECT lingkar_index_map('gadget', 'labels');
SELECT lingkar_index_map('gadget', 'external_ids', alone => true);
`

var gadgetMigrations = fstest.MapFS{"00001_gadget.sql": {Data: []byte(gadgetSchema)}}

func migrateGadgets(ctx context.Context, ownerURL string) error {
	return postgres.Migrate(ctx, ownerURL, "gadget_version", gadgetMigrations)
}

var errSourceTaken = errs.AlreadyExists("GADGET_SOURCE_TAKEN", "another gadget comes from there")

var gadgetDef = postgres.Def{
	Name:       "gadget",
	Kind:       "gadget",
	Collection: "gadgets",
	Search:     "search",
	Fields: []postgres.Field{
		{Path: "name", Column: "id", Type: postgres.UUID},
		{Path: "create_time", Type: postgres.Time},
		{Path: "owner"},
		{Path: "title"},
		{Path: "stage", Type: postgres.Enum, Values: stages},
		{Path: "amount", Type: postgres.Int},
		{Path: "price", Type: postgres.Decimal},
		{Path: "pinned", Type: postgres.Bool},
		{Path: "due_time", Type: postgres.Time},
		{Path: "day", Type: postgres.Date},
		{Path: "contact", Type: postgres.UUID},
		{Path: "parent", Type: postgres.UUID},
		{Path: "nickname"},
		{Path: "tags", Type: postgres.List},
		{Path: "labels", Type: postgres.IndexedMap},
		{Path: "external_ids", Type: postgres.Map},
		{Path: "custom_fields", Type: postgres.JSON},
	},
	Orders: [][]string{
		{"owner", "create_time"},
		{"due_time"},
		{"stage", "pinned"},
	},
	Constraints: map[string]*errs.Error{"gadget_source": errSourceTaken},
}

var gadgets = postgres.NewTable[gadget](gadgetDef)

func openGadgets(t testing.TB) *postgres.DB {
	t.Helper()
	return testkit.Open(t, testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations))
}

var epoch = time.Date(2026, 1, 31, 9, 0, 0, 123456000, time.UTC)

// newGadget makes the n-th of a row of different gadgets.
func newGadget(n int) *gadget {
	g := &gadget{
		Meta: entity.Meta{
			ID:         entity.NewID(),
			CreateTime: epoch.Add(time.Duration(n) * time.Minute),
			UpdateTime: epoch,
			Seq:        1,
			Owner:      fmt.Sprintf("users/%d", n%3),
		},
		Title:   fmt.Sprintf("Gadget %d", n),
		Stage:   stage(1 + n%3),
		Amount:  int64(n % 5),
		Pinned:  n%2 == 0,
		Contact: uuid.MustParse("0190a000-0000-7000-8000-0000000000aa"),
	}
	if n%4 != 0 {
		due := epoch.AddDate(0, 0, n%7)
		g.Due = &due
	}
	return g
}

func insert(t testing.TB, db *postgres.DB, tenant uuid.UUID, rows ...*gadget) {
	t.Helper()
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	for _, row := range rows {
		gadgets.QueueInsert(b, tenant, row)
	}
	if err := postgres.Run(t.Context(), db, b); err != nil {
		t.Fatal(err)
	}
}

// exec runs statements in a session of their own.
func exec(t testing.TB, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
