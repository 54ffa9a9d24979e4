package postgres_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// told answers what the meters tell of a counter, by the values of two attributes.
func told(t *testing.T, reader sdkmetric.Reader, counter string, first, second attribute.Key) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == counter {
				for _, p := range sum.DataPoints {
					a, _ := p.Attributes.Value(first)
					b, _ := p.Attributes.Value(second)
					sums[a.AsString()+b.AsString()] += p.Value
				}
			}
		}
	}
	return sums
}

// tripsOf answers the round trips that the meters tell, by role and RPC.
func tripsOf(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	return told(t, reader, "lingkar.postgres.trips", "role", "method")
}

// openMeasured opens the database of gadgets with meters.
func openMeasured(t *testing.T) (*postgres.DB, sdkmetric.Reader) {
	t.Helper()
	urls := testkit.Database(t, "gadget", migrateGadgets, gadgetMigrations)
	reader := sdkmetric.NewManualReader()
	db, err := postgres.Open(t.Context(), urls.App, urls.System, postgres.Options{
		MaxConns: 1, Meters: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, reader
}

// A query and a batch are one round trip each, a transaction with one query three,
// and each pool and RPC is told by itself.
func TestOptions_Meters_countRoundTrips(t *testing.T) {
	t.Parallel()
	db, reader := openMeasured(t)
	const method = "/lingkar.test.v1.TestService/Try"
	ctx := call.With(t.Context(), call.Info{Method: method})
	query := func() error { return db.App.QueryRow(ctx, "SELECT 1").Scan(new(int)) }
	batch := func() error {
		b := &pgx.Batch{}
		postgres.QueueTenant(b, uuid.New())
		b.Queue("SELECT 2").QueryRow(func(row pgx.Row) error { return row.Scan(new(int)) })
		return postgres.Run(ctx, db, b)
	}
	transaction := func() error {
		return pgx.BeginFunc(ctx, db.App, func(tx pgx.Tx) error { return tx.QueryRow(ctx, "SELECT 1").Scan(new(int)) })
	}
	app, system := db.App.Config().ConnConfig.User, db.System.Config().ConnConfig.User
	for name, c := range map[string]struct {
		do   func() error
		want int64
	}{"a query": {query, 1}, "a batch": {batch, 1}, "a transaction": {transaction, 3}} {
		if err := c.do(); err != nil { // prepares its statements
			t.Fatal(name, err)
		}
		before := tripsOf(t, reader)
		if err := c.do(); err != nil {
			t.Fatal(name, err)
		}
		if made := tripsOf(t, reader)[app+method] - before[app+method]; made != c.want {
			t.Errorf("%s: %d round trips, want %d", name, made, c.want)
		}
	}
	before := tripsOf(t, reader)
	if _, err := db.System.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if after := tripsOf(t, reader); after[app+method] != before[app+method] || after[system] != before[system]+1 {
		t.Errorf("after a query of a job as role relay: %v, before %v", after, before)
	}
}
