// Package line holds the lines of opportunities and orders: so much of one
// product at a price.
//
// A line keeps what the product was called when it was written. Its currency is
// that of the deal it stands in. Every amount is rounded half to even where the
// line is formed, so a total is the exact sum of what is printed above it.
package line

import (
	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/money"
)

// Item is one line.
type Item struct {
	// Product is nil where a recorded sale names a product the catalogue lacks.
	Product     *uuid.UUID `json:"product,omitempty"`
	Code        string     `json:"code,omitempty"`
	Description string     `json:"description,omitempty"`
	Category    string     `json:"category,omitempty"`
	Unit        string     `json:"unit,omitempty"`
	// Quantity is greater than 0.
	Quantity  money.Decimal `json:"quantity"`
	UnitPrice money.Decimal `json:"unit_price"`
	// Amount is set by Total.
	Amount money.Decimal `json:"amount"`
}

// Total answers the items with their amounts in the currency, and the sum of
// these. The items given stay as they are. OUT_OF_RANGE where a number gets too
// large.
func Total(currency string, items []Item) ([]Item, money.Decimal, error) {
	if len(items) == 0 {
		return nil, money.Decimal{}, nil
	}
	var sum money.Decimal
	formed := make([]Item, len(items))
	for i, item := range items {
		amount, err := money.Of(currency, item.UnitPrice).Mul(item.Quantity)
		if err != nil {
			return nil, money.Decimal{}, err
		}
		item.Amount = amount.Decimal()
		if sum, err = sum.Add(item.Amount); err != nil {
			return nil, money.Decimal{}, err
		}
		formed[i] = item
	}
	return formed, sum, nil
}
