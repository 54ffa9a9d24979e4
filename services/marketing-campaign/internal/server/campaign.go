package server

import (
	"context"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/record"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

// CreateCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) CreateCampaign(ctx context.Context, req *campaignv1.CreateCampaignRequest) (*campaignv1.Campaign, error) {
	return s.Store.Campaigns.Create(ctx, tenantOf(ctx), req.GetCampaignId(), req.GetCampaign())
}

// GetCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) GetCampaign(ctx context.Context, req *campaignv1.GetCampaignRequest) (*campaignv1.Campaign, error) {
	return s.Store.Campaigns.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListCampaigns implements campaignv1.CampaignServiceServer.
func (s *Server) ListCampaigns(ctx context.Context, req *campaignv1.ListCampaignsRequest) (*campaignv1.ListCampaignsResponse, error) {
	campaigns, next, err := s.Store.Campaigns.List(ctx, tenantOf(ctx), req)
	if err != nil {
		return nil, err
	}
	return &campaignv1.ListCampaignsResponse{Campaigns: campaigns, NextPageToken: next}, nil
}

// UpdateCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) UpdateCampaign(ctx context.Context, req *campaignv1.UpdateCampaignRequest) (*campaignv1.Campaign, error) {
	return s.Store.Campaigns.Update(ctx, tenantOf(ctx), req.GetCampaign(), req.GetUpdateMask())
}

// change runs a rule of the campaign's life on it.
func (s *Server) change(ctx context.Context, name, etag string, rule func(*campaign.Campaign) ([]entity.Event, error)) (*campaignv1.Campaign, error) {
	return s.Store.Campaigns.Change(ctx, tenantOf(ctx), name, etag, rule)
}

// DeleteCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) DeleteCampaign(ctx context.Context, req *campaignv1.DeleteCampaignRequest) (*campaignv1.Campaign, error) {
	return s.change(ctx, req.GetName(), req.GetEtag(), func(c *campaign.Campaign) ([]entity.Event, error) {
		if err := c.Remove(); err != nil {
			return nil, err
		}
		now := s.now()
		c.DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
}

// UndeleteCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) UndeleteCampaign(ctx context.Context, req *campaignv1.UndeleteCampaignRequest) (*campaignv1.Campaign, error) {
	return s.Store.Campaigns.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// LaunchCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) LaunchCampaign(ctx context.Context, req *campaignv1.LaunchCampaignRequest) (*campaignv1.Campaign, error) {
	answer, err := record.Write(ctx, s.Store.DB, s.Store.Log, tenantOf(ctx), func(u *record.Unit) (*campaignv1.Campaign, error) {
		launched, err := s.Store.Campaigns.ChangeIn(u, req.GetName(), func(c *campaign.Campaign) ([]entity.Event, error) {
			if err := sameEtag(req.GetEtag(), c.Etag()); err != nil {
				return nil, err
			}
			audience, err := s.Store.Segments.GetIn(u, fields.Name("segments", &c.Segment))
			if err != nil {
				return nil, err
			}
			return c.Launch(audience, s.now())
		})
		if err != nil {
			return nil, err
		}
		return s.Store.Campaigns.Proto(launched), nil
	})
	if err == nil {
		s.sends.ring()
	}
	return answer, err
}

// PauseCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) PauseCampaign(ctx context.Context, req *campaignv1.PauseCampaignRequest) (*campaignv1.Campaign, error) {
	return s.change(ctx, req.GetName(), req.GetEtag(), (*campaign.Campaign).Pause)
}

// ResumeCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) ResumeCampaign(ctx context.Context, req *campaignv1.ResumeCampaignRequest) (*campaignv1.Campaign, error) {
	answer, err := s.change(ctx, req.GetName(), req.GetEtag(), (*campaign.Campaign).Resume)
	if err == nil {
		s.sends.ring()
	}
	return answer, err
}

// FinishCampaign implements campaignv1.CampaignServiceServer.
func (s *Server) FinishCampaign(ctx context.Context, req *campaignv1.FinishCampaignRequest) (*campaignv1.Campaign, error) {
	return s.change(ctx, req.GetName(), req.GetEtag(), func(c *campaign.Campaign) ([]entity.Event, error) {
		return c.Finish(s.now())
	})
}

// GetCampaignProgress implements campaignv1.CampaignServiceServer.
func (s *Server) GetCampaignProgress(ctx context.Context, req *campaignv1.GetCampaignProgressRequest) (*campaignv1.CampaignProgress, error) {
	name, ok := strings.CutSuffix(req.GetName(), "/progress")
	if !ok {
		return nil, errs.Invalid("name", "", "must be campaigns/{uuid}/progress")
	}
	c, err := s.Store.Campaigns.Get(ctx, tenantOf(ctx), name)
	if err != nil {
		return nil, err
	}
	if err := c.WasLaunched(); err != nil {
		return nil, err
	}
	p, err := s.Store.Progress(ctx, tenantOf(ctx), c.ID)
	if err != nil {
		return nil, err
	}
	answered := p.Touches[touch.Answered]
	return &campaignv1.CampaignProgress{
		Name:            req.GetName(),
		MemberCount:     p.Members,
		PlannedCount:    p.Touches[touch.Planned],
		SentCount:       p.Touches[touch.Sent] + p.Touches[touch.Delivered] + answered,
		AnsweredCount:   answered,
		SuppressedCount: p.Touches[touch.Suppressed],
		CompleteTime:    fields.Timestamp(p.Complete),
	}, nil
}
