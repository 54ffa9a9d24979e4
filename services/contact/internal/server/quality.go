package server

import (
	"context"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

// GetDataQuality implements QualityService.
func (s *Server) GetDataQuality(ctx context.Context, req *contactv1.GetDataQualityRequest) (*contactv1.DataQuality, error) {
	if !strings.HasSuffix(req.GetName(), "/dataQuality") {
		return nil, errs.Invalid("name", "", `must be "contacts/{uuid}/dataQuality"`)
	}
	return s.Store.DataQuality(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListDataQuality implements QualityService.
func (s *Server) ListDataQuality(ctx context.Context, req *contactv1.ListDataQualityRequest) (*contactv1.ListDataQualityResponse, error) {
	caller := auth.From(ctx)
	return s.Store.ListDataQuality(ctx, caller.Tenant, caller.Subject, req)
}

// GetDataQualitySummary implements QualityService.
func (s *Server) GetDataQualitySummary(ctx context.Context, _ *contactv1.GetDataQualitySummaryRequest) (*contactv1.DataQualitySummary, error) {
	return s.Store.DataQualitySummary(ctx, auth.From(ctx).Tenant)
}

// VerifyField implements QualityService.
func (s *Server) VerifyField(ctx context.Context, req *contactv1.VerifyFieldRequest) (*contactv1.FieldVerification, error) {
	caller := auth.From(ctx)
	v := quality.Verified{Field: req.GetField(), Method: int32(req.GetMethod()), At: s.Store.Now(), Actor: caller.Subject}
	if req.GetVerifyTime() != nil {
		v.At = store.Instant(req.GetVerifyTime())
	}
	return s.Store.VerifyField(ctx, caller.Tenant, req.GetName(), v)
}

// GetQualityPolicy implements QualityService.
func (s *Server) GetQualityPolicy(ctx context.Context, _ *contactv1.GetQualityPolicyRequest) (*contactv1.QualityPolicy, error) {
	return s.Store.ReadQualityPolicy(ctx, auth.From(ctx).Tenant)
}

// UpdateQualityPolicy implements QualityService.
func (s *Server) UpdateQualityPolicy(ctx context.Context, req *contactv1.UpdateQualityPolicyRequest) (*contactv1.QualityPolicy, error) {
	return s.Store.UpdateQualityPolicy(ctx, auth.From(ctx).Tenant, req.GetQualityPolicy(), req.GetUpdateMask())
}
