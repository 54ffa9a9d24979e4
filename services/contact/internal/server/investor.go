package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/portal"
)

// CreatePublication implements InvestorRelationsService.
func (s *Server) CreatePublication(ctx context.Context, req *contactv1.CreatePublicationRequest) (*contactv1.Publication, error) {
	return s.Store.Publications.Create(ctx, auth.From(ctx).Tenant, req.GetPublicationId(), req.GetPublication())
}

// GetPublication implements InvestorRelationsService.
func (s *Server) GetPublication(ctx context.Context, req *contactv1.GetPublicationRequest) (*contactv1.Publication, error) {
	return s.Store.Publications.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListPublications implements InvestorRelationsService.
func (s *Server) ListPublications(ctx context.Context, req *contactv1.ListPublicationsRequest) (*contactv1.ListPublicationsResponse, error) {
	list, next, err := s.Store.Publications.List(ctx, auth.From(ctx).Tenant, req)
	return &contactv1.ListPublicationsResponse{Publications: list, NextPageToken: next}, err
}

// UpdatePublication implements InvestorRelationsService.
func (s *Server) UpdatePublication(ctx context.Context, req *contactv1.UpdatePublicationRequest) (*contactv1.Publication, error) {
	return s.Store.Publications.Update(ctx, auth.From(ctx).Tenant, req.GetPublication(), req.GetUpdateMask())
}

// DeletePublication implements InvestorRelationsService.
func (s *Server) DeletePublication(ctx context.Context, req *contactv1.DeletePublicationRequest) (*contactv1.Publication, error) {
	return s.Store.Publications.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeletePublication implements InvestorRelationsService.
func (s *Server) UndeletePublication(ctx context.Context, req *contactv1.UndeletePublicationRequest) (*contactv1.Publication, error) {
	return s.Store.Publications.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// CreateInformationRequest implements InvestorRelationsService.
func (s *Server) CreateInformationRequest(ctx context.Context, req *contactv1.CreateInformationRequestRequest) (*contactv1.InformationRequest, error) {
	if ofPortal(ctx) {
		if err := portal.Demand(ctx, contact.Investor); err != nil {
			return nil, err
		}
	}
	return s.Store.CreateInformationRequest(ctx, auth.From(ctx).Tenant, req.GetInformationRequestId(), req.GetInformationRequest())
}

// GetInformationRequest implements InvestorRelationsService.
func (s *Server) GetInformationRequest(ctx context.Context, req *contactv1.GetInformationRequestRequest) (*contactv1.InformationRequest, error) {
	return s.Store.InformationRequests.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListInformationRequests implements InvestorRelationsService.
func (s *Server) ListInformationRequests(ctx context.Context, req *contactv1.ListInformationRequestsRequest) (*contactv1.ListInformationRequestsResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.InformationRequests.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListInformationRequestsResponse{InformationRequests: list, NextPageToken: next}, err
}

// UpdateInformationRequest implements InvestorRelationsService.
func (s *Server) UpdateInformationRequest(ctx context.Context, req *contactv1.UpdateInformationRequestRequest) (*contactv1.InformationRequest, error) {
	return s.Store.InformationRequests.Update(ctx, auth.From(ctx).Tenant, req.GetInformationRequest(), req.GetUpdateMask())
}

// DeleteInformationRequest implements InvestorRelationsService.
func (s *Server) DeleteInformationRequest(ctx context.Context, req *contactv1.DeleteInformationRequestRequest) (*contactv1.InformationRequest, error) {
	return s.Store.InformationRequests.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteInformationRequest implements InvestorRelationsService.
func (s *Server) UndeleteInformationRequest(ctx context.Context, req *contactv1.UndeleteInformationRequestRequest) (*contactv1.InformationRequest, error) {
	return s.Store.InformationRequests.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// AnswerInformationRequest implements InvestorRelationsService.
func (s *Server) AnswerInformationRequest(ctx context.Context, req *contactv1.AnswerInformationRequestRequest) (*contactv1.InformationRequest, error) {
	return s.Store.AnswerInformationRequest(ctx, auth.From(ctx).Tenant, req)
}
