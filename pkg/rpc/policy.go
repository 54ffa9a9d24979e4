package rpc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// CheckPolicy refuses a server that has an RPC without an entry in its policy, or
// a policy with an entry for an RPC that the server has not: each would be a
// mistake that only its victims notice.
func (s *Server) CheckPolicy() error { return CheckPolicy(s.Server, s.policy) }

// CheckPolicy compares what a server serves with a policy. Health needs no
// entry.
func CheckPolicy(server *grpc.Server, policy auth.Policy) error {
	served := methodsOf(server)
	var wrong []string
	for _, method := range slices.Sorted(maps.Keys(served)) {
		if policy[method] == nil && open[method] == nil {
			wrong = append(wrong, method+" has no entry")
		}
	}
	for _, method := range slices.Sorted(maps.Keys(policy)) {
		if !served[method] && open[method] == nil {
			wrong = append(wrong, method+" has an entry and is not served")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("the policy does not fit the server: %s", strings.Join(wrong, "; "))
	}
	return nil
}

// methodsOf answers the full names of the methods that are registered.
func methodsOf(server *grpc.Server) map[string]bool {
	methods := map[string]bool{}
	for service, info := range server.GetServiceInfo() {
		for _, m := range info.Methods {
			methods["/"+service+"/"+m.Name] = true
		}
	}
	return methods
}
