package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// RecordInteraction implements InteractionService.
func (s *Server) RecordInteraction(ctx context.Context, req *contactv1.RecordInteractionRequest) (*contactv1.Interaction, error) {
	return s.Store.RecordInteraction(ctx, auth.From(ctx).Tenant, req.GetInteractionId(), req.GetInteraction())
}

// GetInteraction implements InteractionService.
func (s *Server) GetInteraction(ctx context.Context, req *contactv1.GetInteractionRequest) (*contactv1.Interaction, error) {
	return s.Store.Interactions.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListInteractions implements InteractionService.
func (s *Server) ListInteractions(ctx context.Context, req *contactv1.ListInteractionsRequest) (*contactv1.ListInteractionsResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.Interactions.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListInteractionsResponse{Interactions: list, NextPageToken: next}, err
}

// ofContact limits a list to one contact, where the request names one.
func (s *Server) ofContact(ctx context.Context, name string) ([]postgres.Cond, error) {
	if name == "" {
		return nil, nil
	}
	cond, err := s.Store.OfContact(ctx, auth.From(ctx).Tenant, name)
	return []postgres.Cond{cond}, err
}

// SearchInteractions implements InteractionService.
func (s *Server) SearchInteractions(ctx context.Context, req *contactv1.SearchInteractionsRequest) (*contactv1.SearchInteractionsResponse, error) {
	list, err := s.Store.SearchInteractions(ctx, auth.From(ctx).Tenant, req.GetQuery(), req.GetContact(), foundSize(req.GetPageSize()))
	return &contactv1.SearchInteractionsResponse{Interactions: list}, err
}

// GetDocument implements InteractionService.
func (s *Server) GetDocument(ctx context.Context, req *contactv1.GetDocumentRequest) (*contactv1.Document, error) {
	return s.Store.GetDocument(ctx, auth.From(ctx).Tenant, req.GetName())
}
