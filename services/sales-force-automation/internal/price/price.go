// Package price holds what products cost: lists in one currency, and in them
// prices that hold for a time.
//
// That no two prices of a product overlap within a list, and that a currency has
// one standard list, is seen to by the database.
package price

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// List is a price list in one currency.
type List struct {
	entity.Meta
	Code        string `db:"code"`
	DisplayName string `db:"display_name"`
	Currency    string `db:"currency"`
	// Standard says that it is used where no list is named.
	Standard bool `db:"standard"`
}

// Check answers what is missing or wrong.
func (l *List) Check() []errs.Violation {
	var v []errs.Violation
	if l.Code == "" {
		v = append(v, errs.Violation{Field: "code", Description: "a price list needs a code"})
	}
	if l.DisplayName == "" {
		v = append(v, errs.Violation{Field: "display_name", Description: "a price list needs a name"})
	}
	if _, known := money.MinorUnit(l.Currency); !known {
		v = append(v, errs.Violation{Field: "currency_code", Reason: money.Invalid, Description: "the currency is not a code of ISO 4217 in which amounts are paid"})
	}
	return v
}

// Price is what one unit of a product costs from Start until before End.
type Price struct {
	entity.Meta
	List      uuid.UUID     `db:"price_list"`
	Product   uuid.UUID     `db:"product"`
	Currency  string        `db:"currency"`
	UnitPrice money.Decimal `db:"unit_price"`
	Start     time.Time     `db:"start_time"`
	// End is nil where no end is known.
	End *time.Time `db:"end_time"`
}

// Check answers what is wrong with its time.
func (p *Price) Check() []errs.Violation {
	if p.End != nil && !p.Start.Before(*p.End) {
		return []errs.Violation{{Field: "end_time", Description: "a price must hold for some time: its end lies after its start"}}
	}
	return nil
}

// Money answers the price of one unit.
func (p *Price) Money() money.Money { return money.Of(p.Currency, p.UnitPrice) }

// ErrNotFound says that a product has no price where one was looked for.
var ErrNotFound = errs.Refused("PRICE_NOT_FOUND", "the product has no price there at this time: give one on the line, or add it to the price list")

// Accepts says whether a price in the currency may stand in the list.
func (l *List) Accepts(currency string) error {
	if currency != l.Currency {
		return money.ErrCurrencyMismatch
	}
	return nil
}
