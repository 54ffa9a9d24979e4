package contact

import (
	"fmt"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Check answers all that is wrong with the contact's own fields, with paths
// relative to it.
func (c *Contact) Check() []errs.Violation {
	violations := append(c.checkNames(), c.checkIdentifiers()...)
	for i, r := range c.Roles {
		if r.End != nil && r.End.Before(r.Start) {
			violations = append(violations, errs.Violation{
				Field: fmt.Sprintf("roles[%d].end_time", i), Reason: "ROLE_ENDS_BEFORE_START", Description: "lies before start_time",
			})
		}
		if overlaps(c.Roles[:i], r) {
			violations = append(violations, errs.Violation{
				Field: fmt.Sprintf("roles[%d]", i), Reason: "ROLE_ALREADY_HELD", Description: "is held already during this time",
			})
		}
	}
	return violations
}

// checkNames asks for a name to show, and refuses what only a person has on an
// organisation.
func (c *Contact) checkNames() []errs.Violation {
	if c.DisplayName == "" {
		description := "is required of a person without given_name and family_name"
		if c.Kind == Organisation {
			description = "is required of an organisation"
		}
		return []errs.Violation{{Field: "display_name", Description: description}}
	}
	if c.Kind != Organisation {
		return nil
	}
	var violations []errs.Violation
	for _, f := range []struct{ path, value string }{
		{"given_name", c.GivenName}, {"family_name", c.FamilyName}, {"job_title", c.JobTitle},
		{"organisation_name", c.OrganisationName}, {"birthday", c.Birthday},
	} {
		if f.value != "" {
			violations = append(violations, errs.Violation{Field: f.path, Description: "is for persons only"})
		}
	}
	return violations
}
