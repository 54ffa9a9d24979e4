package matrix

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// What the scope of a call does not reach is answered as what is not there; what it
// reaches is not. That holds for each name in each request, and no answer to such a
// caller holds the id of a record out of reach.
func testScopes(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	tried := 0
	for _, role := range auth.Roles {
		c, out := b.as(role), b.outOfReach(role)
		b.each(t, func(m fuzz.Method) {
			if scope := b.policy[m.Full][role]; scope == auth.None || scope == auth.Self || installations(m) {
				return
			}
			for _, r := range m.References() {
				for _, pattern := range r.Patterns {
					b.tryScope(t, c, m, r, pattern)
				}
			}
			for _, request := range []proto.Message{newRequest(m), b.ours.base.Of(t.Context(), m)} {
				if len(out) == 0 || !harmless(m, request) {
					continue
				}
				b.demandNone(t, c, m, request, b.ask(t, c, m, request), out, "out of its scope")
			}
		})
		tried += len(out)
	}
	if tried == 0 {
		t.Error("no role has a scope, so this shows nothing")
	}
}

// reach is what a role may see of the records of a pattern: the scope of the method that
// gets one.
func (b *board) reach(role auth.Role, pattern string) auth.Scope {
	for _, m := range b.methods {
		if field, of := m.Named(); m.Standard("Get") && field == "name" && of == pattern && patternOf(m.Desc.Output()) == pattern {
			return b.policy[m.Full][role]
		}
	}
	return auth.All
}

// outOfReach are the ids of what a role may not see by whose it is. What is about whom, as
// for a portal, is tried by testPortal.
func (b *board) outOfReach(role auth.Role) map[string]bool {
	out := map[string]bool{}
	for pattern := range b.ours.owned {
		scope := b.reach(role, pattern)
		if !b.ours.owned[pattern] || scope == auth.All || scope == auth.None || scope == auth.Self {
			continue
		}
		out[idOf(b.ours.strange[pattern])] = true
		if scope == auth.Own {
			out[idOf(b.ours.team[pattern])] = true
		}
	}
	return out
}

func idOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// tryScope tries one field of a method with a record of each owner. Only the area that
// keeps a record knows whose it is: another that refers to one knows that there is one.
func (b *board) tryScope(t *testing.T, c auth.Caller, m fuzz.Method, r fuzz.Reference, pattern string) {
	t.Helper()
	if !b.ours.owned[pattern] || b.ours.creators[pattern].Area != m.Area {
		return
	}
	scope, reach := b.policy[m.Full][c.Roles[0]], b.reach(c.Roles[0], pattern)
	switch {
	case reach == auth.None: // a record that it never hears of
	case scope == auth.All || reach == auth.All:
		b.demandReached(t, c, m, r, b.ours.strange[pattern])
	case scope == auth.Team:
		b.demandReached(t, c, m, r, b.ours.own[pattern])
		b.demandReached(t, c, m, r, b.ours.team[pattern])
		b.demandAlike(t, c, m, r, pattern, b.ours.strange[pattern])
	default:
		b.demandReached(t, c, m, r, b.ours.own[pattern])
		b.demandAlike(t, c, m, r, pattern, b.ours.team[pattern])
		b.demandAlike(t, c, m, r, pattern, b.ours.strange[pattern])
	}
}

// demandReached fails the test where the record that a method is about is not found,
// though the caller may use it.
func (b *board) demandReached(t *testing.T, c auth.Caller, m fuzz.Method, r fuzz.Reference, name string) {
	t.Helper()
	if field, _ := m.Named(); field != r.String() {
		return
	}
	request := b.ours.base.Of(t.Context(), m)
	if !harmless(m, request) {
		return // what it does to the record is for its own test
	}
	b.ours.base.Refer(m, request, r, name)
	a := b.ask(t, c, m, request)
	if code := a.Status.Code(); code == codes.NotFound && strings.Contains(a.Status.Message(), name) || code == codes.PermissionDenied {
		t.Errorf("%s as %v of %s, which it may reach: %v", m.Full, c.Roles, name, a.Status)
	}
}
