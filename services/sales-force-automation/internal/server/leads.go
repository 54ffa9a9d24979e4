package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// CreateLead implements salesv1.LeadServiceServer.
func (s *Server) CreateLead(ctx context.Context, req *salesv1.CreateLeadRequest) (*salesv1.Lead, error) {
	m := req.GetLead()
	m.Owner = ownerOr(ctx, m.GetOwner())
	if err := s.offered(ctx, m.GetProducts()); err != nil {
		return nil, err
	}
	return s.newLead(ctx, req.GetLeadId(), m)
}

// newLead stores a lead whose products exist.
func (s *Server) newLead(ctx context.Context, id string, m *salesv1.Lead) (*salesv1.Lead, error) {
	return introduced(ctx, s, m.GetContact(), func() (*salesv1.Lead, error) {
		return s.Leads.Create(ctx, tenantOf(ctx), id, m)
	})
}

// offered says whether the products exist.
func (s *Server) offered(ctx context.Context, names []string) error {
	var lines []*salesv1.LineItem
	for _, name := range names {
		lines = append(lines, &salesv1.LineItem{Product: name})
	}
	if len(lines) == 0 {
		return nil
	}
	catalogue, err := s.catalogueOf(ctx, lines)
	if err != nil {
		return err
	}
	return describeKnown(catalogue, lines)
}

// GetLead implements salesv1.LeadServiceServer.
func (s *Server) GetLead(ctx context.Context, req *salesv1.GetLeadRequest) (*salesv1.Lead, error) {
	return s.Leads.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListLeads implements salesv1.LeadServiceServer.
func (s *Server) ListLeads(ctx context.Context, req *salesv1.ListLeadsRequest) (*salesv1.ListLeadsResponse, error) {
	page, next, err := s.Leads.List(ctx, tenantOf(ctx), req)
	return &salesv1.ListLeadsResponse{Leads: page, NextPageToken: next}, err
}

// UpdateLead implements salesv1.LeadServiceServer.
func (s *Server) UpdateLead(ctx context.Context, req *salesv1.UpdateLeadRequest) (*salesv1.Lead, error) {
	if writes(req.GetUpdateMask(), "products", true) {
		if err := s.offered(ctx, req.GetLead().GetProducts()); err != nil {
			return nil, err
		}
	}
	return s.Leads.Update(ctx, tenantOf(ctx), req.GetLead(), req.GetUpdateMask())
}

// DeleteLead implements salesv1.LeadServiceServer.
func (s *Server) DeleteLead(ctx context.Context, req *salesv1.DeleteLeadRequest) (*salesv1.Lead, error) {
	return s.Leads.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeleteLead implements salesv1.LeadServiceServer.
func (s *Server) UndeleteLead(ctx context.Context, req *salesv1.UndeleteLeadRequest) (*salesv1.Lead, error) {
	return s.Leads.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// AcceptLead implements salesv1.LeadServiceServer.
func (s *Server) AcceptLead(ctx context.Context, req *salesv1.AcceptLeadRequest) (*salesv1.Lead, error) {
	return s.Leads.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(l *lead.Lead) ([]entity.Event, error) {
		return l.Accept(auth.From(ctx).Subject)
	})
}

// QualifyLead implements salesv1.LeadServiceServer.
func (s *Server) QualifyLead(ctx context.Context, req *salesv1.QualifyLeadRequest) (*salesv1.Lead, error) {
	return s.Leads.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), (*lead.Lead).Qualify)
}

// DisqualifyLead implements salesv1.LeadServiceServer.
func (s *Server) DisqualifyLead(ctx context.Context, req *salesv1.DisqualifyLeadRequest) (*salesv1.Lead, error) {
	now := s.now()
	return s.Leads.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), func(l *lead.Lead) ([]entity.Event, error) {
		return l.Disqualify(req.GetReason(), now)
	})
}

// ReopenLead implements salesv1.LeadServiceServer.
func (s *Server) ReopenLead(ctx context.Context, req *salesv1.ReopenLeadRequest) (*salesv1.Lead, error) {
	return s.Leads.Change(ctx, tenantOf(ctx), req.GetName(), req.GetEtag(), (*lead.Lead).Reopen)
}

// ConvertLead implements salesv1.LeadServiceServer.
func (s *Server) ConvertLead(ctx context.Context, req *salesv1.ConvertLeadRequest) (*salesv1.Opportunity, error) {
	wish, err := conversion(req)
	if err != nil {
		return nil, err
	}
	p, err := s.openPipeline(ctx, req.GetPipeline())
	if err != nil {
		return nil, err
	}
	rules, err := s.Opportunities.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	now := s.now()
	return record.Write(ctx, s.DB, s.Log, tenantOf(ctx), func(u *record.Unit) (*salesv1.Opportunity, error) {
		id := entity.NewID()
		l, err := s.Leads.ChangeIn(u, req.GetName(), func(l *lead.Lead) ([]entity.Event, error) {
			if err := sameEtag(req.GetEtag(), &l.Meta); err != nil {
				return nil, err
			}
			return l.Convert(id, now)
		})
		if err != nil {
			return nil, err
		}
		o, err := opportunity.FromLead(l, wish, now)
		if err != nil {
			return nil, err
		}
		o.ID, o.Owner = id, ownerOr(ctx, l.Owner)
		if err := o.Enter(p, "", nil, now); err != nil {
			return nil, err
		}
		s.Opportunities.CompleteNew(rules, o)
		if err := s.Opportunities.AddIn(u, o); err != nil {
			return nil, err
		}
		return s.Opportunities.Proto(o), nil
	})
}

// conversion reads what a conversion says of the deal.
func conversion(req *salesv1.ConvertLeadRequest) (opportunity.Wish, error) {
	amount, err := store.Amount("amount", req.GetAmount())
	if err != nil {
		return opportunity.Wish{}, err
	}
	closeDate, err := store.Day("close_date", req.GetCloseDate())
	return opportunity.Wish{DisplayName: req.GetDisplayName(), Amount: amount, CloseDate: closeDate}, err
}
