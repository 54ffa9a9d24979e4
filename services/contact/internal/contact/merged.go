package contact

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

var errNotMerged = errs.Refused("CONTACT_NOT_MERGED", "the contact is not merged into another")

// Merged says that the contact was merged into another one.
type Merged struct{ Survivor, Merge uuid.UUID }

// EventName implements entity.Event.
func (Merged) EventName() string { return "Merged" }

// Unmerged says that the contact is one of its own again.
type Unmerged struct{ Survivor, Merge uuid.UUID }

// EventName implements entity.Event.
func (Unmerged) EventName() string { return "Unmerged" }

// RefuseMerged answers an error that names the survivor where the contact was merged, and
// nil where it was not.
func (c *Contact) RefuseMerged() error {
	if c.MergedInto == nil {
		return nil
	}
	return errs.Refused("CONTACT_MERGED", "the contact was merged into another: use that one, or unmerge it first").
		With("survivor", "contacts/"+c.MergedInto.String())
}

// Gone reports whether the contact was deleted. A merged one is not gone: what names it
// is about its survivor.
func (c *Contact) Gone() bool { return c.Deleted() && c.MergedInto == nil }

// MergeInto makes the contact a part of another one. It stays as it was, under its own
// name, and is hidden.
func (c *Contact) MergeInto(survivor, merge uuid.UUID, now time.Time) []entity.Event {
	c.MergedInto, c.DeleteTime = &survivor, &now
	return []entity.Event{Merged{Survivor: survivor, Merge: merge}}
}

// Separate makes the contact one of its own again.
func (c *Contact) Separate(merge uuid.UUID) ([]entity.Event, error) {
	if c.MergedInto == nil {
		return nil, errNotMerged
	}
	survivor := *c.MergedInto
	c.MergedInto, c.DeleteTime = nil, nil
	return []entity.Event{Unmerged{Survivor: survivor, Merge: merge}}, nil
}
