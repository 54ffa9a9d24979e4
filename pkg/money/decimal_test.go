package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/money"
)

// ratio is the oracle: an exact number that shares no code with Decimal.
func ratio(d money.Decimal) *big.Rat {
	r := new(big.Rat).SetInt64(d.Units)
	return r.Add(r, big.NewRat(int64(d.Nanos), 1_000_000_000))
}

// decimals draws numbers of every size, with many at the ends.
func decimals() *rapid.Generator[money.Decimal] {
	return rapid.Custom(func(t *rapid.T) money.Decimal {
		units := rapid.OneOf(
			rapid.Int64(), rapid.Int64Range(-1000, 1000),
			rapid.SampledFrom([]int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1}),
		).Draw(t, "units")
		nanos := rapid.OneOf(
			rapid.Int32Range(-999_999_999, 999_999_999),
			rapid.SampledFrom([]int32{0, 1, 500_000_000, 5_000_000, 999_999_999}),
		).Draw(t, "nanos")
		if units > 0 && nanos < 0 || units < 0 && nanos > 0 {
			nanos = -nanos
		}
		return money.Decimal{Units: units, Nanos: nanos}
	})
}

// fits says whether a Decimal can hold the number.
func fits(r *big.Rat) bool {
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	return whole.IsInt64()
}

func TestDecimal_addIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		want := new(big.Rat).Add(ratio(a), ratio(b))
		got, err := a.Add(b)
		if !fits(want) {
			if !errors.Is(err, money.ErrOutOfRange) {
				t.Fatalf("%v + %v = %v, %v; want out of range", a, b, got, err)
			}
			return
		}
		if err != nil || ratio(got).Cmp(want) != 0 {
			t.Fatalf("%v + %v = %v, %v; want %s", a, b, got, err, want)
		}
		if got.Units > 0 && got.Nanos < 0 || got.Units < 0 && got.Nanos > 0 {
			t.Fatalf("%v + %v has mixed signs: %+v", a, b, got)
		}
	})
}

// halfEven rounds as the textbook does: floor of the doubled number.
func halfEven(r *big.Rat, digits int) *big.Rat {
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	scaled := new(big.Rat).Mul(r, scale)
	floor := new(big.Int).Div(scaled.Num(), scaled.Denom()) // Euclidean: floor for a positive divisor
	rest := new(big.Rat).Sub(scaled, new(big.Rat).SetInt(floor))
	c := rest.Cmp(big.NewRat(1, 2))
	if c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return new(big.Rat).Quo(new(big.Rat).SetInt(floor), scale)
}

func TestDecimal_mulRoundsHalfToEven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		digits := rapid.IntRange(0, 9).Draw(t, "digits")
		want := halfEven(new(big.Rat).Mul(ratio(a), ratio(b)), digits)
		got, err := a.Mul(b, digits)
		if !fits(want) {
			if !errors.Is(err, money.ErrOutOfRange) {
				t.Fatalf("%v * %v = %v, %v; want out of range", a, b, got, err)
			}
			return
		}
		if err != nil || ratio(got).Cmp(want) != 0 {
			t.Fatalf("%v * %v to %d digits = %v, %v; want %s", a, b, digits, got, err, want)
		}
		if got.Digits() > digits {
			t.Fatalf("%v has more than %d digits", got, digits)
		}
	})
}

func TestDecimal_textIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := decimals().Filter(func(d money.Decimal) bool {
			return d.Units < 1e18 && d.Units > -1e18
		}).Draw(t, "d")
		back, err := money.ParseDecimal(d.String())
		if err != nil || back != d {
			t.Fatalf("%q read back as %v, %v", d.String(), back, err)
		}
		oracle, _ := new(big.Rat).SetString(d.String())
		if oracle == nil || oracle.Cmp(ratio(d)) != 0 {
			t.Fatalf("%+v written as %q", d, d.String())
		}
		text, err := json.Marshal(d)
		if err != nil || string(text) != `"`+d.String()+`"` {
			t.Fatalf("JSON of %v is %s, %v", d, text, err)
		}
	})
}

func TestDecimal_cmpOrdersAsNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := decimals().Draw(t, "a"), decimals().Draw(t, "b")
		if a.Cmp(b) != ratio(a).Cmp(ratio(b)) {
			t.Fatalf("%v against %v: %d", a, b, a.Cmp(b))
		}
		if a.Sign() != ratio(a).Sign() {
			t.Fatalf("sign of %v is %d", a, a.Sign())
		}
	})
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "0", "0": "0", "-0": "0", "+2.5": "2.5", ".5": "0.5", "5.": "5",
		"2.5e8": "250000000", "25E-1": "2.5", "1e-9": "0.000000001", "-1.10": "-1.1",
		"000000000000000000000000000001": "1", "0e999": "0", "0.1000000000000000000": "0.1",
		"999999999999999999.999999999": "999999999999999999.999999999",
	} {
		got, err := money.ParseDecimal(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseDecimal(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"NaN", "Infinity", "-inf", "1,5", "1 000", "1e", "1e+", "e5", ".", "-", "--1", "+-1",
		"0x10", "1_000", "1e999", "1e-10", "0.0000000001", "1000000000000000000", "1e18", "1e99999",
		"１", "1e1.5", "1e+-5", "1\x00", strings.Repeat("1", 100),
	} {
		if got, err := money.ParseDecimal(text); !errors.Is(err, money.ErrDecimal) {
			t.Errorf("ParseDecimal(%q) = %v, %v; want ErrDecimal", text, got, err)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, text := range []string{"1.5", "-2e-3", "1e400", "..", "+.e1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := money.ParseDecimal(text)
		if err != nil {
			return
		}
		if back, err := money.ParseDecimal(d.String()); err != nil || back != d {
			t.Errorf("%q is %v, read back as %v, %v", text, d, back, err)
		}
	})
}

func TestDecimal_scan(t *testing.T) {
	t.Parallel()
	var d money.Decimal
	if err := d.Scan("12.500000000"); err != nil || d != (money.Decimal{Units: 12, Nanos: 500_000_000}) {
		t.Errorf("scanned %+v, %v", d, err)
	}
	for _, source := range []any{"NaN", "Infinity", nil, 1.5, []byte("1")} {
		if err := d.Scan(source); err == nil {
			t.Errorf("scanned %v", source)
		}
	}
}
