package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CreateLegalHold implements PrivacyService.
func (s *Server) CreateLegalHold(ctx context.Context, req *contactv1.CreateLegalHoldRequest) (*contactv1.LegalHold, error) {
	return s.Store.LegalHolds.Create(ctx, auth.From(ctx).Tenant, req.GetLegalHoldId(), req.GetLegalHold())
}

// GetLegalHold implements PrivacyService.
func (s *Server) GetLegalHold(ctx context.Context, req *contactv1.GetLegalHoldRequest) (*contactv1.LegalHold, error) {
	return s.Store.LegalHolds.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListLegalHolds implements PrivacyService.
func (s *Server) ListLegalHolds(ctx context.Context, req *contactv1.ListLegalHoldsRequest) (*contactv1.ListLegalHoldsResponse, error) {
	list, next, err := s.Store.LegalHolds.List(ctx, auth.From(ctx).Tenant, req)
	return &contactv1.ListLegalHoldsResponse{LegalHolds: list, NextPageToken: next}, err
}

// UpdateLegalHold implements PrivacyService.
func (s *Server) UpdateLegalHold(ctx context.Context, req *contactv1.UpdateLegalHoldRequest) (*contactv1.LegalHold, error) {
	return s.Store.LegalHolds.Update(ctx, auth.From(ctx).Tenant, req.GetLegalHold(), req.GetUpdateMask())
}

// DeleteLegalHold implements PrivacyService.
func (s *Server) DeleteLegalHold(ctx context.Context, req *contactv1.DeleteLegalHoldRequest) (*contactv1.LegalHold, error) {
	return s.Store.LegalHolds.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteLegalHold implements PrivacyService.
func (s *Server) UndeleteLegalHold(ctx context.Context, req *contactv1.UndeleteLegalHoldRequest) (*contactv1.LegalHold, error) {
	return s.Store.LegalHolds.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
