package server_test

import (
	"fmt"
	"testing"

	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// benched answers clients over gRPC, a contact and a priced product.
func benched(b *testing.B) (c *clients, contact string, line *salesv1.LineItem) {
	b.Helper()
	s := start(b)
	c = of(s.Client(b, admin()))
	contact = c.person(b, "Ani")
	line = some(c.product(b, "TEA"), "2", rupiah(5000))
	b.ReportAllocs()
	b.ResetTimer()
	return c, contact, line
}

// BenchmarkCreateOpportunity is one deal with a line after the other: catalogue,
// default pipeline and write, each a round trip to the database.
func BenchmarkCreateOpportunity(b *testing.B) {
	c, contact, line := benched(b)
	for b.Loop() {
		must[*salesv1.Opportunity](b)(c.deal(&salesv1.Opportunity{Contact: contact, Lines: []*salesv1.LineItem{line}}))
	}
}

// BenchmarkCreateOrder is one draft after the other, by 8 callers at once.
func BenchmarkCreateOrder(b *testing.B) {
	c, contact, line := benched(b)
	b.SetParallelism(4) // of 2 processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.order(&salesv1.Order{Contact: contact, Lines: []*salesv1.LineItem{line}}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkWinOpportunity closes one deal after the other, each with its order.
func BenchmarkWinOpportunity(b *testing.B) {
	c, contact, line := benched(b)
	for b.Loop() {
		b.StopTimer()
		o := must[*salesv1.Opportunity](b)(c.deal(&salesv1.Opportunity{Contact: contact, Lines: []*salesv1.LineItem{line}}))
		b.StartTimer()
		must[*salesv1.Opportunity](b)(c.win(o))
	}
}

// BenchmarkBatchRecordPurchases records 1,000 sales of one contact in one call.
func BenchmarkBatchRecordPurchases(b *testing.B) {
	c, contact, _ := benched(b)
	for n := 0; b.Loop(); n++ {
		req := &salesv1.BatchRecordPurchasesRequest{}
		for i := range 1000 {
			req.Purchases = append(req.Purchases, bought(contact, fmt.Sprintf("%d-%d", n, i), rupiah(int64(i))))
		}
		must[*salesv1.BatchRecordPurchasesResponse](b)(c.BatchRecordPurchases(c.Ctx(), req))
	}
	b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "purchases/s")
}
