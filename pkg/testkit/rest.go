package testkit

import (
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/rest"
)

// REST answers a connection over which each RPC travels as an HTTP request, so
// that a test written against a generated client proves the REST door as well. The
// token may be nil, or answer "" for a caller without one.
func REST(baseURL string, token func() string) grpc.ClientConnInterface {
	return rest.Dial(baseURL, token)
}
