package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/record"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
)

// CreateSegment implements campaignv1.SegmentServiceServer.
func (s *Server) CreateSegment(ctx context.Context, req *campaignv1.CreateSegmentRequest) (*campaignv1.Segment, error) {
	if err := s.checkDefinition(ctx, "segment.", req.GetSegment()); err != nil {
		return nil, err
	}
	return s.Store.Segments.Create(ctx, tenantOf(ctx), req.GetSegmentId(), req.GetSegment())
}

// GetSegment implements campaignv1.SegmentServiceServer.
func (s *Server) GetSegment(ctx context.Context, req *campaignv1.GetSegmentRequest) (*campaignv1.Segment, error) {
	return s.Store.Segments.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListSegments implements campaignv1.SegmentServiceServer.
func (s *Server) ListSegments(ctx context.Context, req *campaignv1.ListSegmentsRequest) (*campaignv1.ListSegmentsResponse, error) {
	segments, next, err := s.Store.Segments.List(ctx, tenantOf(ctx), req)
	if err != nil {
		return nil, err
	}
	return &campaignv1.ListSegmentsResponse{Segments: segments, NextPageToken: next}, nil
}

// UpdateSegment implements campaignv1.SegmentServiceServer.
func (s *Server) UpdateSegment(ctx context.Context, req *campaignv1.UpdateSegmentRequest) (*campaignv1.Segment, error) {
	written := &campaignv1.Segment{}
	if writes(req.GetUpdateMask(), "filter") {
		written.Filter = req.GetSegment().GetFilter()
	}
	if writes(req.GetUpdateMask(), "contacts") {
		written.Contacts = req.GetSegment().GetContacts()
	}
	if err := s.checkDefinition(ctx, "segment.", written); err != nil {
		return nil, err
	}
	return s.Store.Segments.Update(ctx, tenantOf(ctx), req.GetSegment(), req.GetUpdateMask())
}

// DeleteSegment implements campaignv1.SegmentServiceServer.
func (s *Server) DeleteSegment(ctx context.Context, req *campaignv1.DeleteSegmentRequest) (*campaignv1.Segment, error) {
	return s.Store.Segments.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(g *segment.Segment) ([]entity.Event, error) {
		if err := g.Remove(); err != nil {
			return nil, err
		}
		now := s.now()
		g.DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
}

// UndeleteSegment implements campaignv1.SegmentServiceServer.
func (s *Server) UndeleteSegment(ctx context.Context, req *campaignv1.UndeleteSegmentRequest) (*campaignv1.Segment, error) {
	return s.Store.Segments.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// MaterializeSegment implements campaignv1.SegmentServiceServer.
func (s *Server) MaterializeSegment(ctx context.Context, req *campaignv1.MaterializeSegmentRequest) (*campaignv1.Segment, error) {
	answer, err := s.Store.Segments.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), (*segment.Segment).Materialize)
	if err == nil {
		s.lookups.ring()
	}
	return answer, err
}

// ListSegmentMembers implements campaignv1.SegmentServiceServer.
func (s *Server) ListSegmentMembers(ctx context.Context, req *campaignv1.ListSegmentMembersRequest) (*campaignv1.ListSegmentMembersResponse, error) {
	caller := auth.From(ctx)
	g, err := s.Store.Segments.Get(ctx, caller.Tenant, req.GetParent())
	if err != nil {
		return nil, record.At("parent", err)
	}
	version := req.GetVersion()
	if version == 0 {
		version = g.Version
	}
	page, next, err := s.Store.MemberPage(ctx, caller.Tenant, caller.Subject, g.ID, version, req)
	if err != nil {
		return nil, err
	}
	resp := &campaignv1.ListSegmentMembersResponse{NextPageToken: next}
	for _, id := range page {
		resp.Members = append(resp.Members, &campaignv1.SegmentMember{Contact: "contacts/" + id.String(), Version: version})
	}
	return resp, nil
}
