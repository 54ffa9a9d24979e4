package contact

import (
	"slices"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// MaxRoles is how many roles a contact keeps, ended ones included.
const MaxRoles = 50

var (
	errRoleHeld    = errs.Refused("ROLE_ALREADY_HELD", "the contact holds this role already during this time")
	errRoleNotHeld = errs.Refused("ROLE_NOT_HELD", "the contact does not hold this role at that time")
	errRoleDates   = errs.Refused("ROLE_ENDS_BEFORE_START", "a role cannot end before it starts")
	errRolesFull   = errs.Refused("TOO_MANY_ROLES", "the contact has 50 roles, ended ones included")
)

// RoleAssigned says that a contact took a role.
type RoleAssigned struct{ Role Role }

// EventName implements entity.Event.
func (RoleAssigned) EventName() string { return "RoleAssigned" }

// RoleEnded says that a role ended, or at which time it is going to.
type RoleEnded struct{ Role Role }

// EventName implements entity.Event.
func (RoleEnded) EventName() string { return "RoleEnded" }

// RoleRevised says that what a role knows changed: its fields of these names.
type RoleRevised struct {
	Role  Role
	Paths []string
}

// EventName implements entity.Event.
func (RoleRevised) EventName() string { return "RoleRevised" }

// AssignRole gives the contact a role beside those it plays (CON-08, CON-37). A
// zero start stands for now.
func (c *Contact) AssignRole(r Role, now time.Time) ([]entity.Event, error) {
	if r.Start.IsZero() {
		r.Start = now
	}
	switch {
	case r.End != nil && r.End.Before(r.Start):
		return nil, errRoleDates
	case overlaps(c.Roles, r):
		return nil, errRoleHeld
	case len(c.Roles) >= MaxRoles:
		return nil, errRolesFull
	}
	c.Play(append(slices.Clone(c.Roles), r))
	return []entity.Event{RoleAssigned{Role: r}}, nil
}

// EndRole ends the role of this kind that is held at the end given; a zero end
// stands for now. The role stays on the contact with its dates.
func (c *Contact) EndRole(kind RoleKind, end, now time.Time) ([]entity.Event, error) {
	if end.IsZero() {
		end = now
	}
	early := false
	for i, r := range c.Roles {
		if r.Kind != kind || r.End != nil && !r.End.After(end) {
			continue
		}
		if end.Before(r.Start) {
			early = true
			continue
		}
		r.End = &end
		roles := slices.Clone(c.Roles)
		roles[i] = r
		c.Play(roles)
		return []entity.Event{RoleEnded{Role: r}}, nil
	}
	if early {
		return nil, errRoleDates
	}
	return nil, errRoleNotHeld
}

// ReviseRole changes what a role knows, which may have ended: the one of this kind that
// started at the time given, or the latest of them where that is zero. The revision
// answers the role as it is to be, less its kind and dates, which stay, and the names of
// the fields that changed.
func (c *Contact) ReviseRole(kind RoleKind, start time.Time, revise func(Role) (Role, []string, error)) ([]entity.Event, error) {
	at := -1
	for i, r := range c.Roles {
		if r.Kind == kind && (start.IsZero() && (at < 0 || r.Start.After(c.Roles[at].Start)) || r.Start.Equal(start)) {
			at = i
		}
	}
	if at < 0 {
		return nil, errRoleNotHeld
	}
	was := c.Roles[at]
	r, paths, err := revise(was)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	r.Kind, r.Start, r.End = was.Kind, was.Start, was.End
	roles := slices.Clone(c.Roles)
	roles[at] = r
	c.Play(roles)
	return []entity.Event{RoleRevised{Role: r, Paths: paths}}, nil
}

// Held reports whether the contact plays the role or played it.
func (c *Contact) Held(kind RoleKind) bool { return c.RolesHeld[kind.String()] != "" }

// Play sets the roles, and what lists are filtered by.
func (c *Contact) Play(roles []Role) {
	c.Roles, c.RolesHeld = roles, make(map[string]string, len(roles))
	for _, r := range roles {
		if r.End == nil {
			c.RolesHeld[r.Kind.String()] = "open"
		} else if c.RolesHeld[r.Kind.String()] == "" {
			c.RolesHeld[r.Kind.String()] = "ended"
		}
	}
}

// Holds reports whether the contact plays the role at that time.
func (c *Contact) Holds(kind RoleKind, at time.Time) bool {
	return slices.ContainsFunc(c.Roles, func(r Role) bool {
		return r.Kind == kind && !at.Before(r.Start) && (r.End == nil || at.Before(*r.End))
	})
}

// overlaps reports whether one of the roles is of r's kind and shares a moment
// with it. Periods include their start and exclude their end.
func overlaps(roles []Role, r Role) bool {
	return slices.ContainsFunc(roles, func(o Role) bool {
		return o.Kind == r.Kind && startsBeforeEnd(o, r) && startsBeforeEnd(r, o)
	})
}

func startsBeforeEnd(a, b Role) bool { return b.End == nil || a.Start.Before(*b.End) }
