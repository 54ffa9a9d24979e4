// Package mesh says what each service needs of the others: whose events it follows
// and which of their RPCs it calls. What is not said there it may not do: the
// permissions at the broker and the callers that a service lets in are derived
// from the same table, and each service holds itself to its own row.
//
// The table is about processes. What the user behind a call may do is decided by
// the policy of the service that is called, in addition.
package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// Operator is the identity of the installation's operators: it may call everything
// that the policies let its token do.
const Operator = "operator"

// Mesh is the needs of all services, by their names.
type Mesh map[string]Needs

// Needs is what one service needs of the others.
type Needs struct {
	// Area is the part of the contracts it serves, such as "sales".
	Area string
	// Reads are the areas whose events it follows, at the broker and by their
	// EventLogService; its own where it projects its own events.
	Reads []string
	// Together says that it follows several of them as one projection. The broker
	// cannot tell areas apart then, and lets it follow all.
	Together bool
	// Calls are the RPCs of other services that it calls, as full methods such as
	// "/lingkar.contact.v1.ContactService/GetContact".
	Calls []string
	// Front says that it passes on what callers from outside ask for: every RPC of
	// a service that is offered over HTTP, and the events of all areas as the broker
	// has them.
	Front bool
}

// Allows says whether the service or operator may make a call.
func (m Mesh) Allows(caller, method string) bool {
	if caller == Operator {
		return true
	}
	needs, ok := m[caller]
	switch {
	case !ok:
		return false
	case slices.Contains(needs.Calls, method):
		return true
	case needs.Front && Offered(method):
		return true
	}
	area, ok := logOf(method)
	return ok && slices.Contains(needs.Reads, area)
}

// logOf answers the area whose EventLogService has the method.
func logOf(method string) (area string, ok bool) {
	name, ok := strings.CutPrefix(method, "/lingkar.")
	if !ok {
		return "", false
	}
	area, rest, _ := strings.Cut(name, ".")
	return area, strings.HasPrefix(rest, "v1.EventLogService/")
}

// Offered says whether the service of a method is offered over HTTP. One that is
// not is for our own processes alone.
func Offered(method string) bool {
	m, err := httprule.Method(method)
	return err == nil && httprule.Offered(m)
}

// Followed answers the areas whose events one of the services follows, sorted.
func (m Mesh) Followed() []string {
	var areas []string
	for _, n := range m {
		areas = append(areas, n.Reads...)
	}
	slices.Sort(areas)
	return slices.Compact(areas)
}

// Check refuses a table in which something is missing or misspelt.
func (m Mesh) Check() error {
	areas := map[string]bool{}
	for _, n := range m {
		areas[n.Area] = true
	}
	for name, n := range m {
		if n.Area == "" || name == Operator {
			return fmt.Errorf("mesh: the service %q has no area or a reserved name", name)
		}
		for _, area := range n.Reads {
			if !areas[area] {
				return fmt.Errorf("mesh: %s reads the area %q, which no service has", name, area)
			}
		}
		for _, method := range n.Calls {
			if _, err := httprule.Method(method); err != nil {
				return fmt.Errorf("mesh: %s calls what does not exist: %w", name, err)
			}
		}
	}
	return nil
}
