package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// FindDuplicates implements IdentityService.
func (s *Server) FindDuplicates(ctx context.Context, req *contactv1.FindDuplicatesRequest) (*contactv1.FindDuplicatesResponse, error) {
	tenant, limit := auth.From(ctx).Tenant, foundSize(req.GetPageSize())
	if req.GetContact() != nil {
		return s.Store.FindDuplicatesOf(ctx, tenant, req.GetContact(), req.GetMinScore(), limit)
	}
	return s.Store.FindDuplicates(ctx, tenant, req.GetName(), req.GetMinScore(), limit)
}

// ListDuplicates implements IdentityService.
func (s *Server) ListDuplicates(ctx context.Context, req *contactv1.ListDuplicatesRequest) (*contactv1.ListDuplicatesResponse, error) {
	return s.Store.ListDuplicates(ctx, auth.From(ctx).Tenant, req)
}

// GetIdentityPolicy implements IdentityService.
func (s *Server) GetIdentityPolicy(ctx context.Context, _ *contactv1.GetIdentityPolicyRequest) (*contactv1.IdentityPolicy, error) {
	return s.Store.ReadPolicy(ctx, auth.From(ctx).Tenant)
}

// UpdateIdentityPolicy implements IdentityService.
func (s *Server) UpdateIdentityPolicy(ctx context.Context, req *contactv1.UpdateIdentityPolicyRequest) (*contactv1.IdentityPolicy, error) {
	return s.Store.UpdatePolicy(ctx, auth.From(ctx).Tenant, req.GetIdentityPolicy(), req.GetUpdateMask())
}
