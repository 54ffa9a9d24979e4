// Package relationship is how contacts belong together: many to many, typed and
// dated, with the types as data of the tenant.
//
// It promises that a relationship begins only under a living, active type whose
// kinds fit, never binds a contact to itself and never ends before it starts,
// and that adding one never changes another: a second employer leaves the first
// (CON-06).
package relationship

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Type is a kind of relationship.
type Type struct {
	entity.Meta
	// ForwardName reads from the first contact to the second ("works for"),
	// ReverseName the other way ("employs").
	ForwardName string `db:"forward_name"`
	ReverseName string `db:"reverse_name"`
	// NameKey is what forward names are compared by.
	NameKey string `db:"name_key"`
	// FromKind and ToKind are what the contacts must be; 0 for any.
	FromKind contact.Kind `db:"from_kind"`
	ToKind   contact.Kind `db:"to_kind"`
	// Inactive types take no new relationships.
	Inactive    bool   `db:"inactive"`
	Description string `db:"description"`
}

// Relationship binds two contacts from Start until before End.
type Relationship struct {
	entity.Meta
	Type uuid.UUID `db:"type"`
	From uuid.UUID `db:"from_contact"`
	To   uuid.UUID `db:"to_contact"`
	// Role is what the first contact is or does in it.
	Role  string    `db:"role"`
	Start time.Time `db:"start_time"`
	// End is nil while nobody knows of an end.
	End  *time.Time `db:"end_time"`
	Note string     `db:"note"`
}

var (
	errItself   = errs.Refused("RELATIONSHIP_WITH_ITSELF", "a contact cannot have a relationship with itself")
	errInactive = errs.Refused("RELATIONSHIP_TYPE_INACTIVE", "the relationship type takes no new relationships")
	errKinds    = errs.Refused("RELATIONSHIP_KIND_MISMATCH", "the contacts are not of the kinds that the relationship type binds")
	errGone     = errs.Refused("CONTACT_DELETED", "one of the contacts is deleted")
	errDates    = errs.Refused("RELATIONSHIP_ENDS_BEFORE_START", "a relationship cannot end before it starts")
	errEnded    = errs.Refused("RELATIONSHIP_ENDED", "the relationship has ended already")
)

// Ended says that a relationship ended, or at which time it is going to.
type Ended struct{}

// EventName implements entity.Event.
func (Ended) EventName() string { return "Ended" }

// Begin checks that the relationship may begin between these two; an empty start
// stands for now.
func (r *Relationship) Begin(t *Type, from, to *contact.Contact, now time.Time) error {
	if r.Start.IsZero() {
		r.Start = now
	}
	switch {
	case from.ID == to.ID:
		return errItself
	case t.Inactive || t.Deleted():
		return errInactive
	case from.Gone() || to.Gone():
		return errGone
	case t.FromKind != 0 && t.FromKind != from.Kind, t.ToKind != 0 && t.ToKind != to.Kind:
		return errKinds
	case r.End != nil && r.End.Before(r.Start):
		return errDates
	}
	return nil
}

// Finish ends the relationship; a zero end stands for now. One that is to end
// later may be ended earlier.
func (r *Relationship) Finish(end, now time.Time) ([]entity.Event, error) {
	if end.IsZero() {
		end = now
	}
	switch {
	case r.End != nil && !r.End.After(end):
		return nil, errEnded
	case end.Before(r.Start):
		return nil, errDates
	}
	r.End = &end
	return []entity.Event{Ended{}}, nil
}

// Check answers what is wrong with the relationship's own fields, with paths
// relative to it.
func (r *Relationship) Check() []errs.Violation {
	if r.End == nil || r.Start.IsZero() || !r.End.Before(r.Start) {
		return nil
	}
	return []errs.Violation{{Field: "end_time", Reason: "RELATIONSHIP_ENDS_BEFORE_START", Description: "lies before start_time"}}
}

// AllowedActions names the calls that the relationship's state allows next.
func (r *Relationship) AllowedActions() []string {
	switch {
	case r.Deleted():
		return []string{"UndeleteRelationship"}
	case r.End != nil:
		return []string{"UpdateRelationship", "DeleteRelationship"}
	default:
		return []string{"UpdateRelationship", "DeleteRelationship", "EndRelationship"}
	}
}
