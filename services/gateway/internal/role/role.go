// Package role holds the roles a caller can act as. They are built in, and the
// same for every tenant; what each may call stands in the services' policies.
package role

import (
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Role is one of them.
type Role struct {
	// ID is the name in tokens, such as "sales".
	ID string
	// DisplayName and Description are for people.
	DisplayName, Description string
	// GrantedBy are the ids of the roles whose holders may give it away.
	GrantedBy []string
}

// Prefix begins the resource name of a role.
const Prefix = "roles/"

// Name is the resource name.
func (r Role) Name() string { return Prefix + r.ID }

var (
	byAdmins    = []string{"admin", "operator"}
	byOperators = []string{"operator"}
)

// All are the roles, from most to least.
var All = []Role{
	{"admin", "Administrator", "Looks after the tenant: its people, keys, rules and every record. Cannot see other tenants.", byAdmins},
	{"manager", "Manager", "Leads teams: sees and changes every record, and decides what others may not. Cannot make administrators.", byAdmins},
	{"sales", "Sales", "Sells: leads, opportunities, quotes and orders of its own and its teams. Cannot change prices.", byAdmins},
	{"agent", "Service agent", "Helps customers: tickets, conversations and what they need to know. Cannot change orders.", byAdmins},
	{"marketer", "Marketer", "Runs campaigns and segments. Cannot reach customers who refused it.", byAdmins},
	{"analyst", "Analyst", "Reads and reckons. Cannot change anything but its own reports.", byAdmins},
	{"operator", "Operator", "Runs the installation: tenants, rebuilds, dead letters. Is no role of a tenant's own people.", byOperators},
	{"service", "Service", "What the services of Lingkar are to one another. Cannot be given to anybody.", nil},
	{"portal", "Portal", "A customer, partner, supplier, investor or employee. Reaches what is about itself alone, and comes in by a portal token (PortalService).", nil},
}

// Find answers the role of a resource name such as "roles/sales".
func Find(name string) (Role, bool) {
	i := slices.IndexFunc(All, func(r Role) bool { return r.Name() == name })
	if i < 0 {
		return Role{}, false
	}
	return All[i], true
}

// ErrNotGrantable says that somebody gives away more than they have.
var ErrNotGrantable = errs.Denied("ROLE_NOT_GRANTABLE", "your roles do not allow you to give this role away")

// Grant checks that the holder of the roles, by their ids, may give away those
// that are named by given. Without it, whoever may make a key could make one that
// may more than its maker.
func Grant(held, given []string) error {
	for _, name := range given {
		r, ok := Find(name)
		if !ok {
			return errs.Invalid("roles", "ROLE_UNKNOWN", "there is no such role")
		}
		if !slices.ContainsFunc(held, func(id string) bool { return slices.Contains(r.GrantedBy, id) }) {
			return ErrNotGrantable.With("role", name)
		}
	}
	return nil
}
