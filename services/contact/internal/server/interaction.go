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
	list, snippets, err := s.Store.SearchInteractions(ctx, auth.From(ctx).Tenant, req.GetQuery(), req.GetContact(), foundSize(req.GetPageSize()))
	return &contactv1.SearchInteractionsResponse{Interactions: list, Snippets: s.shown(ctx, snippets, interactionType, documentType)}, err
}

// shown answers snippets that are empty where a rule keeps any field of what they are
// taken from from the caller.
func (s *Server) shown(ctx context.Context, snippets []*contactv1.Snippet, kinds ...string) []*contactv1.Snippet {
	if s.Rules.Whole(ctx, false, kinds...) == nil {
		return snippets
	}
	for i := range snippets {
		snippets[i] = &contactv1.Snippet{}
	}
	return snippets
}
