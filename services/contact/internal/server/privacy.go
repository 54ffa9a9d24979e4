package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
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
