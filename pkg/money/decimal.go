package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// nano is how many parts a unit has: nine digits after the point.
const nano = 1_000_000_000

// ErrDecimal says that a text is no decimal number this package can hold.
var ErrDecimal = errors.New("not a decimal number with at most 18 digits before and 9 after the point")

// ErrOutOfRange says that a result is greater than 2^63 units.
var ErrOutOfRange = errs.OutOfRange("MONEY_OUT_OF_RANGE", "the result is too large a number")

// Decimal is an exact number with nine digits after the point: a quantity, a
// rate, or an amount whose currency stands beside it. Units and Nanos never have
// different signs in a value that this package made. The zero value is 0.
type Decimal struct {
	Units int64
	Nanos int32
}

// ParseDecimal reads a number as google.type.Decimal spells it: an optional
// sign, digits, a fraction and an exponent; the empty text is 0. ErrDecimal
// where it is something else, or has more digits than a Decimal.
func ParseDecimal(text string) (Decimal, error) {
	if text == "" {
		return Decimal{}, nil
	}
	if len(text) > 64 {
		return Decimal{}, ErrDecimal
	}
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	digits, exponent, err := cutExponent(digits)
	if err != nil {
		return Decimal{}, err
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || !onlyDigits(whole) || !onlyDigits(fraction) {
		return Decimal{}, ErrDecimal
	}
	return shifted(whole, fraction, exponent, negative)
}

// cutExponent answers the digits before "e" or "E" and the exponent after it.
func cutExponent(text string) (digits string, exponent int, err error) {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text, 0, nil
	}
	sign := strings.TrimLeft(text[i+1:], "+-")
	if len(text[i+1:])-len(sign) > 1 || !onlyDigits(sign) || sign == "" || len(sign) > 4 {
		return "", 0, ErrDecimal
	}
	exponent, err = strconv.Atoi(text[i+1:])
	return text[:i], exponent, err
}

// shifted makes the number of its digits with the point moved by the exponent.
func shifted(whole, fraction string, exponent int, negative bool) (Decimal, error) {
	all := strings.TrimLeft(whole+fraction, "0")
	scale := len(fraction) - exponent // digits of all that stand after the point
	trimmed := strings.TrimRight(all, "0")
	scale -= len(all) - len(trimmed)
	switch {
	case trimmed == "":
		return Decimal{}, nil
	case scale > 9, len(trimmed)-scale > 18:
		return Decimal{}, ErrDecimal
	}
	sum, ok := new(big.Int).SetString(trimmed+strings.Repeat("0", 9-scale), 10)
	if !ok {
		return Decimal{}, ErrDecimal
	}
	if negative {
		sum.Neg(sum)
	}
	return fromNanos(sum)
}

func onlyDigits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}

// fromNanos answers a number of nano units, or ErrOutOfRange.
func fromNanos(n *big.Int) (Decimal, error) {
	units, nanos := new(big.Int).QuoRem(n, big.NewInt(nano), new(big.Int))
	if !units.IsInt64() {
		return Decimal{}, ErrOutOfRange
	}
	return Decimal{Units: units.Int64(), Nanos: int32(nanos.Int64())}, nil
}

// inNanos is the inverse of fromNanos.
func (d Decimal) inNanos() *big.Int {
	n := new(big.Int).Mul(big.NewInt(d.Units), big.NewInt(nano))
	return n.Add(n, big.NewInt(int64(d.Nanos)))
}

// Sign answers -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.Units < 0 || d.Nanos < 0:
		return -1
	case d.Units > 0 || d.Nanos > 0:
		return 1
	default:
		return 0
	}
}

// IsZero says whether it is 0.
func (d Decimal) IsZero() bool { return d == Decimal{} }

// Cmp answers -1, 0 or 1 as d is less than, equal to or greater than other.
func (d Decimal) Cmp(other Decimal) int {
	switch {
	case d == other:
		return 0
	case d.Units < other.Units, d.Units == other.Units && d.Nanos < other.Nanos:
		return -1
	default:
		return 1
	}
}

// Add answers the sum, or ErrOutOfRange.
func (d Decimal) Add(other Decimal) (Decimal, error) {
	units := d.Units + other.Units
	if (units > d.Units) != (other.Units > 0) && other.Units != 0 {
		return fromNanos(new(big.Int).Add(d.inNanos(), other.inNanos()))
	}
	nanos := int64(d.Nanos) + int64(other.Nanos)
	carry := nanos / nano
	nanos -= carry * nano
	if (carry > 0 && units == math.MaxInt64) || (carry < 0 && units == math.MinInt64) {
		return Decimal{}, ErrOutOfRange
	}
	units += carry
	switch {
	case units > 0 && nanos < 0:
		units, nanos = units-1, nanos+nano
	case units < 0 && nanos > 0:
		units, nanos = units+1, nanos-nano
	}
	return Decimal{Units: units, Nanos: int32(nanos)}, nil
}

// Mul answers the product rounded half to even to so many digits after the
// point, 0 to 9, or ErrOutOfRange.
func (d Decimal) Mul(other Decimal, digits int) (Decimal, error) {
	product := new(big.Int).Mul(d.inNanos(), other.inNanos()) // in 10^-18
	return roundedTo(product, 18, digits)
}

// Round answers the number rounded half to even to so many digits after the
// point, 0 to 9. It can leave the range only at its very end: ErrOutOfRange.
func (d Decimal) Round(digits int) (Decimal, error) {
	return roundedTo(d.inNanos(), 9, digits)
}

// roundedTo rounds n, which counts units of 10^-scale, half to even.
func roundedTo(n *big.Int, scale, digits int) (Decimal, error) {
	step := powerOfTen(scale - digits)
	quotient, rest := new(big.Int).QuoRem(n, step, new(big.Int))
	double := rest.Abs(rest).Lsh(rest, 1)
	if c := double.Cmp(step); c > 0 || c == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(int64(n.Sign())))
	}
	return fromNanos(quotient.Mul(quotient, powerOfTen(9-digits)))
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// Digits answers how many digits after the point it needs, 0 to 9.
func (d Decimal) Digits() int {
	digits := 9
	for n := d.Nanos; digits > 0 && n%10 == 0; n /= 10 {
		digits--
	}
	return digits
}

// String writes it without trailing zeros: "-12.5".
func (d Decimal) String() string {
	sign := ""
	if d.Sign() < 0 {
		sign = "-"
	}
	units := strings.TrimPrefix(strconv.FormatInt(d.Units, 10), "-")
	if d.Nanos == 0 {
		return sign + units
	}
	nanos := fmt.Sprintf("%09d", max(d.Nanos, -d.Nanos))
	return sign + units + "." + strings.TrimRight(nanos, "0")
}

// MarshalText implements encoding.TextMarshaler, for JSON.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDecimal(string(text))
	return err
}

// Value implements driver.Valuer: the text of a numeric.
func (d Decimal) Value() (driver.Value, error) { return d.String(), nil }

// Scan implements sql.Scanner for a numeric column. NULL and NaN are errors.
func (d *Decimal) Scan(source any) (err error) {
	text, ok := source.(string)
	if !ok {
		return fmt.Errorf("money: cannot read a decimal from %T", source)
	}
	*d, err = ParseDecimal(text)
	return err
}
