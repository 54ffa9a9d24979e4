// Package supplier measures how a supplier performs, by the weighted-point method of
// supplier evaluation: rates of on-time delivery, quality, quantity and price, and their
// weighted mean.
//
// It promises exact arithmetic: rates are fractions until they are written. Days are
// written "2026-11-22" and compared as such. What no order in the period says anything
// about has no rate.
package supplier

import (
	"math/big"

	"github.com/lingkar-crm/lingkar/pkg/money"
)

// Purchase is a line of an order to the supplier. Quantity is greater than 0; Price is
// the agreed price of one unit, or zero.
type Purchase struct {
	Number   string
	Quantity money.Decimal
	Price    money.Money
	Promise  string
}

// Receipt is a delivery for a purchase. Defective is at most Quantity, which is greater
// than 0; Price is the invoiced price of one unit, or zero.
type Receipt struct {
	Purchase            string
	Quantity, Defective money.Decimal
	Price               money.Money
	Day                 string
}

// Payment is one to the supplier. Due and Paid may be empty.
type Payment struct{ Due, Paid string }

// Facts are all that is known of a supplier.
type Facts struct {
	Purchases []Purchase
	Receipts  []Receipt
	Payments  []Payment
}

// Period is from its first to its last day, both included. Today bounds what can be late.
type Period struct{ Start, End, Today string }

func (p Period) holds(day string) bool { return day >= p.Start && day <= p.End }

// Weights are what the rates weigh in proportion to one another; none is negative.
type Weights struct{ OnTime, Quality, Quantity, Price float64 }

// Performance is how a supplier performs. Rates are from 0 to 1, and nil where nothing
// is known.
type Performance struct {
	Purchases, Receipts, LatePayments       int
	OnTime, Quality, Quantity, Price, Score *big.Rat
}

var one = big.NewRat(1, 1)

// Measure answers how a supplier performed over the purchases that were promised in the
// period and are due or were delivered.
func Measure(f Facts, p Period, w Weights) Performance {
	deliveries := map[string][]Receipt{}
	for _, r := range f.Receipts {
		deliveries[r.Purchase] = append(deliveries[r.Purchase], r)
	}
	var onTime, quality, quantity, price mean
	var m Performance
	for _, order := range f.Purchases {
		came := deliveries[order.Number]
		if !p.holds(order.Promise) || order.Promise >= p.Today && len(came) == 0 {
			continue
		}
		m.Purchases++
		m.Receipts += len(came)
		onTime.add(punctual(order, came))
		quantity.add(accuracy(order, came))
		if len(came) > 0 {
			quality.add(sound(came))
		}
		for _, r := range came {
			price.add(fair(order, r))
		}
	}
	m.OnTime, m.Quality, m.Quantity, m.Price = onTime.value(), quality.value(), quantity.value(), price.value()
	m.Score = weighted(m, w)
	for _, pay := range f.Payments {
		if p.holds(pay.Due) && (pay.Paid > pay.Due || pay.Paid == "" && p.Today > pay.Due) {
			m.LatePayments++
		}
	}
	return m
}

// punctual is 1 where all that was ordered had come on the day that was promised, else 0.
func punctual(order Purchase, came []Receipt) *big.Rat {
	sum := new(big.Rat)
	for _, r := range came {
		if r.Day <= order.Promise {
			sum.Add(sum, fraction(r.Quantity))
		}
	}
	if sum.Cmp(fraction(order.Quantity)) >= 0 {
		return one
	}
	return new(big.Rat)
}

// accuracy is 1 less the difference between what came and what was ordered, as a part of
// what was ordered; at least 0.
func accuracy(order Purchase, came []Receipt) *big.Rat {
	ordered, off := fraction(order.Quantity), new(big.Rat)
	for _, r := range came {
		off.Add(off, fraction(r.Quantity))
	}
	off.Sub(off, ordered)
	return atLeastNought(off.Sub(one, off.Quo(off.Abs(off), ordered)))
}

// sound is the part of what came that was not defective.
func sound(came []Receipt) *big.Rat {
	all, bad := new(big.Rat), new(big.Rat)
	for _, r := range came {
		all.Add(all, fraction(r.Quantity))
		bad.Add(bad, fraction(r.Defective))
	}
	return new(big.Rat).Sub(one, bad.Quo(bad, all))
}

// fair is 1 less the part by which the invoiced price exceeds the agreed one; nil where
// they cannot be compared.
func fair(order Purchase, r Receipt) *big.Rat {
	agreed, invoiced := order.Price, r.Price
	if agreed.Currency == "" || agreed.Currency != invoiced.Currency || agreed.Decimal().Sign() <= 0 {
		return nil
	}
	over := new(big.Rat).Sub(fraction(invoiced.Decimal()), fraction(agreed.Decimal()))
	if over.Sign() <= 0 {
		return one
	}
	return atLeastNought(over.Sub(one, over.Quo(over, fraction(agreed.Decimal()))))
}

func atLeastNought(r *big.Rat) *big.Rat {
	if r.Sign() < 0 {
		return new(big.Rat)
	}
	return r
}

func fraction(d money.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		panic("supplier: a decimal that is no number: " + d.String())
	}
	return r
}

// weighted is the mean of the rates there are, by their weights; nil where they weigh
// nothing.
func weighted(m Performance, w Weights) *big.Rat {
	sum, weight := new(big.Rat), new(big.Rat)
	for _, part := range []struct {
		rate   *big.Rat
		weight float64
	}{{m.OnTime, w.OnTime}, {m.Quality, w.Quality}, {m.Quantity, w.Quantity}, {m.Price, w.Price}} {
		by := new(big.Rat).SetFloat64(part.weight)
		if part.rate == nil || by == nil {
			continue
		}
		weight.Add(weight, by)
		sum.Add(sum, by.Mul(by, part.rate))
	}
	if weight.Sign() == 0 {
		return nil
	}
	return sum.Quo(sum, weight)
}

// mean gathers values.
type mean struct {
	sum big.Rat
	n   int64
}

func (m *mean) add(r *big.Rat) {
	if r != nil {
		m.sum.Add(&m.sum, r)
		m.n++
	}
}

func (m *mean) value() *big.Rat {
	if m.n == 0 {
		return nil
	}
	return new(big.Rat).Quo(&m.sum, big.NewRat(m.n, 1))
}
