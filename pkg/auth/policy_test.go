package auth_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	policy := auth.Policy{
		"/read": auth.Allow(auth.All, auth.Admin).And(auth.Allow(auth.Team, auth.Manager), auth.Allow(auth.Own, auth.Sales, auth.Manager)),
		"/open": auth.Public,
	}
	for _, c := range []struct {
		method string
		roles  []auth.Role
		want   auth.Scope
	}{
		{"/read", []auth.Role{auth.Admin}, auth.All},
		{"/read", []auth.Role{auth.Manager}, auth.Team},
		{"/read", []auth.Role{auth.Sales}, auth.Own},
		{"/read", []auth.Role{auth.Sales, auth.Manager}, auth.Team},
		{"/read", []auth.Role{auth.Analyst}, auth.None},
		{"/read", []auth.Role{""}, auth.None},
		{"/read", nil, auth.None},
		{"/open", nil, auth.All},
		{"/unheard-of", []auth.Role{auth.Admin}, auth.None},
	} {
		got, err := policy.Check(auth.Caller{Roles: c.roles}, c.method)
		if got != c.want {
			t.Errorf("%s as %v: got the scope %v, want %v", c.method, c.roles, got, c.want)
		}
		if denied := errs.Code(err) == codes.PermissionDenied && errs.Reason(err) == "RPC_NOT_ALLOWED"; denied != (c.want == auth.None) {
			t.Errorf("%s as %v: got %v", c.method, c.roles, err)
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if _, ok := auth.FromOK(ctx); ok || auth.ScopeFrom(ctx) != auth.None {
		t.Error("nobody has called, and somebody is there")
	}
	ctx = auth.WithScope(auth.With(ctx, auth.Caller{Subject: "users/ann", Roles: []auth.Role{auth.Sales}}), auth.Team)
	if c := auth.From(ctx); c.Subject != "users/ann" || !c.Has(auth.Sales) || c.Has(auth.Admin) || auth.ScopeFrom(ctx) != auth.Team {
		t.Errorf("got %+v with %v", auth.From(ctx), auth.ScopeFrom(ctx))
	}
	defer func() {
		if recover() == nil {
			t.Error("From did not panic without a caller")
		}
	}()
	auth.From(context.Background())
}
