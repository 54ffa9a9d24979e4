package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
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

var update = flag.Bool("update", false, "write permissions.json and docs/permissions.md anew")

const (
	permissions = "internal/server/permissions.json"
	page        = "../../docs/permissions.md"
)

// The roles × RPCs matrix (PLT-15) is what the policies say, of all services. It
// is embedded, because the gateway knows no service's code, and printed for people; run
// with -update after a change of a policy.
func TestPermissions_areThoseOfThePolicies(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	scopes := map[auth.Scope]string{auth.Own: "OWN", auth.Team: "TEAM", auth.All: "ALL", auth.Self: "SELF"}
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
	keep(t, permissions, append(made, '\n'))
	keep(t, page, []byte(pageOf(matrix)))
}

// keep compares what was made with what is kept, or writes it.
func keep(t *testing.T, path string, made []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made) {
		t.Errorf("%s is stale: run go test ./services/gateway -run Permissions -update", path)
	}
}

const introduction = `# Who may call what

Written from the policies of the services by ` + "`go test ./services/gateway -run Permissions -update`" + `; the same as
` + "`GET /v1/roles`" + ` answers. That the services do what it says is tested for each RPC and each role
(` + "`services/internal/matrix`" + `).

**all**: over every record of the tenant. **team**: over the caller's own records and those of its teams.
**own**: over records whose owner the caller is. **self**: over what is about the contact that a portal caller
stands for, and of that the fields that are open to a portal ([portal.md](portal.md)). Empty: PERMISSION_DENIED. What is out of scope, and what
is another tenant's, is answered NOT_FOUND in the words for what is not there, and is in no list. The role
operator is the installation's and service our own processes': no token of a tenant's people carries them.
`

// pageOf words the matrix as a page: a table a service, an RPC a line, a role a column.
func pageOf(matrix map[string]map[string]string) string {
	var text strings.Builder
	text.WriteString(introduction)
	service := ""
	for _, method := range slices.Sorted(maps.Keys(matrix)) {
		of, name := method[:strings.LastIndexByte(method, '.')], method[strings.LastIndexByte(method, '.')+1:]
		if of != service {
			service = of
			fmt.Fprintf(&text, "\n## %s\n\n| RPC |", strings.TrimPrefix(service, "lingkar."))
			for _, role := range auth.Roles {
				fmt.Fprintf(&text, " %s |", role)
			}
			text.WriteString("\n|---|" + strings.Repeat("---|", len(auth.Roles)) + "\n")
		}
		fmt.Fprintf(&text, "| %s |", name)
		for _, role := range auth.Roles {
			fmt.Fprintf(&text, " %s |", strings.ToLower(matrix[method][string(role)]))
		}
		text.WriteString("\n")
	}
	return text.String()
}
