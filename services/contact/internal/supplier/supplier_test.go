package supplier_test

import (
	"math/big"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/contact/internal/supplier"
)

func number(t *testing.T, text string) money.Decimal {
	t.Helper()
	d, err := money.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// CON-42: the measure by hand. P1 came whole and in time, at the agreed price; P2 came
// half, a day late, a quarter of it defective, 10 % too dear; P3 never came; P4 is not
// due; P5 was promised before the period.
func TestMeasure(t *testing.T) {
	t.Parallel()
	idr := func(units int64) money.Money { return money.Money{Currency: "IDR", Units: units} }
	ten := number(t, "10")
	f := supplier.Facts{
		Purchases: []supplier.Purchase{
			{Number: "P1", Quantity: ten, Price: idr(1000), Promise: "2026-03-10"},
			{Number: "P2", Quantity: ten, Price: idr(1000), Promise: "2026-03-11"},
			{Number: "P3", Quantity: ten, Promise: "2026-03-12"},
			{Number: "P4", Quantity: ten, Promise: "2026-03-31"},
			{Number: "P5", Quantity: ten, Promise: "2026-02-28"},
		},
		Receipts: []supplier.Receipt{
			{Purchase: "P1", Quantity: number(t, "4"), Price: idr(1000), Day: "2026-03-09"},
			{Purchase: "P1", Quantity: number(t, "6"), Price: idr(900), Day: "2026-03-10"},
			{Purchase: "P2", Quantity: number(t, "5"), Defective: number(t, "1.25"), Price: idr(1100), Day: "2026-03-12"},
			{Purchase: "P5", Quantity: ten, Defective: ten, Day: "2026-03-12"},
		},
		Payments: []supplier.Payment{
			{Due: "2026-03-10", Paid: "2026-03-10"}, {Due: "2026-03-10", Paid: "2026-03-11"}, {Due: "2026-03-10"}, {Due: "2026-03-30"}, {Due: "2026-02-10"},
		},
	}
	month := supplier.Period{Start: "2026-03-01", End: "2026-03-31", Today: "2026-03-20"}
	got := supplier.Measure(f, month, supplier.Weights{OnTime: 4, Quality: 3, Quantity: 2, Price: 1})
	if got.Purchases != 3 || got.Receipts != 3 || got.LatePayments != 2 {
		t.Errorf("counted %+v", got)
	}
	for name, c := range map[string]struct {
		got  *big.Rat
		want string
	}{
		"on time": {got.OnTime, "1/3"}, "quality": {got.Quality, "7/8"}, "quantity": {got.Quantity, "1/2"}, "price": {got.Price, "29/30"},
		"score": {got.Score, "237/400"},
	} {
		want, _ := new(big.Rat).SetString(c.want)
		if c.got == nil || c.got.Cmp(want) != 0 {
			t.Errorf("%s: %v, want %s", name, c.got, c.want)
		}
	}
	if none := supplier.Measure(supplier.Facts{}, month, supplier.Weights{OnTime: 1}); none.OnTime != nil || none.Score != nil {
		t.Errorf("of nothing: %+v", none)
	}
	if idle := supplier.Measure(f, month, supplier.Weights{}); idle.Score != nil {
		t.Errorf("weighed by nothing: %v", idle.Score)
	}
}
