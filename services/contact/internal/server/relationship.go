package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// CreateRelationshipType implements RelationshipService.
func (s *Server) CreateRelationshipType(ctx context.Context, req *contactv1.CreateRelationshipTypeRequest) (*contactv1.RelationshipType, error) {
	return s.Store.RelationshipTypes.Create(ctx, auth.From(ctx).Tenant, req.GetRelationshipTypeId(), req.GetRelationshipType())
}

// GetRelationshipType implements RelationshipService.
func (s *Server) GetRelationshipType(ctx context.Context, req *contactv1.GetRelationshipTypeRequest) (*contactv1.RelationshipType, error) {
	return s.Store.RelationshipTypes.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListRelationshipTypes implements RelationshipService.
func (s *Server) ListRelationshipTypes(ctx context.Context, req *contactv1.ListRelationshipTypesRequest) (*contactv1.ListRelationshipTypesResponse, error) {
	list, next, err := s.Store.RelationshipTypes.List(ctx, auth.From(ctx).Tenant, req)
	return &contactv1.ListRelationshipTypesResponse{RelationshipTypes: list, NextPageToken: next}, err
}

// UpdateRelationshipType implements RelationshipService.
func (s *Server) UpdateRelationshipType(ctx context.Context, req *contactv1.UpdateRelationshipTypeRequest) (*contactv1.RelationshipType, error) {
	return s.Store.RelationshipTypes.Update(ctx, auth.From(ctx).Tenant, req.GetRelationshipType(), req.GetUpdateMask())
}

// DeleteRelationshipType implements RelationshipService.
func (s *Server) DeleteRelationshipType(ctx context.Context, req *contactv1.DeleteRelationshipTypeRequest) (*contactv1.RelationshipType, error) {
	return s.Store.RelationshipTypes.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteRelationshipType implements RelationshipService.
func (s *Server) UndeleteRelationshipType(ctx context.Context, req *contactv1.UndeleteRelationshipTypeRequest) (*contactv1.RelationshipType, error) {
	return s.Store.RelationshipTypes.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// CreateRelationship implements RelationshipService.
func (s *Server) CreateRelationship(ctx context.Context, req *contactv1.CreateRelationshipRequest) (*contactv1.Relationship, error) {
	return s.Store.CreateRelationship(ctx, auth.From(ctx).Tenant, req.GetRelationshipId(), req.GetRelationship())
}

// GetRelationship implements RelationshipService.
func (s *Server) GetRelationship(ctx context.Context, req *contactv1.GetRelationshipRequest) (*contactv1.Relationship, error) {
	return s.Store.Relationships.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListRelationships implements RelationshipService.
func (s *Server) ListRelationships(ctx context.Context, req *contactv1.ListRelationshipsRequest) (*contactv1.ListRelationshipsResponse, error) {
	var where []postgres.Cond
	if req.GetContact() != "" {
		cond, err := s.Store.WithContact(ctx, auth.From(ctx).Tenant, req.GetContact())
		if err != nil {
			return nil, err
		}
		where = append(where, cond)
	}
	list, next, err := s.Store.Relationships.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListRelationshipsResponse{Relationships: list, NextPageToken: next}, err
}

// UpdateRelationship implements RelationshipService.
func (s *Server) UpdateRelationship(ctx context.Context, req *contactv1.UpdateRelationshipRequest) (*contactv1.Relationship, error) {
	return s.Store.Relationships.Update(ctx, auth.From(ctx).Tenant, req.GetRelationship(), req.GetUpdateMask())
}

// EndRelationship implements RelationshipService.
func (s *Server) EndRelationship(ctx context.Context, req *contactv1.EndRelationshipRequest) (*contactv1.Relationship, error) {
	end, now := store.Instant(req.GetEndTime()), s.Store.Now()
	return s.Store.Relationships.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), func(r *relationship.Relationship) ([]entity.Event, error) {
		return r.Finish(end, now)
	})
}

// DeleteRelationship implements RelationshipService.
func (s *Server) DeleteRelationship(ctx context.Context, req *contactv1.DeleteRelationshipRequest) (*contactv1.Relationship, error) {
	return s.Store.Relationships.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteRelationship implements RelationshipService.
func (s *Server) UndeleteRelationship(ctx context.Context, req *contactv1.UndeleteRelationshipRequest) (*contactv1.Relationship, error) {
	return s.Store.Relationships.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
