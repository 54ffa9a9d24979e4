package role_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/role"
)

// Nobody can make somebody who may more than they do.
func TestGrant_neverExceedsTheGiver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ held, given, reason string }{
		{"admin", "admin", ""},
		{"admin", "sales", ""},
		{"admin", "operator", "ROLE_NOT_GRANTABLE"},
		{"admin", "service", "ROLE_NOT_GRANTABLE"},
		{"operator", "operator", ""},
		{"operator", "service", "ROLE_NOT_GRANTABLE"},
		{"manager", "sales", "ROLE_NOT_GRANTABLE"},
		{"manager", "manager", "ROLE_NOT_GRANTABLE"},
		{"manager", "admin", "ROLE_NOT_GRANTABLE"},
		{"sales", "sales", "ROLE_NOT_GRANTABLE"},
		{"portal", "portal", "ROLE_NOT_GRANTABLE"},
		{"admin", "emperor", "ROLE_UNKNOWN"},
	} {
		err := role.Grant([]string{test.held}, []string{"roles/" + test.given})
		if errs.Reason(err) != test.reason {
			t.Errorf("%s gives %s: %v, want %q", test.held, test.given, err, test.reason)
		}
	}
	if err := role.Grant([]string{"sales", "admin"}, []string{"roles/sales", "roles/agent"}); err != nil {
		t.Error(err)
	}
}
