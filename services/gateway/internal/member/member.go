// Package member says who works in a tenant.
package member

import (
	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Member is a person who works in the tenant.
type Member struct {
	entity.Meta
	// Subject is who it is to the identity provider: "users/…".
	Subject string `db:"subject"`
	// Contact is the person's own record; nil where it is not known.
	Contact *uuid.UUID `db:"contact"`
	// DisplayName is personal: it is sealed under the key of Contact.
	DisplayName string `db:"display_name"`
	// Roles and Teams are resource names.
	Roles []string `db:"roles,json"`
	Teams []string `db:"teams,json"`
}

// Check answers what is wrong.
func (m *Member) Check() []errs.Violation {
	var v []errs.Violation
	if m.DisplayName != "" && m.Contact == nil {
		v = append(v, errs.Violation{Field: "contact", Reason: "CONTACT_REQUIRED",
			Description: "a name is sealed under the key of the person's contact: give both or neither"})
	}
	return v
}
