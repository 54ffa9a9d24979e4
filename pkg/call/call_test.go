package call_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
)

func ctx(tenant uuid.UUID, subject, method, request string) context.Context {
	return call.With(auth.With(context.Background(), auth.Caller{Tenant: tenant, Subject: subject}), call.Info{Method: method, RequestID: request})
}

func TestChild(t *testing.T) {
	t.Parallel()
	tenant, other := uuid.New(), uuid.New()
	id := call.Child(ctx(tenant, "users/a", "/m", "r"), "step")
	if again := call.Child(ctx(tenant, "users/a", "/m", "r"), "step"); again != id {
		t.Errorf("the same request and step give %s and %s", id, again)
	}
	if u, err := uuid.Parse(id); err != nil || u.Version() != 5 {
		t.Errorf("got %q, want a UUIDv5", id)
	}
	for name, got := range map[string]string{
		"step":    call.Child(ctx(tenant, "users/a", "/m", "r"), "other"),
		"request": call.Child(ctx(tenant, "users/a", "/m", "s"), "step"),
		"method":  call.Child(ctx(tenant, "users/a", "/n", "r"), "step"),
		"subject": call.Child(ctx(tenant, "users/b", "/m", "r"), "step"),
		"tenant":  call.Child(ctx(other, "users/a", "/m", "r"), "step"),
	} {
		if got == id {
			t.Errorf("another %s gives the same id", name)
		}
	}
	unnamed := ctx(tenant, "users/a", "/m", "")
	if first := call.Child(unnamed, "step"); call.Child(unnamed, "step") != first {
		t.Error("within one call the step gives two ids")
	}
	if call.Child(unnamed, "step") == call.Child(ctx(tenant, "users/a", "/m", ""), "step") {
		t.Error("two calls without a request id share the id of their step")
	}
}

func TestFrom_outsideACall(t *testing.T) {
	t.Parallel()
	if info := call.From(context.Background()); info != (call.Info{}) {
		t.Errorf("got %+v", info)
	}
	call.SetPosition(context.Background(), "x")
}

// Ids that callers give are kept; what is none is replaced by one.
func TestCorrelation(t *testing.T) {
	t.Parallel()
	for given, kept := range map[string]bool{
		"a": true, "!~": true, strings.Repeat("x", 128): true,
		"": false, "two words": false, "tab\t": false, "del\x7f": false, "é": false, "nul\x00": false, strings.Repeat("x", 129): false,
	} {
		got := call.Correlation(given)
		if !call.IsID(got) || (got == given) != kept {
			t.Errorf("%q becomes %q", given, got)
		}
	}
}
