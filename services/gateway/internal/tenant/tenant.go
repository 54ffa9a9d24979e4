// Package tenant says what a company that uses Lingkar is, and when its people
// are let in.
package tenant

import (
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// What a tenant has unless it says otherwise.
const (
	DefaultCurrency = "IDR"
	DefaultZone     = "Asia/Jakarta"
	// DefaultWindow is in calendar months.
	DefaultWindow = lifecycle.DefaultMonths
)

// State says whether the tenant's people are let in.
type State int32

// The states, numbered as in the contract.
const (
	Active    State = 1
	Suspended State = 2
)

// Tenant is one company, with all of its data apart from every other's. Its id is
// the tenant of its own row.
type Tenant struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	// CurrencyCode is what it reports in, TimeZone where its days begin.
	CurrencyCode string `db:"currency_code"`
	TimeZone     string `db:"time_zone"`
	// WindowMonths is how far a purchase may lie back that makes its customer active.
	WindowMonths int32 `db:"lifecycle_window_months"`
	State        State `db:"state"`
}

// Check answers what is wrong, after it has set what has a default.
func (t *Tenant) Check() []errs.Violation {
	if t.CurrencyCode == "" {
		t.CurrencyCode = DefaultCurrency
	}
	if t.TimeZone == "" {
		t.TimeZone = DefaultZone
	}
	if t.WindowMonths == 0 {
		t.WindowMonths = DefaultWindow
	}
	if t.State == 0 {
		t.State = Active
	}
	var v []errs.Violation
	if t.DisplayName == "" {
		v = append(v, errs.Violation{Field: "display_name", Description: "a tenant needs a name"})
	}
	if _, known := money.MinorUnit(t.CurrencyCode); !known {
		v = append(v, errs.Violation{Field: "currency_code", Reason: "CURRENCY_UNKNOWN", Description: "this is no currency of ISO 4217"})
	}
	if _, err := text.TimeZone(t.TimeZone); err != nil {
		v = append(v, errs.Violation{Field: "time_zone", Reason: "TIME_ZONE_UNKNOWN", Description: "this is no time zone of the IANA data base"})
	}
	return v
}

// SuspendedNow says that the tenant's people are locked out from now on.
type SuspendedNow struct{}

// EventName implements entity.Event.
func (SuspendedNow) EventName() string { return "Suspended" }

// Resumed says that they are let in again.
type Resumed struct{}

// EventName implements entity.Event.
func (Resumed) EventName() string { return "Resumed" }

// Suspend locks everybody but operators out. A suspended tenant stays so.
func (t *Tenant) Suspend() ([]entity.Event, error) {
	if t.State == Suspended {
		return nil, nil
	}
	t.State = Suspended
	return []entity.Event{SuspendedNow{}}, nil
}

// Resume lets the tenant's people in again. An active tenant stays so.
func (t *Tenant) Resume() ([]entity.Event, error) {
	if t.State == Active {
		return nil, nil
	}
	t.State = Active
	return []entity.Event{Resumed{}}, nil
}
