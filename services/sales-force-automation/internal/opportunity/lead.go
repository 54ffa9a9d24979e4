package opportunity

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
)

// Wish is what the conversion of a lead says of the deal; the rest comes from the
// lead.
type Wish struct {
	DisplayName string
	Amount      money.Money
	CloseDate   *time.Time
}

// FromLead answers the deal that a lead becomes. It has yet to Enter a pipeline.
func FromLead(l *lead.Lead, w Wish, now time.Time) (*Opportunity, error) {
	if w.DisplayName == "" {
		w.DisplayName = l.DisplayName
	}
	if w.Amount.IsZero() && l.Currency != "" {
		w.Amount = money.Of(l.Currency, l.Estimate)
	}
	id := l.ID
	o := &Opportunity{
		Meta:        entity.Meta{Owner: l.Owner, Team: l.Team, Source: l.Source, Labels: l.Labels},
		Contact:     l.Contact,
		DisplayName: w.DisplayName,
		Description: l.Note,
		OpenTime:    now,
		Lead:        &id,
	}
	return o, o.Agree(Terms{Currency: w.Amount.Currency, Amount: w.Amount.Decimal(), CloseDate: w.CloseDate})
}
