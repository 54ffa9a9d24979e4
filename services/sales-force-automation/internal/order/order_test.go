package order_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func draft(t *testing.T, lines ...line.Item) *order.Order {
	t.Helper()
	o := &order.Order{Status: order.Draft, Kind: order.Sale}
	if err := o.Agree(order.Terms{Currency: "IDR", Lines: lines}); err != nil {
		t.Fatal(err)
	}
	return o
}

func item(quantity, price string) line.Item {
	q, err := money.ParseDecimal(quantity)
	if err != nil {
		panic(err)
	}
	p, err := money.ParseDecimal(price)
	if err != nil {
		panic(err)
	}
	return line.Item{Quantity: q, UnitPrice: p}
}

func TestOrder_confirmOnce(t *testing.T) {
	t.Parallel()
	empty := draft(t)
	if _, err := empty.Confirm(now); errs.Reason(err) != "ORDER_EMPTY" || errs.Code(err) != codes.FailedPrecondition {
		t.Errorf("without lines: %v", err)
	}
	o := draft(t, item("2", "10"))
	events, err := o.Confirm(now)
	if err != nil || len(events) != 1 || events[0].EventName() != "OrderConfirmed" {
		t.Fatalf("confirmed with %v, %v", events, err)
	}
	if o.Status != order.Confirmed || !o.OrderTime.Equal(now) || o.Total.String() != "20" || o.Channel != order.Other {
		t.Errorf("confirmed as %+v", o)
	}
	if _, err = o.Confirm(now); errs.Reason(err) != "ORDER_NOT_DRAFT" {
		t.Errorf("confirmed twice: %v", err)
	}
	if err = o.Agree(order.Terms{Currency: "IDR", Lines: []line.Item{item("3", "10")}}); errs.Reason(err) != "ORDER_NOT_DRAFT" {
		t.Errorf("changed after that: %v", err)
	}
	if err = o.Agree(order.Terms{Currency: "IDR", Lines: o.Lines}); err != nil {
		t.Errorf("kept after that: %v", err)
	}
	if err = o.Deletable(); errs.Reason(err) != "ORDER_CONFIRMED" {
		t.Errorf("deleted after that: %v", err)
	}
}

func TestOrder_cancelOnce(t *testing.T) {
	t.Parallel()
	o := draft(t, item("2", "10"))
	if _, err := o.Confirm(now); err != nil {
		t.Fatal(err)
	}
	events, err := o.Cancel("withdrew", now)
	if err != nil || len(events) != 1 || events[0] != (order.Voided{WasConfirmed: true}) {
		t.Fatalf("cancelled with %v, %v", events, err)
	}
	if o.Status != order.Cancelled || o.CancelReason != "withdrew" || !o.OrderTime.Equal(now) {
		t.Errorf("cancelled as %+v", o)
	}
	if _, err = o.Cancel("again", now); errs.Reason(err) != "ORDER_CANCELLED" {
		t.Errorf("cancelled twice: %v", err)
	}
	if _, err = o.Confirm(now); errs.Reason(err) != "ORDER_CANCELLED" {
		t.Errorf("confirmed after that: %v", err)
	}
	if events, err = draft(t).Cancel("x", now); err != nil || events[0] != (order.Voided{}) {
		t.Errorf("a draft cancelled with %v, %v", events, err)
	}
}

func TestOrder_ofAWonDeal(t *testing.T) {
	t.Parallel()
	deal := &opportunity.Opportunity{Contact: uuid.New(), Currency: "IDR", Lines: []line.Item{item("3", "7.5")}}
	deal.ID, deal.Owner, deal.Team = uuid.New(), "users/ani", "teams/a"
	id := uuid.New()
	o, err := order.Of(deal, id, 2)
	if err != nil {
		t.Fatal(err)
	}
	if o.ID != id || o.Contact != deal.Contact || *o.Opportunity != deal.ID || o.Owner != "users/ani" || o.Team != "teams/a" ||
		o.Status != order.Draft || o.Kind != order.Sale || o.Channel != 2 || o.Total.String() != "22.5" {
		t.Errorf("made %+v", o)
	}
}

func TestOrder_recordedSale(t *testing.T) {
	t.Parallel()
	terms := order.Terms{Channel: 9, Currency: "IDR", Lines: []line.Item{item("1", "100")}}
	var o order.Order
	if _, err := o.Record(terms, nil, now.Add(time.Second), now); errs.Code(err) != codes.InvalidArgument {
		t.Errorf("in the future: %v", err)
	}
	paid := money.Decimal{Units: 90}
	events, err := o.Record(terms, &paid, now.AddDate(-3, 0, 0), now)
	if err != nil || len(events) != 1 || events[0].EventName() != "PurchaseRecorded" {
		t.Fatalf("recorded with %v, %v", events, err)
	}
	if o.Status != order.Confirmed || o.Kind != order.Recorded || o.Total != paid || !o.OrderTime.Equal(now.AddDate(-3, 0, 0)) {
		t.Errorf("recorded as %+v", o)
	}
	if _, err := o.Record(terms, nil, now, now); err != nil || o.Total.String() != "100" {
		t.Errorf("without an amount: %v, %v", o.Total, err)
	}
}

// The total is the sum of the lines as they are printed: each rounded first.
func TestOrder_totalIsTheSumOfRoundedLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]string{"IDR", "JPY", "KWD"}).Draw(t, "currency")
		digits, _ := money.MinorUnit(currency)
		n := rapid.IntRange(1, 20).Draw(t, "n")
		lines := make([]line.Item, n)
		for i := range lines {
			lines[i] = line.Item{
				Quantity:  money.Decimal{Units: rapid.Int64Range(0, 1e6).Draw(t, "q"), Nanos: rapid.SampledFrom([]int32{0, 5e8, 25e7, 1}).Draw(t, "qn")},
				UnitPrice: money.Decimal{Units: rapid.Int64Range(0, 1e6).Draw(t, "p"), Nanos: rapid.SampledFrom([]int32{0, 5e8, 1e7, 999_999_999}).Draw(t, "pn")},
			}
		}
		o := order.Order{Status: order.Draft}
		if err := o.Agree(order.Terms{Currency: currency, Lines: lines}); err != nil {
			t.Fatal(err)
		}
		sum := new(big.Rat)
		for i, l := range o.Lines {
			exact := new(big.Rat).Mul(rational(lines[i].Quantity), rational(lines[i].UnitPrice))
			off := new(big.Rat).Sub(rational(l.Amount), exact)
			half := new(big.Rat).SetFrac64(1, 2*pow10(digits))
			if off.Abs(off).Cmp(half) > 0 || l.Amount.Digits() > digits {
				t.Fatalf("line %d: %s became %v", i, exact.FloatString(12), l.Amount)
			}
			sum.Add(sum, rational(l.Amount))
		}
		if rational(o.Total).Cmp(sum) != 0 {
			t.Fatalf("total %v of %s", o.Total, sum.FloatString(9))
		}
	})
}

func rational(d money.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
