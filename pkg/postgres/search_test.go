package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestSearch(t *testing.T) {
	t.Parallel()
	db, tenant, other := openGadgets(t), uuid.New(), uuid.New()
	named := func(text string) *gadget {
		g := newGadget(1)
		g.Title, g.Search = text, text
		return g
	}
	dead := named("budi wibowo")
	dead.DeleteTime = &epoch
	mine := named("citra lestari")
	mine.Owner = "users/me"
	insert(t, db, tenant, named("budi santoso"), named("siti rahayu"), named("pt maju jaya 100%_x"), named("日本 商事"), dead, mine)
	insert(t, db, other, named("budi hartono"))
	for text, want := range map[string][]string{
		"budi":            {"budi santoso"},
		"santoso budi":    {"budi santoso"},
		"santosa":         {"budi santoso"},
		"sant":            {"budi santoso"},
		"rahayu siti":     {"siti rahayu"},
		"budi rahayu":     nil,
		"hartono":         nil,
		"":                nil,
		"  ":              nil,
		"100%_x":          {"pt maju jaya 100%_x"},
		"%":               nil,
		"_":               nil,
		`\`:               nil,
		"' OR 1=1 --":     nil,
		"foo & | !":       nil,
		"日本":              {"日本 商事"},
		"maju jaya":       {"pt maju jaya 100%_x"},
		"a b c d e f g h": nil,
	} {
		rows, err := gadgets.Search(t.Context(), db, tenant, postgres.SearchQuery{Text: text})
		var got []string
		for _, row := range rows {
			got = append(got, row.Title)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	rows, err := gadgets.Search(t.Context(), db, tenant, postgres.SearchQuery{Text: "budi", ShowDeleted: true})
	if err != nil || len(rows) != 2 {
		t.Errorf("with deleted: %d rows, %v", len(rows), err)
	}
	rows, err = gadgets.Search(t.Context(), db, tenant, postgres.SearchQuery{Text: "budi", Where: []postgres.Cond{postgres.Eq("owner", "users/me")}})
	if err != nil || len(rows) != 0 {
		t.Errorf("outside the scope: %d rows, %v", len(rows), err)
	}
	for name, q := range map[string]postgres.SearchQuery{
		"negative": {Text: "x", Limit: -1}, "huge": {Text: strings.Repeat("x", 2000)}, "NUL": {Text: "a\x00"},
	} {
		if _, err := gadgets.Search(t.Context(), db, tenant, q); errs.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The search runs as the owner; nothing its caller passes may widen it.
func TestSearch_cannotLeaveTheTenant(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	err := postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT * FROM lingkar_search('gadget', 'search', '{x}', 10)")
		return err
	})
	if err == nil {
		t.Error("searched without a tenant")
	}
	for _, column := range []string{"search, tenant", `search" FROM gadget --`, "nothing"} {
		err := postgres.InTx(t.Context(), db.App, func(tx pgx.Tx) error {
			b := &pgx.Batch{}
			postgres.QueueTenant(b, tenant)
			b.Queue("SELECT * FROM lingkar_search('gadget', $1, '{x}', 10)", column)
			return tx.SendBatch(t.Context(), b).Close()
		})
		if err == nil {
			t.Errorf("column %q was accepted", column)
		}
	}
}

func TestSearch_usesItsIndex(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	tenant := uuid.New()
	fill(t, urls.Owner, tenant, 20_000)
	exec(t, urls.Owner, "ANALYZE gadget")
	conn, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// What lingkar_search runs, as whom it runs it.
	rows, err := conn.Query(t.Context(), `EXPLAIN SELECT t.id FROM gadget t
		WHERE t.tenant = $1 AND $2 <% t.search LIMIT 1000`, tenant.String(), "c4ca4238a0b923820dcc509a6f75849b")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, "gadget_search") {
		t.Errorf("%v\n%s", err, text)
	}
}
