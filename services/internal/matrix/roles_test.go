package matrix

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rest"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// Whoever's role does not allow a call is told so whatever the call says, and before
// anything of it is looked at; whoever's does is not. Nobody calls without a token.
func testRoles(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	testkit.Prove(t, testkit.OverREST, "PLT-15")
	b.each(t, func(m fuzz.Method) {
		full := b.ours.base.Of(t.Context(), m)
		for _, role := range auth.Roles {
			c := b.as(role)
			if b.policy[m.Full][role] == auth.None {
				b.demandDenied(t, c, m, full)
				continue
			}
			request := proto.Clone(full)
			if !harmless(m, request) {
				b.point(m, request) // at what is not there
			}
			if a := b.ask(t, c, m, request); denied(a) {
				t.Errorf("%s as %s, which the policy allows: %v", m.Full, role, a.Status)
			}
		}
		nobody := b.as()
		b.demandDenied(t, nobody, m, full)
		b.demandDenied(t, nobody, m, newRequest(m))
		b.demandDeniedREST(t, nobody, m, full)
		if a := fuzz.CallGRPC(fuzz.Expectantly(t.Context()), b.Route(auth.Caller{}), m, fuzz.Wire(full)); a.Status.Code() != codes.Unauthenticated {
			t.Errorf("%s without a token: %v", m.Full, a.Status)
		}
	})
}

// demandDenied fails the test where a caller is not refused for its role.
func (b *board) demandDenied(t *testing.T, c auth.Caller, m fuzz.Method, request proto.Message) {
	t.Helper()
	a := fuzz.CallGRPC(fuzz.Expectantly(t.Context()), b.Route(c), m, fuzz.Wire(request))
	if b.demandOurs(t, c, m, request, a); !denied(a) {
		t.Errorf("%s as %v, which the policy does not allow: %v", m.Full, c.Roles, a.Status)
	}
}

// demandDeniedREST is demandDenied over REST, where the method is offered there.
func (b *board) demandDeniedREST(t *testing.T, c auth.Caller, m fuzz.Method, request proto.Message) {
	t.Helper()
	if len(m.Bindings) == 0 || m.Streams() {
		return
	}
	req, err := rest.Request(t.Context(), b.HTTP, m.Full, request)
	if err != nil {
		return // no path holds it
	}
	req.Header.Set("Authorization", "Bearer "+b.Token(c))
	if a, sent := fuzz.CallHTTP(t.Context(), m, req, false); sent && (!denied(a) || a.HTTP != http.StatusForbidden) {
		t.Errorf("%s over REST as %v, which the policy does not allow: %d %v", m.Full, c.Roles, a.HTTP, a.Status)
	}
}

func denied(a fuzz.Answer) bool {
	return a.Status.Code() == codes.PermissionDenied && errs.Reason(a.Status.Err()) == "RPC_NOT_ALLOWED"
}

// point lets every name in a request be one that nothing has.
func (b *board) point(m fuzz.Method, request proto.Message) {
	for _, r := range m.References() {
		b.ours.base.Refer(m, request, r, b.ours.missing(r.Patterns[0]))
	}
}
