package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CreatePurpose implements PurposeService.
func (s *Server) CreatePurpose(ctx context.Context, req *contactv1.CreatePurposeRequest) (*contactv1.Purpose, error) {
	return s.Store.Purposes.Create(ctx, auth.From(ctx).Tenant, req.GetPurposeId(), req.GetPurpose())
}

// GetPurpose implements PurposeService.
func (s *Server) GetPurpose(ctx context.Context, req *contactv1.GetPurposeRequest) (*contactv1.Purpose, error) {
	return s.Store.Purposes.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListPurposes implements PurposeService.
func (s *Server) ListPurposes(ctx context.Context, req *contactv1.ListPurposesRequest) (*contactv1.ListPurposesResponse, error) {
	list, next, err := s.Store.Purposes.List(ctx, auth.From(ctx).Tenant, req)
	return &contactv1.ListPurposesResponse{Purposes: list, NextPageToken: next}, err
}

// UpdatePurpose implements PurposeService.
func (s *Server) UpdatePurpose(ctx context.Context, req *contactv1.UpdatePurposeRequest) (*contactv1.Purpose, error) {
	return s.Store.Purposes.Update(ctx, auth.From(ctx).Tenant, req.GetPurpose(), req.GetUpdateMask())
}

// DeletePurpose implements PurposeService.
func (s *Server) DeletePurpose(ctx context.Context, req *contactv1.DeletePurposeRequest) (*contactv1.Purpose, error) {
	return s.Store.Purposes.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeletePurpose implements PurposeService.
func (s *Server) UndeletePurpose(ctx context.Context, req *contactv1.UndeletePurposeRequest) (*contactv1.Purpose, error) {
	return s.Store.Purposes.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
