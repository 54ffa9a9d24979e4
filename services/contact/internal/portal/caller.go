package portal

import (
	"context"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

type rolesKey struct{}

// With answers a context in which a portal caller comes in as these roles.
func With(ctx context.Context, roles []contact.RoleKind) context.Context {
	return context.WithValue(ctx, rolesKey{}, roles)
}

// Roles answers as what a portal caller comes; none where the caller is another.
func Roles(ctx context.Context) []contact.RoleKind {
	roles, _ := ctx.Value(rolesKey{}).([]contact.RoleKind)
	return roles
}

var errRole = errs.Denied("PORTAL_ROLE_MISSING", "the access is not for this role")

// Demand refuses a portal caller that does not come in as the role.
func Demand(ctx context.Context, role contact.RoleKind) error {
	if !slices.Contains(Roles(ctx), role) {
		return errRole.With("role", role.String())
	}
	return nil
}
