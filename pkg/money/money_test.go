package money_test

import (
	"errors"
	"math"
	"testing"

	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

func TestMinorUnit(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{"IDR": 2, "USD": 2, "JPY": 0, "KRW": 0, "VND": 0, "KWD": 3, "TND": 3, "CLF": 4} {
		if got, known := money.MinorUnit(code); got != want || !known {
			t.Errorf("MinorUnit(%s) = %d, %t", code, got, known)
		}
	}
	for _, code := range []string{"", "XXX", "XTS", "XAU", "XDR", "idr", "RP", "EURO"} {
		if _, known := money.MinorUnit(code); known {
			t.Errorf("%q is known", code)
		}
	}
}

// The bad inputs of row B17 and B18.
func TestMoney_validate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		money         money.Money
		amount, price bool
	}{
		"ordinary":               {money.Money{"IDR", 150_000, 500_000_000}, true, true},
		"nothing to pay":         {money.Money{"IDR", 0, 0}, true, true},
		"negative":               {money.Money{"IDR", -1, 0}, false, false},
		"negative nanos":         {money.Money{"IDR", 0, -10_000_000}, false, false},
		"signs differ":           {money.Money{"IDR", 1, -10_000_000}, false, false},
		"signs differ below":     {money.Money{"IDR", -1, 10_000_000}, false, false},
		"a whole unit of nanos":  {money.Money{"IDR", 1, 1_000_000_000}, false, false},
		"the largest nanos":      {money.Money{"IDR", 0, math.MaxInt32}, false, false},
		"the smallest nanos":     {money.Money{"IDR", 0, math.MinInt32}, false, false},
		"no currency":            {money.Money{"", 1, 0}, false, false},
		"currency XXX":           {money.Money{"XXX", 1, 0}, false, false},
		"small letters":          {money.Money{"idr", 1, 0}, false, false},
		"finer than a sen":       {money.Money{"IDR", 1, 1_000_000}, false, true},
		"yen with decimals":      {money.Money{"JPY", 1, 500_000_000}, false, true},
		"dinar with three":       {money.Money{"KWD", 1, 5_000_000}, true, true},
		"dinar with four":        {money.Money{"KWD", 1, 500_000}, false, true},
		"the largest units":      {money.Money{"IDR", math.MaxInt64, 0}, false, false},
		"the smallest units":     {money.Money{"IDR", math.MinInt64, 0}, false, false},
		"the largest that is in": {money.Money{"IDR", 999_999_999_999_999_999, 990_000_000}, true, true},
	} {
		if got := c.money.CheckAmount("amount"); (len(got) == 0) != c.amount {
			t.Errorf("%s: as an amount %v", name, got)
		}
		got := c.money.CheckPrice("unit_price")
		if (len(got) == 0) != c.price {
			t.Errorf("%s: as a price %v", name, got)
		}
		if len(got) > 0 && (got[0].Reason != "MONEY_INVALID" || got[0].Field != "unit_price") {
			t.Errorf("%s: %+v", name, got[0])
		}
	}
}

func TestMoney_refusals(t *testing.T) {
	t.Parallel()
	_, err := money.Money{Currency: "IDR", Units: 1}.Add(money.Money{Currency: "USD", Units: 1})
	if errs.Code(err) != codes.FailedPrecondition || errs.Reason(err) != "CURRENCY_MISMATCH" {
		t.Errorf("two currencies: %v", err)
	}
	most := money.Money{Currency: "IDR", Units: math.MaxInt64}
	if _, err = most.Add(money.Money{Currency: "IDR", Units: 1}); errs.Code(err) != codes.OutOfRange {
		t.Errorf("overflow by a sum: %v", err)
	}
	if _, err = most.Mul(money.Decimal{Units: 2}); errs.Code(err) != codes.OutOfRange {
		t.Errorf("overflow by a product: %v", err)
	}
	if _, err = (money.Money{Currency: "IDR", Units: math.MaxInt64, Nanos: 999_999_999}).Round(); !errors.Is(err, money.ErrOutOfRange) {
		t.Errorf("overflow by rounding: %v", err)
	}
}

func TestMoney_mulRoundsToTheMinorUnit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ currency, price, quantity, want string }{
		{"IDR", "0.125", "1", "IDR 0.12"},
		{"IDR", "0.135", "1", "IDR 0.14"},
		{"IDR", "0.1251", "1", "IDR 0.13"},
		{"JPY", "0.5", "1", "JPY 0"},
		{"JPY", "1.5", "1", "JPY 2"},
		{"KWD", "0.0005", "1", "KWD 0"},
		{"KWD", "0.0015", "1", "KWD 0.002"},
		{"IDR", "19999.99", "0.333", "IDR 6660"},
		{"USD", "0.000000001", "1000000000", "USD 1"},
	} {
		price, err := money.ParseDecimal(c.price)
		if err != nil {
			t.Fatal(err)
		}
		quantity, err := money.ParseDecimal(c.quantity)
		if err != nil {
			t.Fatal(err)
		}
		got, err := money.Of(c.currency, price).Mul(quantity)
		if err != nil || got.String() != c.want {
			t.Errorf("%s %s times %s = %v, %v; want %s", c.currency, c.price, c.quantity, got, err, c.want)
		}
	}
}

// Adding in any order gives the same sum, and a product by 1 is rounding.
func TestMoney_laws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) money.Money {
			d := decimals().Filter(func(d money.Decimal) bool { return max(d.Units, -d.Units) < 1e17 && d.Units != math.MinInt64 }).Draw(t, label)
			return money.Of("IDR", d)
		}
		a, b, c := draw("a"), draw("b"), draw("c")
		left, err1 := sum(a, b, c)
		right, err2 := sum(c, b, a)
		if err1 != nil || err2 != nil || left != right {
			t.Fatalf("%v, %v; %v, %v", left, err1, right, err2)
		}
		rounded, err1 := a.Round()
		product, err2 := a.Mul(money.Decimal{Units: 1})
		if err1 != nil || err2 != nil || rounded != product {
			t.Fatalf("%v rounds to %v, times 1 is %v; %v, %v", a, rounded, product, err1, err2)
		}
		if twice, err := rounded.Round(); err != nil || twice != rounded {
			t.Fatalf("%v rounds again to %v, %v", rounded, twice, err)
		}
		if err := rounded.ValidateAmount(); err != nil {
			t.Fatalf("%v: %v", rounded, err)
		}
	})
}

func sum(amounts ...money.Money) (total money.Money, err error) {
	total = money.Money{Currency: amounts[0].Currency}
	for _, a := range amounts {
		if total, err = total.Add(a); err != nil {
			return total, err
		}
	}
	return total, nil
}

func TestMoney_proto(t *testing.T) {
	t.Parallel()
	p := &moneypb.Money{CurrencyCode: "IDR", Units: -1, Nanos: -750_000_000}
	if back := money.FromProto(p).Proto(); !proto.Equal(back, p) {
		t.Errorf("%v became %v", p, back)
	}
	if money.FromProto(nil).Proto() != nil {
		t.Error("no money became some")
	}
	free := &moneypb.Money{CurrencyCode: "IDR"}
	if back := money.FromProto(free).Proto(); !proto.Equal(back, free) {
		t.Errorf("%v became %v", free, back)
	}
}

func BenchmarkMoneyMul(b *testing.B) {
	price := money.Money{Currency: "IDR", Units: 19_999, Nanos: 990_000_000}
	for b.Loop() {
		if _, err := price.Mul(money.Decimal{Units: 3, Nanos: 500_000_000}); err != nil {
			b.Fatal(err)
		}
	}
}
