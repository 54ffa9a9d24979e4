// Package lead holds the rules of a sign of interest, until there is a deal or
// none.
//
// A lead is new, then worked on, then found to be real; from each of these it
// can be converted or disqualified, which closes it. A converted lead stays as
// it is for good, a disqualified one may be taken up again. Whether its contact
// exists is asked before.
package lead

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// Status is how far a lead has come.
type Status int32

// The statuses, by their numbers in the contract.
const (
	New Status = iota + 1
	Working
	Qualified
	Converted
	Disqualified
)

// Lead is a sign that a contact may buy.
type Lead struct {
	entity.Meta
	Contact     uuid.UUID `db:"contact"`
	DisplayName string    `db:"display_name"`
	Status      Status    `db:"status"`
	// Channel is a number of lingkar.event.v1.Channel; 0 where unknown.
	Channel  int32       `db:"channel"`
	Products []uuid.UUID `db:"products,json"`
	// Currency and Estimate are what the contact may spend; no currency where
	// that is unknown.
	Currency         string        `db:"currency"`
	Estimate         money.Decimal `db:"estimate"`
	Note             string        `db:"note"`
	CaptureTime      time.Time     `db:"capture_time"`
	CloseTime        *time.Time    `db:"close_time"`
	DisqualifyReason string        `db:"disqualify_reason"`
	Opportunity      *uuid.UUID    `db:"opportunity"`
}

// What a status does not allow.
var (
	errClosed   = errs.Refused("LEAD_CLOSED", "the lead is closed already")
	errAccepted = errs.Refused("LEAD_ACCEPTED", "somebody works on the lead already")
	errOpen     = errs.Refused("LEAD_NOT_DISQUALIFIED", "only a disqualified lead can be taken up again")
)

// Accepted says that somebody took the lead into work.
type Accepted struct{}

// EventName implements entity.Event.
func (Accepted) EventName() string { return "LeadAccepted" }

// Real says that the interest was found to be real.
type Real struct{}

// EventName implements entity.Event.
func (Real) EventName() string { return "LeadQualified" }

// Won says that the lead became an opportunity.
type Won struct{ Opportunity uuid.UUID }

// EventName implements entity.Event.
func (Won) EventName() string { return "LeadConverted" }

// Dropped says that the lead was closed without a deal.
type Dropped struct{}

// EventName implements entity.Event.
func (Dropped) EventName() string { return "LeadDisqualified" }

// Reopened says that the lead was taken up again.
type Reopened struct{}

// EventName implements entity.Event.
func (Reopened) EventName() string { return "LeadReopened" }

// Start begins a new lead that came in at the time given, or now.
func (l *Lead) Start(captured, now time.Time) []errs.Violation {
	l.Status = New
	l.CaptureTime = captured
	if captured.IsZero() {
		l.CaptureTime = now
	}
	if l.CaptureTime.After(now) {
		return []errs.Violation{{Field: "capture_time", Description: "a lead cannot come in the future"}}
	}
	return nil
}

// Closed says whether nothing more is done with it.
func (l *Lead) Closed() bool { return l.Status == Converted || l.Status == Disqualified }

// Accept takes a new lead into work. Who takes it becomes its owner where it has
// none.
func (l *Lead) Accept(who string) ([]entity.Event, error) {
	switch {
	case l.Closed():
		return nil, errClosed
	case l.Status != New:
		return nil, errAccepted
	}
	l.Status = Working
	if l.Owner == "" {
		l.Owner = who
	}
	return []entity.Event{Accepted{}}, nil
}

// Qualify says that the interest is real.
func (l *Lead) Qualify() ([]entity.Event, error) {
	switch {
	case l.Closed():
		return nil, errClosed
	case l.Status == Qualified:
		return nil, nil
	}
	l.Status = Qualified
	return []entity.Event{Real{}}, nil
}

// Convert closes the lead for the opportunity it became.
func (l *Lead) Convert(opportunity uuid.UUID, now time.Time) ([]entity.Event, error) {
	if l.Closed() {
		return nil, errClosed
	}
	l.Status, l.CloseTime, l.Opportunity = Converted, &now, &opportunity
	return []entity.Event{Won{Opportunity: opportunity}}, nil
}

// Disqualify closes the lead for the reason told.
func (l *Lead) Disqualify(reason string, now time.Time) ([]entity.Event, error) {
	if l.Closed() {
		return nil, errClosed
	}
	l.Status, l.CloseTime, l.DisqualifyReason = Disqualified, &now, reason
	return []entity.Event{Dropped{}}, nil
}

// Reopen takes a disqualified lead into work again.
func (l *Lead) Reopen() ([]entity.Event, error) {
	if l.Status != Disqualified {
		return nil, errOpen
	}
	l.Status, l.CloseTime, l.DisqualifyReason = Working, nil, ""
	return []entity.Event{Reopened{}}, nil
}

// Actions answers what may be done next, as the names of RPCs.
func (l *Lead) Actions() []string {
	if l.Deleted() {
		return []string{"UndeleteLead"}
	}
	actions := []string{"UpdateLead", "DeleteLead"}
	switch l.Status {
	case New:
		return append(actions, "AcceptLead", "QualifyLead", "ConvertLead", "DisqualifyLead")
	case Working:
		return append(actions, "QualifyLead", "ConvertLead", "DisqualifyLead")
	case Qualified:
		return append(actions, "ConvertLead", "DisqualifyLead")
	case Disqualified:
		return append(actions, "ReopenLead")
	default:
		return actions
	}
}
