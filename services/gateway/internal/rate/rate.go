// Package rate says what currencies are worth in each other.
package rate

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// Rate is what one unit of From is worth in To, from Date on until the next rate
// of the pair.
type Rate struct {
	entity.Meta
	From string        `db:"from_currency_code"`
	To   string        `db:"to_currency_code"`
	Date time.Time     `db:"date"`
	Rate money.Decimal `db:"rate"`
}

// Check answers what is wrong.
func (r *Rate) Check() []errs.Violation {
	var v []errs.Violation
	v = append(v, currency("from_currency_code", r.From)...)
	v = append(v, currency("to_currency_code", r.To)...)
	if r.From == r.To {
		v = append(v, errs.Violation{Field: "to_currency_code", Description: "a currency has no rate to itself"})
	}
	if r.Rate.Sign() <= 0 {
		v = append(v, errs.Violation{Field: "rate", Description: "a rate must be above zero"})
	}
	return v
}

func currency(field, code string) []errs.Violation {
	if _, known := money.MinorUnit(code); known {
		return nil
	}
	return []errs.Violation{{Field: field, Reason: "CURRENCY_UNKNOWN", Description: "this is no currency of ISO 4217"}}
}
