package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/analytics"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

var update = flag.Bool("update", false, "write permissions.json anew")

const permissions = "internal/server/permissions.json"

// The roles × RPCs matrix (PLT-15) is what the policies say, of all services. It
// is embedded, because the gateway knows no service's code; run with -update after
// a change of a policy.
func TestPermissions_areThoseOfThePolicies(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	scopes := map[auth.Scope]string{auth.Own: "OWN", auth.Team: "TEAM", auth.All: "ALL"}
	matrix := map[string]map[string]string{}
	for _, d := range []service.Definition{
		analytics.Definition, campaign.Definition, contact.Definition, gateway.Definition, sales.Definition, ticket.Definition,
	} {
		for method, rule := range d.Policy {
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
