package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
)

// GrantConsent implements ConsentService.
func (s *Server) GrantConsent(ctx context.Context, req *contactv1.GrantConsentRequest) (*contactv1.Consent, error) {
	return s.recordConsent(ctx, req.GetConsentId(), consent.Granted, req.GetConsent())
}

// RevokeConsent implements ConsentService.
func (s *Server) RevokeConsent(ctx context.Context, req *contactv1.RevokeConsentRequest) (*contactv1.Consent, error) {
	return s.recordConsent(ctx, req.GetConsentId(), consent.Revoked, req.GetConsent())
}

// ObjectToProcessing implements ConsentService.
func (s *Server) ObjectToProcessing(ctx context.Context, req *contactv1.ObjectToProcessingRequest) (*contactv1.Consent, error) {
	return s.recordConsent(ctx, req.GetConsentId(), consent.Objected, req.GetConsent())
}

func (s *Server) recordConsent(ctx context.Context, id string, state consent.State, p *contactv1.Consent) (*contactv1.Consent, error) {
	if ofPortal(ctx) {
		p.Source = sourcePortal
	}
	return s.Store.RecordConsent(ctx, auth.From(ctx).Tenant, id, state, p)
}

// GetConsent implements ConsentService.
func (s *Server) GetConsent(ctx context.Context, req *contactv1.GetConsentRequest) (*contactv1.Consent, error) {
	return s.Store.Consents.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListConsents implements ConsentService.
func (s *Server) ListConsents(ctx context.Context, req *contactv1.ListConsentsRequest) (*contactv1.ListConsentsResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.Consents.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListConsentsResponse{Consents: list, NextPageToken: next}, err
}

// CheckConsent implements ConsentService.
func (s *Server) CheckConsent(ctx context.Context, req *contactv1.CheckConsentRequest) (*contactv1.CheckConsentResponse, error) {
	return s.Store.CheckConsent(ctx, auth.From(ctx).Tenant, req.GetContact(), req.GetPurpose(), int32(req.GetChannel()))
}
