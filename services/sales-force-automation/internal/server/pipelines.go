package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// CreatePipeline implements salesv1.PipelineServiceServer.
func (s *Server) CreatePipeline(ctx context.Context, req *salesv1.CreatePipelineRequest) (*salesv1.Pipeline, error) {
	return s.Pipelines.Create(ctx, tenantOf(ctx), req.GetPipelineId(), req.GetPipeline())
}

// GetPipeline implements salesv1.PipelineServiceServer.
func (s *Server) GetPipeline(ctx context.Context, req *salesv1.GetPipelineRequest) (*salesv1.Pipeline, error) {
	return s.Pipelines.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListPipelines implements salesv1.PipelineServiceServer.
func (s *Server) ListPipelines(ctx context.Context, req *salesv1.ListPipelinesRequest) (*salesv1.ListPipelinesResponse, error) {
	if _, err := s.defaultPipeline(ctx); err != nil {
		return nil, err
	}
	page, next, err := s.Pipelines.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListPipelinesResponse{Pipelines: page, NextPageToken: next}, err
}

// UpdatePipeline implements salesv1.PipelineServiceServer.
func (s *Server) UpdatePipeline(ctx context.Context, req *salesv1.UpdatePipelineRequest) (*salesv1.Pipeline, error) {
	return s.Pipelines.Update(ctx, tenantOf(ctx), req.GetPipeline(), req.GetUpdateMask())
}

// DeletePipeline implements salesv1.PipelineServiceServer.
func (s *Server) DeletePipeline(ctx context.Context, req *salesv1.DeletePipelineRequest) (*salesv1.Pipeline, error) {
	now := s.now()
	return s.Pipelines.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(p *pipeline.Pipeline) ([]entity.Event, error) {
		if err := p.Deletable(); err != nil {
			return nil, err
		}
		p.DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
}

// UndeletePipeline implements salesv1.PipelineServiceServer.
func (s *Server) UndeletePipeline(ctx context.Context, req *salesv1.UndeletePipelineRequest) (*salesv1.Pipeline, error) {
	return s.Pipelines.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// SetDefaultPipeline implements salesv1.PipelineServiceServer.
func (s *Server) SetDefaultPipeline(ctx context.Context, req *salesv1.SetDefaultPipelineRequest) (*salesv1.Pipeline, error) {
	before, err := s.defaultPipeline(ctx)
	if err != nil {
		return nil, err
	}
	return record.Write(ctx, s.DB, s.Log, tenantOf(ctx), func(u *record.Unit) (*salesv1.Pipeline, error) {
		if last := store.PipelineName(before.ID); last != req.GetName() {
			if _, err := s.Pipelines.ChangeIn(u, last, func(p *pipeline.Pipeline) ([]entity.Event, error) {
				return p.Withdraw(), nil
			}); err != nil {
				return nil, err
			}
		}
		p, err := s.Pipelines.ChangeIn(u, req.GetName(), func(p *pipeline.Pipeline) ([]entity.Event, error) {
			return p.SetDefault(), sameEtag(req.GetEtag(), &p.Meta)
		})
		if err != nil {
			return nil, err
		}
		return s.Pipelines.Proto(p), nil
	})
}

// sameEtag says whether a record is in the state that the caller has read, where
// it said which.
func sameEtag(etag string, m *entity.Meta) error {
	if etag != "" && etag != m.Etag() {
		return errs.Aborted("ETAG_MISMATCH", "the record changed since you read it: read again and retry")
	}
	return nil
}

// defaultPipeline answers the tenant's default pipeline. A tenant that has none
// yet gets the standard one.
func (s *Server) defaultPipeline(ctx context.Context) (*pipeline.Pipeline, error) {
	tenant := tenantOf(ctx)
	p, err := s.DefaultPipeline(ctx, tenant)
	if err != nil || p != nil {
		return p, err
	}
	// The pipeline is no part of the call that needs it first: it stays when
	// that call only validates, and its answer is not that call's answer.
	info := call.From(ctx)
	own := call.With(ctx, call.Info{Method: info.Method, Correlation: info.Correlation, Causation: info.Causation})
	p = pipeline.Standard()
	if _, err := s.Pipelines.Add(own, tenant, p); err == nil {
		return p, nil
	} else if errs.Reason(err) != errs.Reason(store.ErrDefaultMoved) {
		return nil, err
	}
	return s.DefaultPipeline(ctx, tenant)
}

// pipeline reads the pipeline named, or the default one.
func (s *Server) pipeline(ctx context.Context, name string) (*pipeline.Pipeline, error) {
	if name == "" {
		return s.defaultPipeline(ctx)
	}
	return s.Pipelines.Get(everywhere(ctx), tenantOf(ctx), name)
}

// openPipeline is pipeline for a new deal: not a deleted one.
func (s *Server) openPipeline(ctx context.Context, name string) (*pipeline.Pipeline, error) {
	p, err := s.pipeline(ctx, name)
	if err == nil && p.Deleted() {
		return nil, errs.NotFound("pipeline", name)
	}
	return p, err
}
