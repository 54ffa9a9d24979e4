// Package money holds amounts of money and decimal quantities exactly: no value
// passes through a float.
//
// An amount of money has at most the digits of its currency's minor unit (ISO
// 4217: 2 for IDR, 0 for JPY, 3 for KWD); unit prices and rates may have nine.
// A product is rounded half to even once, where a line is formed; sums are
// exact. What does not fit 64 bits is refused with OUT_OF_RANGE, never wrapped.
//
// In messages money is google.type.Money, in the database a currency and a
// numeric(28,9), for which Decimal is the Go type.
package money

import (
	"errors"

	moneypb "google.golang.org/genproto/googleapis/type/money"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Invalid is the reason of every violation of this package.
const Invalid = "MONEY_INVALID"

// ErrCurrencyMismatch says that two amounts that belong together are in two
// currencies.
var ErrCurrencyMismatch = errs.Refused("CURRENCY_MISMATCH", "all amounts that belong together must be in one currency")

// Money is an amount in a currency: Units plus Nanos billionths of a unit, both
// of the same sign. The zero value is no money at all, not even a currency.
type Money struct {
	// Currency is an ISO 4217 code.
	Currency string
	Units    int64
	Nanos    int32
}

// Of answers so much of a currency.
func Of(currency string, amount Decimal) Money {
	return Money{Currency: currency, Units: amount.Units, Nanos: amount.Nanos}
}

// Decimal answers the amount without its currency.
func (m Money) Decimal() Decimal { return Decimal{Units: m.Units, Nanos: m.Nanos} }

// IsZero says whether it is no money at all: an amount of 0 in a currency is
// something else.
func (m Money) IsZero() bool { return m == Money{} }

// FromProto reads a message as it is: Validate says whether that is money. Nil
// is the zero value.
func FromProto(p *moneypb.Money) Money {
	return Money{Currency: p.GetCurrencyCode(), Units: p.GetUnits(), Nanos: p.GetNanos()}
}

// Proto answers the message; nil for the zero value.
func (m Money) Proto() *moneypb.Money {
	if m.IsZero() {
		return nil
	}
	return &moneypb.Money{CurrencyCode: m.Currency, Units: m.Units, Nanos: m.Nanos}
}

// The things that can be wrong with money.
var (
	errCurrency = errors.New("the currency is not a code of ISO 4217 in which amounts are paid")
	errNanos    = errors.New("nanos must lie between -999999999 and 999999999")
	errSigns    = errors.New("units and nanos must have the same sign")
	errTooFine  = errors.New("the amount is finer than the minor unit of its currency")
	errNegative = errors.New("the amount must not be negative")
	errTooLarge = errors.New("the amount is too large")
)

// Validate says what is wrong with it as a price or rate, if anything: a
// currency that is none, nanos out of range, signs that differ.
func (m Money) Validate() error {
	if _, known := MinorUnit(m.Currency); !known {
		return errCurrency
	}
	switch {
	case m.Nanos <= -nano || m.Nanos >= nano:
		return errNanos
	case m.Units > 0 && m.Nanos < 0, m.Units < 0 && m.Nanos > 0:
		return errSigns
	case m.Decimal().inNanos().CmpAbs(tooLarge) >= 0:
		return errTooLarge
	}
	return nil
}

// ValidateAmount is Validate for an amount that is paid: it may not be finer
// than the currency's minor unit.
func (m Money) ValidateAmount() error {
	if err := m.Validate(); err != nil {
		return err
	}
	if digits, _ := MinorUnit(m.Currency); m.Decimal().Digits() > digits {
		return errTooFine
	}
	return nil
}

// CheckPrice answers the violation, if any, of a unit price in the named field:
// Validate, and not negative.
func (m Money) CheckPrice(field string) []errs.Violation {
	return m.check(field, m.Validate())
}

// CheckAmount answers the violation, if any, of an amount in the named field:
// ValidateAmount, and not negative.
func (m Money) CheckAmount(field string) []errs.Violation {
	return m.check(field, m.ValidateAmount())
}

func (m Money) check(field string, err error) []errs.Violation {
	if err == nil && m.Decimal().Sign() < 0 {
		err = errNegative
	}
	if err == nil {
		return nil
	}
	return []errs.Violation{{Field: field, Reason: Invalid, Description: err.Error()}}
}

// Add answers the sum. ErrCurrencyMismatch where the currencies differ, and
// ErrOutOfRange.
func (m Money) Add(other Money) (Money, error) {
	if m.Currency != other.Currency {
		return Money{}, ErrCurrencyMismatch
	}
	sum, err := m.Decimal().Add(other.Decimal())
	return Of(m.Currency, sum), err
}

// Mul answers a unit price times a quantity, rounded half to even to the
// currency's minor unit, or ErrOutOfRange. The currency must be valid.
func (m Money) Mul(quantity Decimal) (Money, error) {
	digits, _ := MinorUnit(m.Currency)
	product, err := m.Decimal().Mul(quantity, digits)
	return Of(m.Currency, product), err
}

// Round answers the amount rounded half to even to the currency's minor unit.
func (m Money) Round() (Money, error) {
	digits, _ := MinorUnit(m.Currency)
	rounded, err := m.Decimal().Round(digits)
	return Of(m.Currency, rounded), err
}

// String writes it for people: "IDR 1500000.5".
func (m Money) String() string {
	return m.Currency + " " + m.Decimal().String()
}
