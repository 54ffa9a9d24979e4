package auth

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Scope is over which records a caller may use an RPC. The wider is the greater, but for
// Self, which stands beside them: only the role Portal has it, and whoever has that role
// has no other.
type Scope int

// The scopes.
const (
	// None: not at all.
	None Scope = iota
	// Own: records whose owner the caller is.
	Own
	// Team: its own, and those of its teams.
	Team
	// All: every record of the tenant.
	All
	// Self: what is about the contact that the caller stands for, and of that the fields
	// that a service opens (pkg/portal).
	Self
)

// Rule says for one RPC which role may use it over what.
type Rule map[Role]Scope

// everybody stands in a Rule for callers without a token.
const everybody Role = ""

// Public is the rule of an RPC that needs no token. Only health has it.
var Public = Rule{everybody: All}

// Allow makes a rule that grants the scope to the roles.
func Allow(s Scope, roles ...Role) Rule {
	r := make(Rule, len(roles))
	for _, role := range roles {
		r[role] = s
	}
	return r
}

// And answers a rule that grants what either grants.
func (r Rule) And(others ...Rule) Rule {
	sum := make(Rule, len(r))
	for _, rule := range append([]Rule{r}, others...) {
		for role, scope := range rule {
			sum[role] = max(sum[role], scope)
		}
	}
	return sum
}

// Public says whether the rule needs no token.
func (r Rule) Public() bool { return r[everybody] > None }

// Policy is the table of one service: full method, such as
// "/lingkar.contact.v1.ContactService/GetContact", to rule.
type Policy map[string]Rule

// Check answers the widest scope that one of the caller's roles has for the
// method, or PERMISSION_DENIED RPC_NOT_ALLOWED. A method without an entry is
// denied.
func (p Policy) Check(c Caller, method string) (Scope, error) {
	rule := p[method]
	scope := rule[everybody]
	for _, role := range c.Roles {
		if role != everybody {
			scope = max(scope, rule[role])
		}
	}
	if scope == None {
		return None, errs.Denied("RPC_NOT_ALLOWED", "your role does not allow this call")
	}
	return scope, nil
}

type selfKey struct{}

// WithSelf answers a context in which a portal caller stands for these contacts: its own
// and all that are one with it by merges, the survivor first.
func WithSelf(ctx context.Context, contacts []uuid.UUID) context.Context {
	return context.WithValue(ctx, selfKey{}, contacts)
}

// SelfFrom answers the contacts that the caller stands for; none where it is no portal
// caller.
func SelfFrom(ctx context.Context) []uuid.UUID {
	contacts, _ := ctx.Value(selfKey{}).([]uuid.UUID)
	return contacts
}

type scopeKey struct{}

// WithScope answers a context in which the scope was granted.
func WithScope(ctx context.Context, s Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// ScopeFrom answers what the interceptor granted for this call; None where no
// interceptor ran.
func ScopeFrom(ctx context.Context) Scope {
	s, _ := ctx.Value(scopeKey{}).(Scope)
	return s
}
