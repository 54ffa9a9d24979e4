package server

import (
	"context"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/portal"
)

// RecordFact implements FactService.
func (s *Server) RecordFact(ctx context.Context, req *contactv1.RecordFactRequest) (*contactv1.Fact, error) {
	if ofPortal(ctx) { // the window opens what investors say alone
		if err := portal.Demand(ctx, contact.Investor); err != nil {
			return nil, err
		}
		req.GetFact().Source = sourcePortal
	}
	return s.Store.RecordFact(ctx, auth.From(ctx).Tenant, req.GetFactId(), req.GetFact())
}

// CaptureFact implements FactService.
func (s *Server) CaptureFact(ctx context.Context, req *contactv1.CaptureFactRequest) (*contactv1.CaptureFactResponse, error) {
	return s.Store.CaptureFact(ctx, auth.From(ctx).Tenant, req)
}

// GetFact implements FactService.
func (s *Server) GetFact(ctx context.Context, req *contactv1.GetFactRequest) (*contactv1.Fact, error) {
	return s.Store.Facts.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListFacts implements FactService.
func (s *Server) ListFacts(ctx context.Context, req *contactv1.ListFactsRequest) (*contactv1.ListFactsResponse, error) {
	where, err := s.ofContact(ctx, req.GetContact())
	if err != nil {
		return nil, err
	}
	list, next, err := s.Store.Facts.List(ctx, auth.From(ctx).Tenant, req, where...)
	return &contactv1.ListFactsResponse{Facts: list, NextPageToken: next}, err
}

// GetContactProvenance implements FactService.
func (s *Server) GetContactProvenance(ctx context.Context, req *contactv1.GetContactProvenanceRequest) (*contactv1.ContactProvenance, error) {
	contact, ok := strings.CutSuffix(req.GetName(), "/provenance")
	if !ok {
		return nil, errs.Invalid("name", "", "must be contacts/{uuid}/provenance")
	}
	return s.Store.Provenance(ctx, auth.From(ctx).Tenant, contact)
}

// GetSupplierPerformance implements FactService.
func (s *Server) GetSupplierPerformance(ctx context.Context, req *contactv1.GetSupplierPerformanceRequest) (*contactv1.SupplierPerformance, error) {
	contact, ok := strings.CutSuffix(req.GetName(), "/supplierPerformance")
	if !ok {
		return nil, errs.Invalid("name", "", "must be contacts/{uuid}/supplierPerformance")
	}
	return s.Store.SupplierPerformance(ctx, auth.From(ctx).Tenant, contact, req)
}

// SummarizeMarketNeeds implements FactService.
func (s *Server) SummarizeMarketNeeds(ctx context.Context, req *contactv1.SummarizeMarketNeedsRequest) (*contactv1.SummarizeMarketNeedsResponse, error) {
	return s.Store.SummarizeMarketNeeds(ctx, auth.From(ctx).Tenant, req, foundSize(req.GetPageSize()))
}
