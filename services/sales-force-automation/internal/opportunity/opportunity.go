// Package opportunity holds the rules of a deal on its way through a pipeline.
//
// A deal is open until it is won or lost; then its stage, its terms and its dates
// stay as they are. It moves only where its pipeline lets it and when it has what
// the stages ask for. Where it has lines its amount is their sum, all in one
// currency.
package opportunity

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
)

// Status is whether a deal is decided.
type Status int32

// The statuses, by their numbers in the contract.
const (
	Open Status = iota + 1
	Won
	Lost
)

// Opportunity is a deal that may be won.
type Opportunity struct {
	entity.Meta
	Contact     uuid.UUID `db:"contact"`
	DisplayName string    `db:"display_name"`
	Status      Status    `db:"status"`
	Pipeline    uuid.UUID `db:"pipeline"`
	Stage       string    `db:"stage"`
	StageTime   time.Time `db:"stage_time"`
	// Probability is in percent.
	Probability int32 `db:"probability"`
	// Currency and Amount are what it is worth; no currency where that is
	// unknown.
	Currency  string        `db:"currency"`
	Amount    money.Decimal `db:"amount"`
	Lines     []line.Item   `db:"lines,json"`
	PriceList *uuid.UUID    `db:"price_list"`
	// CloseDate is when the decision is expected: a day, at midnight UTC.
	CloseDate   *time.Time `db:"close_date"`
	OpenTime    time.Time  `db:"open_time"`
	CloseTime   *time.Time `db:"close_time"`
	CloseReason string     `db:"close_reason"`
	Lead        *uuid.UUID `db:"lead"`
	Order       *uuid.UUID `db:"order_id"`
	Description string     `db:"description"`
	Note        string     `db:"note"`
}

// Worth answers what it is worth; the zero value where that is unknown.
func (o *Opportunity) Worth() money.Money { return money.Of(o.Currency, o.Amount) }

// Actions answers what may be done next, as the names of RPCs.
func (o *Opportunity) Actions() []string {
	if o.Deleted() {
		return []string{"UndeleteOpportunity"}
	}
	actions := []string{"UpdateOpportunity", "DeleteOpportunity"}
	if o.Status == Open {
		actions = append(actions, "AdvanceOpportunity", "WinOpportunity", "LoseOpportunity")
	}
	return actions
}

// Advanced says that the deal moved to another stage.
type Advanced struct{ From, To string }

// EventName implements entity.Event.
func (Advanced) EventName() string { return "OpportunityAdvanced" }

// Closed says that the deal was won or lost.
type Closed struct {
	From string
	Won  bool
	// Order is the one that winning it made; nil where it was lost, or won in
	// another system.
	Order *uuid.UUID
	At    time.Time
}

// EventName implements entity.Event.
func (c Closed) EventName() string {
	if c.Won {
		return "OpportunityWon"
	}
	return "OpportunityLost"
}
