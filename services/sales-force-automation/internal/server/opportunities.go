package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// CreateOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) CreateOpportunity(ctx context.Context, req *salesv1.CreateOpportunityRequest) (*salesv1.Opportunity, error) {
	m, now := req.GetOpportunity(), s.now()
	m.Owner = ownerOr(ctx, m.GetOwner())
	p, err := s.openPipeline(ctx, m.GetPipeline())
	if err != nil {
		return nil, err
	}
	if err := s.complete(ctx, m.GetLines(), deal{m.GetPriceList(), m.GetAmount().GetCurrencyCode(), now}); err != nil {
		return nil, err
	}
	return introduced(ctx, s, m.GetContact(), func() (*salesv1.Opportunity, error) {
		return s.Entering(p, now).Create(ctx, tenantOf(ctx), req.GetOpportunityId(), m)
	})
}

// GetOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) GetOpportunity(ctx context.Context, req *salesv1.GetOpportunityRequest) (*salesv1.Opportunity, error) {
	return s.Opportunities.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListOpportunities implements salesv1.OpportunityServiceServer.
func (s *Server) ListOpportunities(ctx context.Context, req *salesv1.ListOpportunitiesRequest) (*salesv1.ListOpportunitiesResponse, error) {
	page, next, err := s.Opportunities.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListOpportunitiesResponse{Opportunities: page, NextPageToken: next}, err
}

// UpdateOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) UpdateOpportunity(ctx context.Context, req *salesv1.UpdateOpportunityRequest) (*salesv1.Opportunity, error) {
	if err := s.reviseOpportunity(ctx, req); err != nil {
		return nil, err
	}
	return s.Opportunities.Update(ctx, tenantOf(ctx), req.GetOpportunity(), req.GetUpdateMask())
}

// reviseOpportunity completes the lines that an update writes. Those of what is settled
// stay as they came: they must be what they were.
func (s *Server) reviseOpportunity(ctx context.Context, req *salesv1.UpdateOpportunityRequest) error {
	m, mask := req.GetOpportunity(), req.GetUpdateMask()
	if !writes(mask, "lines", len(m.GetLines()) > 0) {
		return nil
	}
	was, err := s.Opportunities.Get(ctx, tenantOf(ctx), m.GetName())
	if err != nil || was.Status != opportunity.Open {
		return record.At("opportunity.name", err)
	}
	d := deal{m.GetPriceList(), was.Currency, s.now()}
	if !writes(mask, "price_list", m.GetPriceList() != "") {
		d.priceList = store.PriceListName(was.PriceList)
	}
	return s.complete(ctx, m.GetLines(), d)
}

// DeleteOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) DeleteOpportunity(ctx context.Context, req *salesv1.DeleteOpportunityRequest) (*salesv1.Opportunity, error) {
	return s.Opportunities.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeleteOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) UndeleteOpportunity(ctx context.Context, req *salesv1.UndeleteOpportunityRequest) (*salesv1.Opportunity, error) {
	return s.Opportunities.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// AdvanceOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) AdvanceOpportunity(ctx context.Context, req *salesv1.AdvanceOpportunityRequest) (*salesv1.Opportunity, error) {
	now := s.now()
	return s.moveDeal(ctx, req, func(o *opportunity.Opportunity, p *pipeline.Pipeline) ([]entity.Event, error) {
		return o.Advance(p, req.GetStage(), now)
	})
}

// move is a request that moves a deal in its pipeline.
type move interface {
	GetName() string
	GetEtag() string
}

// step is a rule for a deal and the pipeline it is in.
type step func(*opportunity.Opportunity, *pipeline.Pipeline) ([]entity.Event, error)

// moveDeal runs a rule on a deal.
func (s *Server) moveDeal(ctx context.Context, req move, rule step) (*salesv1.Opportunity, error) {
	return record.Write(ctx, s.DB, s.Log, tenantOf(ctx), func(u *record.Unit) (*salesv1.Opportunity, error) {
		o, err := s.moveDealIn(ctx, u, req, rule)
		if err != nil {
			return nil, err
		}
		return s.Opportunities.Proto(o), nil
	})
}

// moveDealIn runs a rule on a deal within a unit. The pipeline is read together with
// the deal: which one it is never changes.
func (s *Server) moveDealIn(ctx context.Context, u *record.Unit, req move, rule step) (*opportunity.Opportunity, error) {
	id, err := s.Opportunities.ParseName(req.GetName())
	if err != nil {
		return nil, err
	}
	var p *pipeline.Pipeline
	s.QueuePipelineOf(u, tenantOf(ctx), id, func(found *pipeline.Pipeline) error { p = found; return nil })
	return s.Opportunities.ChangeIn(u, req.GetName(), func(o *opportunity.Opportunity) ([]entity.Event, error) {
		if err := sameEtag(req.GetEtag(), &o.Meta); err != nil {
			return nil, err
		}
		return rule(o, p)
	})
}

// WinOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) WinOpportunity(ctx context.Context, req *salesv1.WinOpportunityRequest) (*salesv1.Opportunity, error) {
	d, err := decision(req)
	if err != nil {
		return nil, err
	}
	rules, err := s.Orders.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	now := s.now()
	return record.Write(ctx, s.DB, s.Log, tenantOf(ctx), func(u *record.Unit) (*salesv1.Opportunity, error) {
		id := entity.NewID()
		o, err := s.moveDealIn(ctx, u, req, func(o *opportunity.Opportunity, p *pipeline.Pipeline) ([]entity.Event, error) {
			return o.Win(p, d, id, now)
		})
		if err != nil {
			return nil, err
		}
		draft, err := order.Of(o, id, int32(req.GetChannel()))
		if err != nil {
			return nil, err
		}
		s.Orders.CompleteNew(rules, draft)
		if err := s.Orders.AddIn(u, draft); err != nil {
			return nil, err
		}
		return s.Opportunities.Proto(o), nil
	})
}

// LoseOpportunity implements salesv1.OpportunityServiceServer.
func (s *Server) LoseOpportunity(ctx context.Context, req *salesv1.LoseOpportunityRequest) (*salesv1.Opportunity, error) {
	d, err := decision(req)
	if err != nil {
		return nil, err
	}
	now := s.now()
	return s.moveDeal(ctx, req, func(o *opportunity.Opportunity, p *pipeline.Pipeline) ([]entity.Event, error) {
		return o.Lose(p, d, now)
	})
}

// decision reads how a deal ended.
func decision(req interface {
	GetReason() string
	GetCloseTime() *timestamppb.Timestamp
}) (opportunity.Decision, error) {
	at, err := store.Instant("close_time", req.GetCloseTime())
	return opportunity.Decision{Reason: req.GetReason(), At: at}, err
}
