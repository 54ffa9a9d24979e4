// Package fieldrule holds the tenant's rules about single fields of records. What
// they do to calls is package fieldaccess's.
package fieldrule

import (
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/role"
)

// Rule says which roles see a field, and which of them change it.
type Rule struct {
	entity.Meta
	ResourceType string   `db:"resource_type"`
	Field        string   `db:"field"`
	Readers      []string `db:"readers,json"`
	Writers      []string `db:"writers,json"`
	Reason       string   `db:"reason"`
}

// Check answers what is wrong with the roles.
func (r *Rule) Check() []errs.Violation {
	var v []errs.Violation
	for field, names := range map[string][]string{"readers": r.Readers, "writers": r.Writers} {
		for _, name := range names {
			if !slices.ContainsFunc(role.All, func(of role.Role) bool { return of.Name() == name }) {
				v = append(v, errs.Violation{Field: field, Reason: "ROLE_UNKNOWN", Description: "there is no such role"})
				break
			}
		}
	}
	return v
}
