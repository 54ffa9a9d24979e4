package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// GetLifecycle implements LifecycleService.
func (s *Server) GetLifecycle(ctx context.Context, req *contactv1.GetLifecycleRequest) (*contactv1.Lifecycle, error) {
	return s.Store.Lifecycle(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListLifecycleTransitions implements LifecycleService.
func (s *Server) ListLifecycleTransitions(ctx context.Context, req *contactv1.ListLifecycleTransitionsRequest) (*contactv1.ListLifecycleTransitionsResponse, error) {
	return s.Store.LifecycleTransitions(ctx, auth.From(ctx).Tenant, req)
}
