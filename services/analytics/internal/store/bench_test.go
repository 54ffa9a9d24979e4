package store_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// BenchmarkApply stores and projects events in batches of 1,000, as a catch-up
// does.
func BenchmarkApply(b *testing.B) {
	const batch = 1000
	w := newWorld(b, 7)
	w.story(batch*b.N, uuid.New())
	s, db := open(b, w.keys)
	report := cpu(b, db)
	b.ResetTimer()
	apply(b, s, db, batch, w.events[:batch*b.N])
	report(batch * b.N)
	b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkView reads the view of a customer with 1,000 events, now and as of an
// instant in the middle of them, beside the limit: one indexed read of one row.
func BenchmarkView(b *testing.B) {
	w := newWorld(b, 8)
	tenant := uuid.New()
	w.story(20_000, tenant)
	id, _ := w.customer(tenant, 9_999_999)
	first := len(w.events)
	for i := range 1000 {
		w.meet(tenant, id)
		if i%20 == 0 {
			w.buy(tenant, id)
			w.complain(tenant, id)
		}
	}
	s, db := open(b, w.keys)
	apply(b, s, db, 1000, w.events)
	middle := w.events[(first+len(w.events))/2].GetRecordedAt().AsTime()
	for name, at := range map[string]store.Instant{"now": {}, "as of": {AsOf: middle, EffectiveAt: middle, Past: true}} {
		b.Run(name, func(b *testing.B) {
			q := viewOf(tenant, "C-9999999", at)
			report := cpu(b, db)
			for b.Loop() {
				v, err := s.View(b.Context(), q)
				if err != nil || v.Timeline.Value.Count != 50 || v.Facts.Err != nil {
					b.Fatal(v, err)
				}
			}
			report(b.N)
		})
	}
	b.Run("limit", func(b *testing.B) {
		report := cpu(b, db)
		for b.Loop() {
			if _, err := s.Find(b.Context(), tenant, store.Ref{Number: "C-9999999"}); err != nil {
				b.Fatal(err)
			}
		}
		report(b.N)
	})
}

// BenchmarkPyramid sums up 100,000 customers with 150,000 purchases.
func BenchmarkPyramid(b *testing.B) {
	s, db := open(b, testKeys())
	tenant := uuid.New()
	for _, sql := range []string{
		`INSERT INTO customer
		 SELECT $1, 'contacts/' || id, 1, id, 'C-' || n, 'Customer ' || n, '', '', 0, false, false, now() - interval '1 year', 'infinity'
		 FROM (SELECT gen_random_uuid() AS id, n FROM generate_series(1, 100000) AS n) AS c`,
		`INSERT INTO fact
		 SELECT tenant, 'orders/' || gen_random_uuid(), 1, 1, contact, now() - random() * interval '800 days', 'IDR', (random() * 1000000)::integer, now(), 'infinity'
		 FROM customer, generate_series(1, 3) AS n WHERE tenant = $1 AND contact > '80000000-0000-0000-0000-000000000000'`,
		`INSERT INTO first_relation SELECT tenant, contact, now() FROM customer WHERE tenant = $1 AND contact > '40000000-0000-0000-0000-000000000000'`,
	} {
		if _, err := db.System.Exec(b.Context(), sql, tenant); err != nil {
			b.Fatal(err)
		}
	}
	asOwner(b, db, "VACUUM ANALYZE")
	q := store.PyramidQuery{
		Tenant: tenant, Shares: pyramid.DefaultShares,
		Purchases: store.PurchaseQuery{Window: lifecycle.WindowAt(time.Now(), 12, time.UTC), Currency: "IDR", Zone: "UTC"},
	}
	report := cpu(b, db)
	for b.Loop() {
		layers, err := s.Pyramid(b.Context(), q)
		if err != nil || len(layers) != 7 {
			b.Fatal(layers, err)
		}
	}
	report(b.N)
}

// cpu measures what work costs this process and PostgreSQL's for this database, in
// microseconds of processor time, which other load on the machine does not change
// much. Call what it answers with the number of operations.
func cpu(b *testing.B, db *postgres.DB) (report func(operations int)) {
	b.Helper()
	goBefore, pgBefore := ownCPU(b), backendCPU(b, db)
	return func(operations int) {
		b.Helper()
		b.ReportMetric(float64((ownCPU(b)-goBefore).Microseconds())/float64(operations), "go-µs/op")
		b.ReportMetric(float64((backendCPU(b, db)-pgBefore).Microseconds())/float64(operations), "pg-µs/op")
	}
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// backendCPU reads /proc, so it knows nothing on other systems than Linux.
func backendCPU(b *testing.B, db *postgres.DB) (sum time.Duration) {
	b.Helper()
	rows, err := db.System.Query(b.Context(), "SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err != nil {
			continue
		}
		var running int64
		if _, err := fmt.Sscan(string(stat), &running); err == nil {
			sum += time.Duration(running)
		}
	}
	return sum
}
