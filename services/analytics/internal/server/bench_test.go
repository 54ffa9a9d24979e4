package server_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// BenchmarkVisible measures how long a write takes to be shown after it was
// answered: the whole way over the log, the relay, the broker and the projection,
// and the read that waits for it.
func BenchmarkVisible(b *testing.B) {
	s := start(b)
	a := of(s.Client(b, s.As(auth.Admin)))
	c := a.customer(b, "Ibu Siti")
	a.settle(b, number(c))
	var took []time.Duration
	for b.Loop() {
		a.meet(b, c, chat, "hello")
		written := time.Now()
		a.view(b, number(c), analyticsv1.Section_SECTION_TIMELINE)
		took = append(took, time.Since(written))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkGetCustomerView reads the whole view of a customer with 200 meetings,
// through all interceptors.
func BenchmarkGetCustomerView(b *testing.B) {
	s := start(b)
	a := of(s.Client(b, s.As(auth.Admin)))
	c := a.customer(b, "Ibu Siti")
	for range 200 {
		a.meet(b, c, chat, "hello")
	}
	a.bought(b, c, rupiah(1000), s.Clock.Now())
	a.complain(b, c, "late")
	a.settle(b, number(c))
	for b.Loop() {
		if _, err := a.GetCustomerView(b.Context(), &analyticsv1.GetCustomerViewRequest{Name: number(c)}); err != nil {
			b.Fatal(err)
		}
	}
}
