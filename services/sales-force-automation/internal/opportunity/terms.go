package opportunity

import (
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
)

// ErrClosed says that the deal is decided.
var ErrClosed = errs.Refused("OPPORTUNITY_CLOSED", "the opportunity is won or lost already")

// Terms are what a deal is about: what closing it fixes.
type Terms struct {
	// Currency is that of the amount and of every line; empty without these.
	Currency    string
	Amount      money.Decimal
	Lines       []line.Item
	PriceList   *uuid.UUID
	CloseDate   *time.Time
	Probability int32
}

// Terms answers what the deal is about now.
func (o *Opportunity) Terms() Terms {
	return Terms{
		Currency: o.Currency, Amount: o.Amount, Lines: o.Lines,
		PriceList: o.PriceList, CloseDate: o.CloseDate, Probability: o.Probability,
	}
}

// Agree gives the deal new terms. Its amount becomes the sum of the lines where
// there are any. A deal that is decided keeps the terms it has: ErrClosed.
func (o *Opportunity) Agree(t Terms) error {
	lines, sum, err := line.Total(t.Currency, t.Lines)
	if err != nil {
		return err
	}
	t.Lines = lines
	if len(lines) > 0 {
		t.Amount = sum
	}
	if o.Status == Won || o.Status == Lost {
		if !same(o.Terms(), t) {
			return ErrClosed
		}
		return nil
	}
	o.Currency, o.Amount, o.Lines = t.Currency, t.Amount, t.Lines
	o.PriceList, o.CloseDate, o.Probability = t.PriceList, t.CloseDate, t.Probability
	return nil
}

// same compares terms by value; no lines and an empty list of lines are one.
func same(a, b Terms) bool {
	if len(a.Lines) == 0 && len(b.Lines) == 0 {
		a.Lines, b.Lines = nil, nil
	}
	return reflect.DeepEqual(a, b)
}
