package server

import (
	"context"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/portal"
)

// tokenLife is how long the token of a portal is valid where nobody says otherwise.
const tokenLife = 15 * time.Minute

// CreatePortalAccess implements PortalService.
func (s *Server) CreatePortalAccess(ctx context.Context, req *contactv1.CreatePortalAccessRequest) (*contactv1.PortalAccess, error) {
	return s.Store.CreatePortalAccess(ctx, auth.From(ctx).Tenant, req.GetPortalAccessId(), req.GetPortalAccess())
}

// GetPortalAccess implements PortalService.
func (s *Server) GetPortalAccess(ctx context.Context, req *contactv1.GetPortalAccessRequest) (*contactv1.PortalAccess, error) {
	return s.Store.PortalAccesses.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListPortalAccesses implements PortalService.
func (s *Server) ListPortalAccesses(ctx context.Context, req *contactv1.ListPortalAccessesRequest) (*contactv1.ListPortalAccessesResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.PortalAccesses.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListPortalAccessesResponse{PortalAccesses: list, NextPageToken: next}, err
}

// UpdatePortalAccess implements PortalService.
func (s *Server) UpdatePortalAccess(ctx context.Context, req *contactv1.UpdatePortalAccessRequest) (*contactv1.PortalAccess, error) {
	return s.Store.PortalAccesses.Update(ctx, auth.From(ctx).Tenant, req.GetPortalAccess(), req.GetUpdateMask())
}

// SuspendPortalAccess implements PortalService.
func (s *Server) SuspendPortalAccess(ctx context.Context, req *contactv1.SuspendPortalAccessRequest) (*contactv1.PortalAccess, error) {
	return s.changeAccess(ctx, req, (*portal.Access).Suspend)
}

// ResumePortalAccess implements PortalService.
func (s *Server) ResumePortalAccess(ctx context.Context, req *contactv1.ResumePortalAccessRequest) (*contactv1.PortalAccess, error) {
	return s.changeAccess(ctx, req, (*portal.Access).Resume)
}

// RevokePortalAccess implements PortalService.
func (s *Server) RevokePortalAccess(ctx context.Context, req *contactv1.RevokePortalAccessRequest) (*contactv1.PortalAccess, error) {
	return s.changeAccess(ctx, req, (*portal.Access).Revoke)
}

func (s *Server) changeAccess(ctx context.Context, req interface {
	GetName() string
	GetEtag() string
}, rule func(*portal.Access) ([]entity.Event, error)) (*contactv1.PortalAccess, error) {
	return s.Store.PortalAccesses.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), rule)
}

// IssuePortalToken implements PortalService.
func (s *Server) IssuePortalToken(ctx context.Context, req *contactv1.IssuePortalTokenRequest) (*contactv1.PortalToken, error) {
	ttl := tokenLife
	if req.GetTtl() != nil {
		ttl = req.GetTtl().AsDuration()
	}
	return s.Store.IssuePortalToken(ctx, auth.From(ctx).Tenant, req.GetName(), ttl, s.Issuer.Mint)
}

// GetPortalSession implements PortalService. All that it answers was found when the caller
// was admitted; a service that calls for nobody has none.
func (s *Server) GetPortalSession(ctx context.Context, _ *contactv1.GetPortalSessionRequest) (*contactv1.PortalSession, error) {
	if !ofPortal(ctx) {
		return nil, errs.NotFound("portal session", "")
	}
	return s.Store.PortalSession(ctx), nil
}

// ofPortal says whether a contact itself is calling, through a portal.
func ofPortal(ctx context.Context) bool { return auth.ScopeFrom(ctx) == auth.Self }

// sourcePortal is the source of what a contact itself says through a portal, which cannot
// say that it is another.
const sourcePortal = "portal"
