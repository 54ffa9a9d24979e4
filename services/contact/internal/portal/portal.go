// Package portal is who may act for a contact through a portal of the company.
//
// It promises that an access opens something only while it is active and has not expired,
// while its contact is there, and only as the roles that the contact still holds. What it
// opens is not decided here: see the server's policy and window.
package portal

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// State is where an access stands, numbered as in the contract.
type State int16

// The states.
const (
	Active    State = 1
	Suspended State = 2
	Revoked   State = 3
)

// Access is the right of somebody to act for a contact.
type Access struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	// Roles are those it was given for.
	Roles []contact.RoleKind `db:"roles,json"`
	// Subject is who it is at the company's identity provider, or empty.
	Subject string `db:"subject"`
	State   State  `db:"state"`
	// Expire is nil where it holds without end.
	Expire *time.Time `db:"expire_time"`
	// TokenTime is when a token was last made for it, if ever.
	TokenTime *time.Time `db:"token_time"`
}

// What may be the matter with an access.
var (
	ErrRevoked      = errs.Refused("PORTAL_ACCESS_REVOKED", "the access was revoked")
	errSuspended    = errs.Refused("PORTAL_ACCESS_SUSPENDED", "the access is suspended")
	errExpired      = errs.Refused("PORTAL_ACCESS_EXPIRED", "the access has expired")
	errRoleEnded    = errs.Refused("PORTAL_ROLE_ENDED", "the contact holds none of the roles of the access any more")
	errContactGone  = errs.Refused("PORTAL_ACCESS_REVOKED", "the contact of the access was deleted")
	errNotActive    = errs.Refused("PORTAL_ACCESS_NOT_ACTIVE", "the access is not active")
	errNotSuspended = errs.Refused("PORTAL_ACCESS_NOT_SUSPENDED", "the access is not suspended")
	errRoleNotHeld  = errs.Refused("ROLE_NOT_HELD", "the contact does not hold this role now")
)

// What happens to an access.
type (
	// AccessSuspended says that it opens nothing for now.
	AccessSuspended struct{}
	// AccessResumed says that it opens the portal again.
	AccessResumed struct{}
	// AccessRevoked says that it opens nothing any more.
	AccessRevoked struct{}
	// TokenIssued says that a token was made for it, and until when that is valid.
	TokenIssued struct{ Expire time.Time }
)

// EventName implements entity.Event.
func (AccessSuspended) EventName() string { return "AccessSuspended" }

// EventName implements entity.Event.
func (AccessResumed) EventName() string { return "AccessResumed" }

// EventName implements entity.Event.
func (AccessRevoked) EventName() string { return "AccessRevoked" }

// EventName implements entity.Event.
func (TokenIssued) EventName() string { return "TokenIssued" }

// Give refuses an access for a contact that is gone or does not hold its roles.
func (a *Access) Give(c *contact.Contact, now time.Time) error {
	if err := c.RefuseMerged(); err != nil {
		return err
	}
	if c.Deleted() {
		return errs.Refused("DELETED", "the contact is deleted")
	}
	for _, kind := range a.Roles {
		if !c.Holds(kind, now) {
			return errRoleNotHeld.With("role", kind.String())
		}
	}
	a.State = Active
	return nil
}

// Suspend lets it open nothing for now.
func (a *Access) Suspend() ([]entity.Event, error) {
	if a.State != Active {
		return nil, errNotActive
	}
	a.State = Suspended
	return []entity.Event{AccessSuspended{}}, nil
}

// Resume lets it open the portal again.
func (a *Access) Resume() ([]entity.Event, error) {
	if a.State != Suspended {
		return nil, errNotSuspended
	}
	a.State = Active
	return []entity.Event{AccessResumed{}}, nil
}

// Revoke ends it.
func (a *Access) Revoke() ([]entity.Event, error) {
	if a.State == Revoked {
		return nil, ErrRevoked
	}
	a.State = Revoked
	return []entity.Event{AccessRevoked{}}, nil
}

// Opens answers as what its contact comes in now, or why it does not. The contact is the
// one in which the merges of its own end.
func (a *Access) Opens(c *contact.Contact, now time.Time) ([]contact.RoleKind, error) {
	switch {
	case a.State == Revoked:
		return nil, ErrRevoked
	case a.State == Suspended:
		return nil, errSuspended
	case a.Expire != nil && !now.Before(*a.Expire):
		return nil, errExpired
	case c.Deleted():
		return nil, errContactGone
	}
	held := slices.DeleteFunc(slices.Clone(a.Roles), func(kind contact.RoleKind) bool { return !c.Holds(kind, now) })
	if len(held) == 0 {
		return nil, errRoleEnded
	}
	return held, nil
}

// Issue notes that a token is made for it, which is valid no longer than the access.
func (a *Access) Issue(ttl time.Duration, now time.Time) TokenIssued {
	expire := now.Add(ttl)
	if a.Expire != nil && a.Expire.Before(expire) {
		expire = *a.Expire
	}
	a.TokenTime = &now
	return TokenIssued{Expire: expire}
}

// AllowedActions names the calls that its state allows next.
func (a *Access) AllowedActions() []string {
	switch a.State {
	case Active:
		return []string{"IssuePortalToken", "UpdatePortalAccess", "SuspendPortalAccess", "RevokePortalAccess"}
	case Suspended:
		return []string{"ResumePortalAccess", "UpdatePortalAccess", "RevokePortalAccess"}
	}
	return nil
}
