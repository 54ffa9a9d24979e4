package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/services/gateway"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

var update = flag.Bool("update", false, "write permissions.json anew")

const permissions = "internal/server/permissions.json"

// The roles × RPCs matrix (PLT-15) is what the policies say, of all services. It
// is embedded, because the gateway knows no service's code; run with -update after
// a change of a policy.
func TestPermissions_areThoseOfThePolicies(t *testing.T) {
	t.Parallel()
	scopes := map[auth.Scope]string{auth.Own: "OWN", auth.Team: "TEAM", auth.All: "ALL"}
	matrix := map[string]map[string]string{}
	for _, policy := range []auth.Policy{gateway.Policy, ticket.Definition.Policy} {
		for method, rule := range policy {
			roles := map[string]string{}
			for _, r := range auth.Roles {
				if rule[r] != auth.None {
					roles[string(r)] = scopes[rule[r]]
				}
			}
			matrix[strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")] = roles
		}
	}
	made, err := json.MarshalIndent(matrix, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	if *update {
		if err := os.WriteFile(permissions, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(permissions)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made) {
		t.Errorf("%s is stale: run go test ./services/gateway -run Permissions -update", permissions)
	}
}
