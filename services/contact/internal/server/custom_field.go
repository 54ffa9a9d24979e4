package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CreateCustomField implements CustomFieldService.
func (s *Server) CreateCustomField(ctx context.Context, req *contactv1.CreateCustomFieldRequest) (*contactv1.CustomField, error) {
	return s.Store.CustomFields.Create(ctx, auth.From(ctx).Tenant, req.GetCustomFieldId(), req.GetCustomField())
}

// GetCustomField implements CustomFieldService.
func (s *Server) GetCustomField(ctx context.Context, req *contactv1.GetCustomFieldRequest) (*contactv1.CustomField, error) {
	return s.Store.CustomFields.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListCustomFields implements CustomFieldService.
func (s *Server) ListCustomFields(ctx context.Context, req *contactv1.ListCustomFieldsRequest) (*contactv1.ListCustomFieldsResponse, error) {
	list, next, err := s.Store.CustomFields.List(ctx, auth.From(ctx).Tenant, req)
	return &contactv1.ListCustomFieldsResponse{CustomFields: list, NextPageToken: next}, err
}

// UpdateCustomField implements CustomFieldService.
func (s *Server) UpdateCustomField(ctx context.Context, req *contactv1.UpdateCustomFieldRequest) (*contactv1.CustomField, error) {
	return s.Store.CustomFields.Update(ctx, auth.From(ctx).Tenant, req.GetCustomField(), req.GetUpdateMask())
}

// DeleteCustomField implements CustomFieldService.
func (s *Server) DeleteCustomField(ctx context.Context, req *contactv1.DeleteCustomFieldRequest) (*contactv1.CustomField, error) {
	return s.Store.CustomFields.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteCustomField implements CustomFieldService.
func (s *Server) UndeleteCustomField(ctx context.Context, req *contactv1.UndeleteCustomFieldRequest) (*contactv1.CustomField, error) {
	return s.Store.CustomFields.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// GetCustomFieldPolicy implements CustomFieldService.
func (s *Server) GetCustomFieldPolicy(ctx context.Context, _ *contactv1.GetCustomFieldPolicyRequest) (*contactv1.CustomFieldPolicy, error) {
	return s.Store.CustomFieldPolicy(ctx, auth.From(ctx).Tenant)
}

// UpdateCustomFieldPolicy implements CustomFieldService.
func (s *Server) UpdateCustomFieldPolicy(ctx context.Context, req *contactv1.UpdateCustomFieldPolicyRequest) (*contactv1.CustomFieldPolicy, error) {
	return s.Store.UpdateCustomFieldPolicy(ctx, auth.From(ctx).Tenant, req.GetCustomFieldPolicy(), req.GetUpdateMask())
}

// GetIndustryPack implements CustomFieldService.
func (s *Server) GetIndustryPack(_ context.Context, req *contactv1.GetIndustryPackRequest) (*contactv1.IndustryPack, error) {
	return s.Store.IndustryPack(req.GetName())
}

// ListIndustryPacks implements CustomFieldService.
func (s *Server) ListIndustryPacks(_ context.Context, req *contactv1.ListIndustryPacksRequest) (*contactv1.ListIndustryPacksResponse, error) {
	if req.GetPageToken() != "" {
		return nil, errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "there is one page")
	}
	return &contactv1.ListIndustryPacksResponse{IndustryPacks: s.Store.IndustryPacks()}, nil
}

// ApplyIndustryPack implements CustomFieldService.
func (s *Server) ApplyIndustryPack(ctx context.Context, req *contactv1.ApplyIndustryPackRequest) (*contactv1.ApplyIndustryPackResponse, error) {
	return s.Store.ApplyIndustryPack(ctx, auth.From(ctx).Tenant, req.GetName())
}
