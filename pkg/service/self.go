package service

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

const (
	// tokenLife is how long a token that a service mints for itself is valid, and
	// reuse how long it is used again: whoever gets one has the rest.
	tokenLife = time.Minute
	reuse     = 30 * time.Second
	// maxTokens is how many tenants' tokens are kept.
	maxTokens = 10_000
)

// minted is a token of the service itself.
type minted struct {
	token string
	until time.Time
}

// AsService answers a context in which the service itself calls, in the tenant:
// for work that no user asked for. Its token is good for 30 seconds at least, so ask
// again for each piece of work.
func (rt *Runtime) AsService(ctx context.Context, tenant uuid.UUID) (context.Context, error) {
	c := auth.Caller{Tenant: tenant, Subject: "services/" + rt.Name, Roles: []auth.Role{auth.Service}}
	var err error
	c.Token, err = rt.token(c)
	return auth.WithScope(auth.With(ctx, c), auth.All), err
}

// token mints a token, or answers the one of the same tenant while it is fresh:
// those who get it know it already.
func (rt *Runtime) token(c auth.Caller) (string, error) {
	now := time.Now()
	rt.parts.mu.Lock()
	defer rt.parts.mu.Unlock()
	if known, ok := rt.parts.tokens[c.Tenant]; ok && now.Before(known.until) {
		return known.token, nil
	}
	token, err := rt.Issuer.Mint(c, tokenLife)
	if err != nil {
		return "", err
	}
	if rt.parts.tokens == nil || len(rt.parts.tokens) >= maxTokens {
		rt.parts.tokens = map[uuid.UUID]minted{}
	}
	rt.parts.tokens[c.Tenant] = minted{token, now.Add(reuse)}
	return token, nil
}

// ownConn makes every call as the service itself, in no tenant.
type ownConn struct {
	rt   *Runtime
	area string
}

// Invoke implements grpc.ClientConnInterface.
func (c *ownConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	ctx, err := c.rt.AsService(ctx, auth.NoTenant)
	if err != nil {
		return err
	}
	return c.rt.Dial(c.area).Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (c *ownConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, err := c.rt.AsService(ctx, auth.NoTenant)
	if err != nil {
		return nil, err
	}
	return c.rt.Dial(c.area).NewStream(ctx, desc, method, opts...)
}
