package store

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
)

func newCampaigns(db *postgres.DB, log *eventlog.Log) *record.Store[campaign.Campaign, *campaignv1.Campaign] {
	return &record.Store[campaign.Campaign, *campaignv1.Campaign]{
		DB: db, Log: log, Kind: "campaign", Collection: campaigns,
		Table: postgres.NewTable[campaign.Campaign](campaignTable),
		Meta:  func(c *campaign.Campaign) *entity.Meta { return &c.Meta },
		Proto: campaignMessage,
		Fill:  fillCampaign,
		Event: campaignEvent,
		Extra: campaignRows,
	}
}

var campaignTable = postgres.Def{
	Name: "campaign",
	Kind: "campaign",
	Fields: shared(
		postgres.Field{Path: "display_name"},
		enum("kind", campaignv1.CampaignKind_value, "CAMPAIGN_KIND_"),
		postgres.Field{Path: "segment", Type: postgres.UUID},
		enum("channel", eventv1.Channel_value, "CHANNEL_"),
		enum("status", campaignv1.CampaignStatus_value, "CAMPAIGN_STATUS_"),
		postgres.Field{Path: "launch_time", Type: postgres.Time},
		postgres.Field{Path: "finish_time", Type: postgres.Time},
	),
	Orders: [][]string{
		{"create_time"},
		{"update_time"},
		{"status", "create_time"},
		{"kind", "create_time"},
		{"owner", "create_time"},
		{"segment", "create_time"},
	},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"campaign_external_id_key": errExternalID,
		"campaign_segment_fkey":    errs.NotFound("segment", ""),
	},
}

func campaignMessage(c *campaign.Campaign) *campaignv1.Campaign {
	return &campaignv1.Campaign{
		Name:            fields.Name(campaigns, &c.ID),
		DisplayName:     c.DisplayName,
		Description:     c.Description,
		Kind:            campaignv1.CampaignKind(c.Kind),
		Segment:         fields.Name(segments, &c.Segment),
		SegmentVersion:  c.SegmentVersion,
		Channel:         eventv1.Channel(c.Channel),
		Subject:         c.Subject,
		Body:            c.Body,
		Budget:          c.Budget().Proto(),
		RequiresConsent: c.RequiresConsent,
		Status:          campaignv1.CampaignStatus(c.Status),
		LaunchTime:      fields.Timestamp(c.LaunchTime),
		FinishTime:      fields.Timestamp(c.FinishTime),
		Owner:           c.Owner,
		Team:            c.Team,
		Source:          c.Source,
		ExternalIds:     c.ExternalIDs,
		Labels:          c.Labels,
		CustomFields:    fields.Struct(c.CustomFields),
		CreateTime:      timestamppb.New(c.CreateTime),
		UpdateTime:      timestamppb.New(c.UpdateTime),
		DeleteTime:      fields.Timestamp(c.DeleteTime),
		Etag:            c.Etag(),
		AllowedActions:  c.Actions(),
	}
}

func fillCampaign(c *campaign.Campaign, m *campaignv1.Campaign) error {
	r := fields.Reader{In: "campaign"}
	c.DisplayName = r.RequiredLine("display_name", m.GetDisplayName())
	c.Description = r.Words(m.GetDescription())
	c.Kind = campaign.Kind(m.GetKind())
	c.SetBudget(r.Amount("budget", m.GetBudget()))
	c.Owner, c.Team, c.Source = r.Line("owner", m.GetOwner()), r.Line("team", m.GetTeam()), r.Line("source", m.GetSource())
	r.Labels(&c.Meta, m)
	content := campaign.Content{
		Segment:         r.Ref("segment", segments, m.GetSegment()),
		Channel:         int32(m.GetChannel()),
		Subject:         r.Line("subject", m.GetSubject()),
		Body:            r.RequiredWords("body", m.GetBody()),
		RequiresConsent: m.GetRequiresConsent(),
	}
	_, wrong := content.Texts()
	r.Add(wrong...)
	if err := r.Err(); err != nil {
		return err
	}
	return c.Write(content)
}

// campaignRows queues what belongs to a campaign and stands in other tables: what
// other systems call it, and how far it is sent.
func campaignRows(w *postgres.Writes, before, after *campaign.Campaign) {
	var was *entity.Meta
	from := campaign.Draft
	if before != nil {
		was, from = &before.Meta, before.Status
	}
	externalIDs(w, "campaign", was, &after.Meta)
	switch {
	case from == after.Status:
	case from == campaign.Draft:
		w.Queue(`
			INSERT INTO campaign_send (tenant, campaign, segment, version, running)
			VALUES ($1, $2, $3, $4, true)`, w.Tenant(), after.ID, after.Segment, after.SegmentVersion)
	default:
		w.Queue(`
			UPDATE campaign_send
			SET running = $3
			WHERE tenant = $1 AND campaign = $2`, w.Tenant(), after.ID, after.Status == campaign.Running)
	}
}
