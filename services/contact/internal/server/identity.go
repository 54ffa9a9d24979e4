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

// PreviewMerge implements IdentityService.
func (s *Server) PreviewMerge(ctx context.Context, req *contactv1.PreviewMergeRequest) (*contactv1.PreviewMergeResponse, error) {
	m, err := s.Store.Merging(req.GetName(), req.GetContacts(), req.GetChoices())
	if err != nil {
		return nil, err
	}
	return s.Store.PreviewMerge(ctx, auth.From(ctx).Tenant, m)
}

// MergeContacts implements IdentityService.
func (s *Server) MergeContacts(ctx context.Context, req *contactv1.MergeContactsRequest) (*contactv1.Contact, error) {
	m, err := s.Store.Merging(req.GetName(), req.GetContacts(), req.GetChoices())
	if err != nil {
		return nil, err
	}
	m.Etag = req.GetEtag()
	return s.Store.MergeContacts(ctx, auth.From(ctx).Tenant, m)
}

// UnmergeContact implements IdentityService.
func (s *Server) UnmergeContact(ctx context.Context, req *contactv1.UnmergeContactRequest) (*contactv1.Contact, error) {
	return s.Store.UnmergeContact(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// GetContactMerge implements IdentityService.
func (s *Server) GetContactMerge(ctx context.Context, req *contactv1.GetContactMergeRequest) (*contactv1.ContactMerge, error) {
	return s.Store.Merges.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListContactMerges implements IdentityService.
func (s *Server) ListContactMerges(ctx context.Context, req *contactv1.ListContactMergesRequest) (*contactv1.ListContactMergesResponse, error) {
	return s.Store.ListMerges(ctx, auth.From(ctx).Tenant, req)
}

// ClaimAnonymousContact implements IdentityService.
func (s *Server) ClaimAnonymousContact(ctx context.Context, req *contactv1.ClaimAnonymousContactRequest) (*contactv1.Contact, error) {
	tenant := auth.From(ctx).Tenant
	if req.GetDetails() != nil {
		return s.Store.ClaimContact(ctx, tenant, req.GetName(), req.GetEtag(), req.GetDetails())
	}
	m, err := s.Store.Claiming(req.GetName(), req.GetContact())
	if err != nil {
		return nil, err
	}
	m.OtherEtag = req.GetEtag()
	return s.Store.MergeContacts(ctx, tenant, m)
}
