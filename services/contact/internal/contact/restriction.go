package contact

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Restricted says that the processing of the contact's data was restricted.
type Restricted struct{}

// EventName implements entity.Event.
func (Restricted) EventName() string { return "Restricted" }

// RestrictionLifted says that the restriction was lifted.
type RestrictionLifted struct{}

// EventName implements entity.Event.
func (RestrictionLifted) EventName() string { return "RestrictionLifted" }

// Restrict lets the contact's data be kept and put right, and not be used. A contact
// that is restricted stays as it is.
func (c *Contact) Restrict(now time.Time) []entity.Event {
	if c.RestrictTime != nil {
		return nil
	}
	c.RestrictTime = &now
	return []entity.Event{Restricted{}}
}

// LiftRestriction lets the contact's data be used again.
func (c *Contact) LiftRestriction() []entity.Event {
	if c.RestrictTime == nil {
		return nil
	}
	c.RestrictTime = nil
	return []entity.Event{RestrictionLifted{}}
}
