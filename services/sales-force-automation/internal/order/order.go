// Package order holds the rules of what a customer buys.
//
// An order is a draft, then confirmed, which makes it a purchase, and either can
// be cancelled. Only a draft may change what it is about, so the total of a
// confirmed order is what was agreed. A recorded sale was made elsewhere: it is
// born confirmed, and its total is what was paid there.
package order

import (
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
)

// Status is how far an order has come.
type Status int32

// The statuses, by their numbers in the contract.
const (
	Draft Status = iota + 1
	Confirmed
	Cancelled
)

// Kind is where a sale was made.
type Kind int32

// The kinds, by their numbers in the contract.
const (
	Sale Kind = iota + 1
	Recorded
)

// Other is the channel of an order that names none: its number in
// lingkar.event.v1.Channel.
const Other int32 = 12

// Order is what a customer ordered.
type Order struct {
	entity.Meta
	Contact     uuid.UUID  `db:"contact"`
	Status      Status     `db:"status"`
	Kind        Kind       `db:"kind"`
	Opportunity *uuid.UUID `db:"opportunity"`
	// Channel is a number of lingkar.event.v1.Channel.
	Channel   int32         `db:"channel"`
	Lines     []line.Item   `db:"lines,json"`
	PriceList *uuid.UUID    `db:"price_list"`
	Currency  string        `db:"currency"`
	Total     money.Decimal `db:"total"`
	// OrderTime is when the customer bought; nil of a draft.
	OrderTime    *time.Time `db:"order_time"`
	CancelTime   *time.Time `db:"cancel_time"`
	CancelReason string     `db:"cancel_reason"`
	Note         string     `db:"note"`
}

// What a status does not allow.
var (
	errNotDraft  = errs.Refused("ORDER_NOT_DRAFT", "the order is not a draft any more")
	errNoLines   = errs.Refused("ORDER_EMPTY", "an order needs lines to be confirmed")
	errCancelled = errs.Refused("ORDER_CANCELLED", "the order is cancelled already")
	errConfirmed = errs.Refused("ORDER_CONFIRMED", "a confirmed order is a purchase: cancel it instead")
)

// Bought says that the order was confirmed.
type Bought struct{}

// EventName implements entity.Event.
func (Bought) EventName() string { return "OrderConfirmed" }

// Voided says that the order was cancelled.
type Voided struct{ WasConfirmed bool }

// EventName implements entity.Event.
func (Voided) EventName() string { return "OrderCancelled" }

// SoldElsewhere says that a sale of another system was recorded.
type SoldElsewhere struct{}

// EventName implements entity.Event.
func (SoldElsewhere) EventName() string { return "PurchaseRecorded" }

// Terms are what an order is about: what confirming it fixes.
type Terms struct {
	Channel   int32
	Currency  string
	Lines     []line.Item
	PriceList *uuid.UUID
}

// Agree gives a draft new terms, and the total of its lines. Another order keeps
// the terms it has.
func (o *Order) Agree(t Terms) error {
	if t.Channel == 0 {
		t.Channel = Other
	}
	lines, sum, err := line.Total(t.Currency, t.Lines)
	if err != nil {
		return err
	}
	t.Lines = lines
	if o.Status != Draft {
		if !same(o.terms(), t) {
			return errNotDraft
		}
		return nil
	}
	o.Channel, o.Currency, o.Lines, o.PriceList, o.Total = t.Channel, t.Currency, lines, t.PriceList, sum
	return nil
}

func (o *Order) terms() Terms {
	return Terms{Channel: o.Channel, Currency: o.Currency, Lines: o.Lines, PriceList: o.PriceList}
}

// same compares terms by value; no lines and an empty list of lines are one.
func same(a, b Terms) bool {
	if len(a.Lines) == 0 && len(b.Lines) == 0 {
		a.Lines, b.Lines = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// Of answers the draft that a won deal makes.
func Of(deal *opportunity.Opportunity, id uuid.UUID, channel int32) (*Order, error) {
	o := &Order{
		Meta:        entity.Meta{ID: id, Owner: deal.Owner, Team: deal.Team, Source: deal.Source},
		Contact:     deal.Contact,
		Status:      Draft,
		Kind:        Sale,
		Opportunity: &deal.ID,
	}
	return o, o.Agree(Terms{Channel: channel, Currency: deal.Currency, Lines: deal.Lines, PriceList: deal.PriceList})
}

// Record makes the order a sale that was made elsewhere at a time. Its total is
// what was paid, or the sum of its lines where paid is nil.
func (o *Order) Record(t Terms, paid *money.Decimal, at, now time.Time) ([]entity.Event, error) {
	if at.After(now) {
		return nil, errs.Invalid("purchase_time", "", "a sale that is recorded lies in the past")
	}
	o.Status, o.Kind = Draft, Recorded
	if err := o.Agree(t); err != nil {
		return nil, err
	}
	if paid != nil {
		o.Total = *paid
	}
	o.Status, o.OrderTime = Confirmed, &at
	return []entity.Event{SoldElsewhere{}}, nil
}

// Confirm makes a draft that has lines a purchase.
func (o *Order) Confirm(now time.Time) ([]entity.Event, error) {
	switch {
	case o.Status == Cancelled:
		return nil, errCancelled
	case o.Status != Draft:
		return nil, errNotDraft
	case len(o.Lines) == 0:
		return nil, errNoLines
	}
	o.Status, o.OrderTime = Confirmed, &now
	return []entity.Event{Bought{}}, nil
}

// Cancel makes the order void.
func (o *Order) Cancel(reason string, now time.Time) ([]entity.Event, error) {
	if o.Status == Cancelled {
		return nil, errCancelled
	}
	confirmed := o.Status == Confirmed
	o.Status, o.CancelTime, o.CancelReason = Cancelled, &now, reason
	return []entity.Event{Voided{WasConfirmed: confirmed}}, nil
}

// Deletable says whether it may be deleted: a purchase may not.
func (o *Order) Deletable() error {
	if o.Status == Confirmed {
		return errConfirmed
	}
	return nil
}

// Worth answers its total; the zero value of a draft without a currency.
func (o *Order) Worth() money.Money { return money.Of(o.Currency, o.Total) }

// Actions answers what may be done next, as the names of RPCs.
func (o *Order) Actions() []string {
	if o.Deleted() {
		return []string{"UndeleteOrder"}
	}
	actions := []string{"UpdateOrder"}
	if o.Status != Confirmed {
		actions = append(actions, "DeleteOrder")
	}
	if o.Status == Draft && len(o.Lines) > 0 {
		actions = append(actions, "ConfirmOrder")
	}
	if o.Status != Cancelled {
		actions = append(actions, "CancelOrder")
	}
	return actions
}
