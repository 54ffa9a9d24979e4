package postgres_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// walk reads all pages of a query, and answers the ids in order.
func walk(t *testing.T, db *postgres.DB, tenant uuid.UUID, q postgres.Query) []uuid.UUID {
	t.Helper()
	var ids []uuid.UUID
	for range 1000 {
		rows, next, err := gadgets.List(t.Context(), db, tenant, q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, row := range rows {
			ids = append(ids, row.ID)
		}
		if next == "" {
			return ids
		}
		if len(rows) == 0 {
			t.Fatalf("%+v: an empty page with a next one", q)
		}
		q.PageToken = next
	}
	t.Fatalf("%+v: no end", q)
	return nil
}

// sorted answers the ids in the order of less, then of id.
func sorted(rows []*gadget, desc bool, compare func(a, b *gadget) int) []uuid.UUID {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b *gadget) int {
		c := compare(a, b)
		if tie := strings.Compare(a.ID.String(), b.ID.String()); c == 0 && desc {
			c = -tie
		} else if c == 0 {
			c = tie
		}
		return c
	})
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

// nullsLast compares times of which NULL is the latest.
func nullsLast(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	default:
		return a.Compare(*b)
	}
}

func TestList_everyOrderAndPageSize(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	var rows []*gadget
	for n := range 23 {
		rows = append(rows, newGadget(n))
	}
	slices.Reverse(rows)
	insert(t, db, tenant, rows...)
	insert(t, db, uuid.New(), newGadget(1), newGadget(2))
	for order, want := range map[string][]uuid.UUID{
		"":                 sorted(rows, false, func(a, b *gadget) int { return 0 }),
		"create_time":      sorted(rows, false, func(a, b *gadget) int { return a.CreateTime.Compare(b.CreateTime) }),
		"create_time desc": sorted(rows, true, func(a, b *gadget) int { return b.CreateTime.Compare(a.CreateTime) }),
		"title":            sorted(rows, false, func(a, b *gadget) int { return strings.Compare(a.Title, b.Title) }),
		"owner desc":       sorted(rows, true, func(a, b *gadget) int { return strings.Compare(b.Owner, a.Owner) }),
		"amount asc":       sorted(rows, false, func(a, b *gadget) int { return int(a.Amount - b.Amount) }),
		"stage":            sorted(rows, false, func(a, b *gadget) int { return int(a.Stage - b.Stage) }),
		"due_time":         sorted(rows, false, func(a, b *gadget) int { return nullsLast(a.Due, b.Due) }),
		"due_time desc":    sorted(rows, true, func(a, b *gadget) int { return nullsLast(b.Due, a.Due) }),
		"day":              sorted(rows, false, func(a, b *gadget) int { return 0 }),
		"pinned, owner desc": sorted(rows, true, func(a, b *gadget) int {
			if a.Pinned != b.Pinned {
				return map[bool]int{false: -1, true: 1}[a.Pinned]
			}
			return strings.Compare(b.Owner, a.Owner)
		}),
		"owner desc, due_time": sorted(rows, false, func(a, b *gadget) int {
			if c := strings.Compare(b.Owner, a.Owner); c != 0 {
				return c
			}
			return nullsLast(a.Due, b.Due)
		}),
		"stage, due_time desc": sorted(rows, true, func(a, b *gadget) int {
			if c := int(a.Stage - b.Stage); c != 0 {
				return c
			}
			return nullsLast(b.Due, a.Due)
		}),
		"due_time desc, amount": sorted(rows, false, func(a, b *gadget) int {
			if c := nullsLast(b.Due, a.Due); c != 0 {
				return c
			}
			return int(a.Amount - b.Amount)
		}),
	} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int32{1, 2, 7, 23, 24, 0} {
				if got := walk(t, db, tenant, postgres.Query{OrderBy: order, PageSize: size}); !slices.Equal(got, want) {
					t.Errorf("page size %d:\n got %v\nwant %v", size, got, want)
				}
			}
		})
	}
}

// A list that asks for no order has the table's own, over all its pages.
func TestList_defaultOrder(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	var rows []*gadget
	for n := range 5 {
		rows = append(rows, newGadget(n))
	}
	insert(t, db, tenant, rows...)
	def := gadgetDef
	def.DefaultOrder = "title desc"
	table := postgres.NewTable[gadget](def)
	want := sorted(rows, true, func(a, b *gadget) int { return strings.Compare(b.Title, a.Title) })
	first, next, err := table.List(t.Context(), db, tenant, postgres.Query{PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	rest, _, err := table.List(t.Context(), db, tenant, postgres.Query{PageToken: next, OrderBy: "title desc"})
	if err != nil {
		t.Fatal(err)
	}
	var got []uuid.UUID
	for _, row := range append(first, rest...) {
		got = append(got, row.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	def.DefaultOrder = "colour"
	defer func() {
		if recover() == nil {
			t.Error("a default order by an unknown field was accepted")
		}
	}()
	postgres.NewTable[gadget](def)
}

func TestList_deletedRows(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	alive, dead := newGadget(1), newGadget(2)
	dead.DeleteTime = &epoch
	insert(t, db, tenant, alive, dead)
	if got := walk(t, db, tenant, postgres.Query{}); !slices.Equal(got, []uuid.UUID{alive.ID}) {
		t.Errorf("without deleted: %v", got)
	}
	if got := walk(t, db, tenant, postgres.Query{ShowDeleted: true}); len(got) != 2 {
		t.Errorf("with deleted: %v", got)
	}
}

func TestList_serversConditions(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	a, b, c := newGadget(0), newGadget(1), newGadget(2) // owners 0, 1, 2
	c.Team = "teams/x"
	insert(t, db, tenant, a, b, c)
	for name, test := range map[string]struct {
		where []postgres.Cond
		want  []uuid.UUID
	}{
		"equal":      {[]postgres.Cond{postgres.Eq("owner", a.Owner)}, []uuid.UUID{a.ID}},
		"both":       {[]postgres.Cond{postgres.Eq("owner", a.Owner), postgres.Eq("team", "teams/x")}, nil},
		"in":         {[]postgres.Cond{postgres.In("owner", []string{a.Owner, b.Owner})}, []uuid.UUID{a.ID, b.ID}},
		"ids":        {[]postgres.Cond{postgres.In("id", []uuid.UUID{b.ID})}, []uuid.UUID{b.ID}},
		"in nothing": {[]postgres.Cond{postgres.In("owner", []string{})}, nil},
		"any of":     {[]postgres.Cond{postgres.AnyOf(postgres.In("team", []string{"teams/x"}), postgres.Eq("owner", b.Owner))}, []uuid.UUID{b.ID, c.ID}},
		"none of":    {[]postgres.Cond{postgres.AnyOf()}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := walk(t, db, tenant, postgres.Query{Where: test.where}); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// B09: default, one, the cap, and refusal.
func TestList_pageSize(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	var rows []*gadget
	for n := range postgres.MaxPageSize + 1 {
		rows = append(rows, newGadget(n))
	}
	insert(t, db, tenant, rows...)
	for size, want := range map[int32]int{0: 50, 1: 1, 999: 999, 1000: 1000, 1001: 1000, 1<<31 - 1: 1000} {
		got, next, err := gadgets.List(t.Context(), db, tenant, postgres.Query{PageSize: size})
		if err != nil || len(got) != want || next == "" {
			t.Errorf("page size %d: %d rows, token %q, %v", size, len(got), next, err)
		}
	}
	for _, size := range []int32{-1, -1 << 31} {
		if _, _, err := gadgets.List(t.Context(), db, tenant, postgres.Query{PageSize: size}); errs.Code(err) != codes.InvalidArgument {
			t.Errorf("page size %d: %v", size, err)
		}
	}
}

func TestList_pageEndsAtItsBytes(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	insert(t, db, tenant, newGadget(1), newGadget(2), newGadget(3))
	sized := postgres.NewTable[gadget](gadgetDef)
	sized.Size = func(*gadget) int { return postgres.MaxPageBytes/2 + 1 }
	rows, next, err := sized.List(t.Context(), db, tenant, postgres.Query{})
	if err != nil || len(rows) != 2 || next == "" {
		t.Fatalf("%d rows, token %q, %v", len(rows), next, err)
	}
	rows, next, err = sized.List(t.Context(), db, tenant, postgres.Query{PageToken: next})
	if err != nil || len(rows) != 1 || next != "" {
		t.Errorf("%d rows, token %q, %v", len(rows), next, err)
	}
}

// B12.
func TestList_refusesOrders(t *testing.T) {
	t.Parallel()
	db, tenant := openGadgets(t), uuid.New()
	for _, order := range []string{
		"nothing", "id", "tenant", "title; DROP TABLE gadget", "title desc desc", "title DESC", "lower(title)",
		"title,", ",", "title, title", "title, title desc", "labels", "labels.tier", "price", "name", "tags",
		"title,owner,amount,stage,pinned,day", strings.Repeat("a", 10000), "title\x00",
	} {
		_, _, err := gadgets.List(t.Context(), db, tenant, postgres.Query{OrderBy: order})
		if errs.Code(err) != codes.InvalidArgument || errs.Reason(err) != "ORDER_BY_INVALID" {
			t.Errorf("order %.40q: %v", order, err)
		}
	}
}

// B10: a token is good for one caller and one query, for 72 hours.
func TestList_refusesTokens(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	now := epoch
	open := func(key string) *postgres.DB {
		db, err := postgres.Open(t.Context(), urls.App, urls.System, postgres.Options{
			PageKey: []byte(key), Now: func() time.Time { return now },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		return db
	}
	db, sameKey, otherKey := open("sixteen bytes ok"), open("sixteen bytes ok"), open("sixteen bytes no")
	tenant, other := uuid.New(), uuid.New()
	for _, tenant := range []uuid.UUID{tenant, other} {
		insert(t, db, tenant, newGadget(1), newGadget(2), newGadget(3))
	}
	q := postgres.Query{
		PageSize: 1, Filter: "amount < 9", OrderBy: "title", Subject: "users/1",
		Where: []postgres.Cond{postgres.In("stage", []int32{1, 2, 3})},
	}
	_, token, err := gadgets.List(t.Context(), db, tenant, q)
	if err != nil || token == "" {
		t.Fatalf("token %q, %v", token, err)
	}
	try := func(db *postgres.DB, tenant uuid.UUID, change func(*postgres.Query)) error {
		changed := q
		changed.PageToken = token
		change(&changed)
		_, _, err := gadgets.List(t.Context(), db, tenant, changed)
		return err
	}
	same := func(*postgres.Query) {}
	if err := try(db, tenant, same); err != nil {
		t.Errorf("the right token: %v", err)
	}
	if err := try(sameKey, tenant, func(q *postgres.Query) { q.PageSize = 2 }); err != nil {
		t.Errorf("another replica and page size: %v", err)
	}
	flip := func(i int) func(*postgres.Query) {
		return func(q *postgres.Query) {
			text := []byte(q.PageToken)
			i := (i + len(text)) % len(text)
			text[i] ^= 1
			q.PageToken = string(text)
		}
	}
	for name, err := range map[string]error{
		"another key":     try(otherKey, tenant, same),
		"another tenant":  try(db, other, same),
		"another subject": try(db, tenant, func(q *postgres.Query) { q.Subject = "users/2" }),
		"another filter":  try(db, tenant, func(q *postgres.Query) { q.Filter = "amount < 8" }),
		"another order":   try(db, tenant, func(q *postgres.Query) { q.OrderBy = "title desc" }),
		"with deleted":    try(db, tenant, func(q *postgres.Query) { q.ShowDeleted = true }),
		"another scope":   try(db, tenant, func(q *postgres.Query) { q.Where = []postgres.Cond{postgres.In("stage", []int32{1, 2})} }),
		"no scope":        try(db, tenant, func(q *postgres.Query) { q.Where = nil }),
		"version":         try(db, tenant, flip(0)),
		"nonce":           try(db, tenant, flip(5)),
		"text":            try(db, tenant, flip(40)),
		"end":             try(db, tenant, flip(-1)),
		"cut":             try(db, tenant, func(q *postgres.Query) { q.PageToken = token[:20] }),
		"longer":          try(db, tenant, func(q *postgres.Query) { q.PageToken += "AAAA" }),
		"line break":      try(db, tenant, func(q *postgres.Query) { q.PageToken = token[:8] + "\n" + token[8:] }),
		"not base64":      try(db, tenant, func(q *postgres.Query) { q.PageToken = "%%%" }),
		"one byte":        try(db, tenant, func(q *postgres.Query) { q.PageToken = "AQ" }),
		"huge":            try(db, tenant, func(q *postgres.Query) { q.PageToken = strings.Repeat("A", 1<<20) }),
	} {
		if errs.Code(err) != codes.InvalidArgument || errs.Reason(err) != "PAGE_TOKEN_INVALID" {
			t.Errorf("%s: %v", name, err)
		}
	}
	now = now.Add(72*time.Hour - time.Second)
	if err := try(db, tenant, same); err != nil {
		t.Errorf("just before it expires: %v", err)
	}
	now = now.Add(time.Second)
	if err := try(db, tenant, same); errs.Reason(err) != "PAGE_TOKEN_INVALID" {
		t.Errorf("expired: %v", err)
	}
}

func TestOpen_refusesAShortPageKey(t *testing.T) {
	t.Parallel()
	db, err := postgres.Open(context.Background(), "postgres://x", "postgres://x", postgres.Options{PageKey: []byte("short")})
	if err == nil {
		db.Close()
		t.Error("accepted")
	}
}

// A combination that nobody declared may take 2 s, then the caller is told.
func TestList_capsWhatIsNotDeclared(t *testing.T) {
	t.Parallel()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	db := testkit.Open(t, urls)
	tenant := uuid.New()
	insert(t, db, tenant, newGadget(1))
	exec(t, urls.Owner, `
		CREATE FUNCTION slowly(x bigint) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN x; END';
		CREATE VIEW slow_gadget WITH (security_invoker) AS
			SELECT tenant, id, title, slowly(amount) AS amount FROM gadget;
		GRANT SELECT ON slow_gadget TO gadget_app`)
	type row struct {
		ID uuid.UUID `db:"id"`
	}
	def := postgres.Def{Name: "slow_gadget", Fields: []postgres.Field{{Path: "amount", Type: postgres.Int}}}
	start := time.Now()
	_, _, err := postgres.NewTable[row](def).List(t.Context(), db, tenant, postgres.Query{Filter: "amount = 1"})
	if errs.Code(err) != codes.ResourceExhausted || errs.Reason(err) != "FILTER_TOO_EXPENSIVE" {
		t.Errorf("not declared: %v", err)
	}
	if took := time.Since(start); took < 1900*time.Millisecond {
		t.Errorf("ended after %s", took)
	}
	def.Orders = [][]string{{"amount"}}
	rows, _, err := postgres.NewTable[row](def).List(t.Context(), db, tenant, postgres.Query{Filter: "amount = 1"})
	if err != nil || len(rows) != 1 {
		t.Errorf("declared: %d rows, %v", len(rows), err)
	}
}
