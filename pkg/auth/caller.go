// Package auth says who is calling and what they may do.
//
// A Verifier turns a token into a Caller: only signatures of the trusted issuers
// count, and the tenant comes from the token alone. A Policy is the table of one
// service that says, for each RPC and each role, over which records it may be
// used; an RPC without an entry is refused, and a service does not start with
// one. An Issuer mints the short tokens that the gateway makes of API keys and
// that services use for themselves.
//
// A portal token speaks for one contact, which its claim lingkar_contact names: it holds
// the role Portal and no other, so that nobody is staff and customer in one call. What it
// reaches is the scope Self.
//
// Limits: a verified token is trusted for up to 60 seconds without looking
// again, so a key that is withdrawn at an issuer works for that long at most.
package auth

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// Role is what a caller is to the tenant. Callers have one or several.
type Role string

// The roles. Service is held by services of Lingkar alone, and only tokens of
// our own issuer can carry it; Operator runs the installation, across its
// tenants; Portal is a customer, partner, supplier, investor or employee who sees
// what is its own: Caller.Contact says who.
const (
	Admin    Role = "admin"
	Manager  Role = "manager"
	Sales    Role = "sales"
	Agent    Role = "agent"
	Marketer Role = "marketer"
	Analyst  Role = "analyst"
	Operator Role = "operator"
	Service  Role = "service"
	Portal   Role = "portal"
)

// Roles are all roles.
var Roles = []Role{Admin, Manager, Sales, Agent, Marketer, Analyst, Operator, Service, Portal}

// Staff are the roles that people of the company hold, from most to least.
var Staff = []Role{Admin, Manager, Sales, Agent, Marketer, Analyst}

// NoTenant is the tenant in the tokens that services use for work across the
// tenants, such as reading a log. No row belongs to it.
var NoTenant = uuid.Max

// Caller is who makes a call.
type Caller struct {
	// Tenant is whose data the call is about.
	Tenant uuid.UUID
	// Subject is "users/…", "apiKeys/…", "services/contact" or, in a portal token of our
	// own, "portalAccesses/…": several people may act for one contact.
	Subject string
	// Roles are what it may act as.
	Roles []Role
	// Teams are the names of the teams it belongs to.
	Teams []string
	// Contact is whom a caller in the role Portal stands for; uuid.Nil for all others.
	Contact uuid.UUID
	// Access is the portal access that its token was made for; uuid.Nil where an
	// identity provider made the token.
	Access uuid.UUID
	// Token is what it showed, kept so that it can travel along to the services
	// that are called on its behalf.
	Token string
}

// Has says whether the caller holds the role.
func (c Caller) Has(role Role) bool { return slices.Contains(c.Roles, role) }

type callerKey struct{}

// With answers a context in which c is calling.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// FromOK answers who is calling, if anybody is.
func FromOK(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// From answers who is calling. It panics where nobody is: that would be an RPC
// served outside the interceptors.
func From(ctx context.Context) Caller {
	c, ok := FromOK(ctx)
	if !ok {
		panic("auth: no caller in the context")
	}
	return c
}
