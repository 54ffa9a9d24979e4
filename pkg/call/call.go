// Package call holds what one RPC carries besides its message: the request id
// that makes it repeatable, the ids that tie it to what caused it, and the
// position in the log up to which its answer holds.
//
// The interceptors of pkg/rpc fill it in; consumers of events fill it in for the
// work they do on an event's behalf.
package call

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// The metadata keys that carry parts of Info between processes.
const (
	CorrelationHeader = "x-correlation-id"
	CausationHeader   = "x-causation-id"
	PositionHeader    = "lingkar-position"
	MinPositionHeader = "lingkar-min-position"
)

// Info is what one RPC carries.
type Info struct {
	// Method is the full method, such as
	// "/lingkar.contact.v1.ContactService/GetContact".
	Method string
	// RequestID is the caller's id of a change; empty where it gave none.
	RequestID string
	// Hash is the SHA-256 of the request, less its request_id: what tells
	// another request under the same id.
	Hash [32]byte
	// Correlation is shared by all that follows from one request of a caller.
	Correlation string
	// Causation is the id of the event or request that led to this call.
	Causation string
	// ValidateOnly asks to check everything and to change nothing.
	ValidateOnly bool
	// MinPosition is the position that a read must have seen; empty for any.
	MinPosition string

	// unique stands in for RequestID in Child where the caller gave none.
	unique uuid.UUID
}

type infoKey struct{}

// With answers a context that carries the info.
func With(ctx context.Context, info Info) context.Context {
	if info.unique == uuid.Nil {
		info.unique = uuid.New()
	}
	return context.WithValue(ctx, infoKey{}, info)
}

// From answers what the call carries; the zero Info outside a call.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(infoKey{}).(Info)
	return info
}

// maxID is how long an id that ties calls together may be.
const maxID = 128

// IsID says whether callers may tie calls together by an id: it is 1 to 128 visible ASCII
// characters.
func IsID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if id[i] < '!' || id[i] > '~' {
			return false
		}
	}
	return true
}

// Correlation answers the id that a caller gave, and a new one where that is none.
func Correlation(given string) string {
	if IsID(given) {
		return given
	}
	return uuid.Must(uuid.NewV7()).String()
}

// SetPosition answers to the caller, in the header "lingkar-position", the
// position that its change has in the log. Outside an RPC it does nothing.
func SetPosition(ctx context.Context, token string) {
	_ = grpc.SetHeader(ctx, metadata.Pairs(PositionHeader, token)) // fails only where there is no caller to tell
}

// Child answers the request id of a call made on behalf of this one. The same
// request and step give the same id, so that a repeated request repeats its
// calls; another tenant, subject or method gives another.
func Child(ctx context.Context, step string) string {
	info := From(ctx)
	parent := info.unique
	if info.RequestID != "" {
		caller, _ := auth.FromOK(ctx)
		parent = uuid.NewSHA1(caller.Tenant, []byte(caller.Subject+"\n"+info.Method+"\n"+info.RequestID))
	}
	return uuid.NewSHA1(parent, []byte(step)).String()
}
