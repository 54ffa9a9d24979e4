package customfield

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func database(t *testing.T) *postgres.DB {
	t.Helper()
	return testkit.Open(t, testkit.Database(t, "customfield", func(ctx context.Context, ownerURL string) error {
		return postgres.Migrate(ctx, ownerURL, VersionTable, Migrations)
	}, Migrations))
}

// put writes a field as another replica would.
func put(t *testing.T, db *postgres.DB, tenant uuid.UUID, f *Field) {
	t.Helper()
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	if f.Seq++; f.Seq == 1 {
		Table.QueueInsert(b, tenant, f)
	} else {
		Table.QueueUpdate(b, tenant, f)
	}
	if err := postgres.Run(t.Context(), db, b); err != nil {
		t.Fatal(err)
	}
}

// A replica learns within two seconds what another one changed, and goes by what it knows
// until then without asking for it.
func TestSchemas_learnOfChanges(t *testing.T) {
	t.Parallel()
	db := database(t)
	tenant, other := uuid.New(), uuid.New()
	s := NewSchemas(db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = s.Watch(ctx) }()
	keys := func(of uuid.UUID) (keys []string) {
		schema, err := s.Of(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range schema.Of("contacts").Fields() {
			keys = append(keys, f.Key+f.Pattern)
		}
		return keys
	}
	if k := keys(tenant); len(k) != 0 {
		t.Fatalf("before: %v", k)
	}
	testkit.Eventually(t, func() error {
		first, err := s.Of(t.Context(), tenant)
		again, _ := s.Of(t.Context(), tenant)
		if err == nil && first != again {
			err = errors.New("the fields are read each time")
		}
		return err
	})
	f := &Field{Resource: "contacts", Key: "a", Type: Text}
	f.ID = uuid.Must(uuid.NewV7())
	within := func(want ...string) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); !slices.Equal(keys(tenant), want); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("knows %v, want %v", keys(tenant), want)
			}
		}
	}
	put(t, db, tenant, f)
	within("a")
	f.Pattern = "x"
	put(t, db, tenant, f)
	within("ax")
	now := time.Now()
	f.DeleteTime = &now
	put(t, db, tenant, f)
	within()
	if k := keys(other); len(k) != 0 {
		t.Errorf("another tenant has %v", k)
	}
}

// Keys sort byte by byte as the numbers do, and equal numbers have equal keys, however
// they are written.
func TestNumberKey_sortsAsNumbersDo(t *testing.T) {
	t.Parallel()
	db := database(t)
	var written []string
	for range 500 {
		n := rand.Int64N(1000) - 500
		written = append(written, fmt.Sprintf("%d.%d", n, rand.IntN(100)), fmt.Sprint(n), fmt.Sprintf("%d", rand.Int64N(2e17)-1e17))
	}
	written = append(written, "0", "-0", "-0.000000001", "0.000000001", "999999999999999999.999999999", "-999999999999999999.999999999")
	rows, err := db.System.Query(t.Context(), "SELECT coalesce(custom_key(4::smallint, to_jsonb(n)), '') FROM unnest($1::text[]) AS n", written)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range written {
		x, err := money.ParseDecimal(a)
		if err != nil || keys[i] == "" {
			t.Fatalf("%s: %v, key %q", a, err, keys[i])
		}
		b := rand.IntN(len(written))
		y, _ := money.ParseDecimal(written[b])
		if got, want := slices.Compare([]byte(keys[i]), []byte(keys[b])), x.Cmp(y); got != want {
			t.Errorf("%s and %s: keys %s and %s compare as %d, want %d", a, written[b], keys[i], keys[b], got, want)
		}
	}
}
