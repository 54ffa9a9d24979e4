package server

import (
	"context"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// RestrictContact implements PrivacyService.
func (s *Server) RestrictContact(ctx context.Context, req *contactv1.RestrictContactRequest) (*contactv1.Contact, error) {
	now := s.Store.Now()
	return s.Store.Contacts.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), func(c *contact.Contact) ([]entity.Event, error) {
		return c.Restrict(now), nil
	})
}

// LiftRestriction implements PrivacyService.
func (s *Server) LiftRestriction(ctx context.Context, req *contactv1.LiftRestrictionRequest) (*contactv1.Contact, error) {
	return s.Store.Contacts.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), func(c *contact.Contact) ([]entity.Event, error) {
		return c.LiftRestriction(), nil
	})
}

// GetContactRetention implements PrivacyService.
func (s *Server) GetContactRetention(ctx context.Context, req *contactv1.GetContactRetentionRequest) (*contactv1.ContactRetention, error) {
	contact, ok := strings.CutSuffix(req.GetName(), "/retention")
	if !ok {
		return nil, errs.Invalid("name", "", "must be contacts/{uuid}/retention")
	}
	return s.Store.Retention(ctx, auth.From(ctx).Tenant, contact)
}

// EraseContact implements PrivacyService.
func (s *Server) EraseContact(ctx context.Context, req *contactv1.EraseContactRequest) (*contactv1.Contact, error) {
	return s.Store.Erase(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), contact.ErasureReason(req.GetReason()))
}

// ListErasures implements PrivacyService.
func (s *Server) ListErasures(ctx context.Context, req *contactv1.ListErasuresRequest) (*contactv1.ListErasuresResponse, error) {
	return s.Store.Erasures(ctx, auth.From(ctx).Tenant, req.GetPageSize(), req.GetPageToken())
}
