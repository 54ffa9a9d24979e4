package store

import (
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

// Opportunities is the store of opportunities.
type Opportunities = record.Store[opportunity.Opportunity, *salesv1.Opportunity]

func newOpportunities(db *postgres.DB, log *eventlog.Log, now func() time.Time) *Opportunities {
	meta := func(o *opportunity.Opportunity) *entity.Meta { return &o.Meta }
	contact := func(o *opportunity.Opportunity) uuid.UUID { return o.Contact }
	return &Opportunities{
		DB: db, Log: log, Kind: "opportunity", Collection: opportunities,
		Table: postgres.NewTable[opportunity.Opportunity](postgres.Def{
			Name: "opportunity", Kind: "opportunity",
			Fields: append(sharedFields(),
				postgres.Field{Path: "contact", Type: postgres.UUID, Family: survivor.Function},
				postgres.Field{Path: "status", Type: postgres.Enum, Values: salesv1.OpportunityStatus_value},
				postgres.Field{Path: "pipeline", Type: postgres.UUID},
				postgres.Field{Path: "stage"},
				postgres.Field{Path: "lead", Type: postgres.UUID},
				postgres.Field{Path: "close_date", Type: postgres.Date},
			),
			Orders: [][]string{
				{"create_time"}, {"update_time"}, {"contact", "create_time"}, {"status", "create_time"},
				{"owner", "create_time"}, {"pipeline", "stage", "create_time"},
			},
			DefaultOrder: "create_time desc",
			Constraints: contactConstraints(map[string]*errs.Error{
				"opportunity_stage": errs.Aborted("PIPELINE_CHANGED", "the stages of the pipeline changed meanwhile: read again and retry"),
			}),
		}),
		Meta:     meta,
		Contacts: func(o *opportunity.Opportunity) []uuid.UUID { return []uuid.UUID{o.Contact} },
		Proto:    opportunityMessage,
		Fill: func(o *opportunity.Opportunity, m *salesv1.Opportunity) error {
			return fillOpportunity(o, m, now().UTC().Truncate(time.Microsecond))
		},
		Event: opportunityEvent,
		Extra: ofContact(contact, externalIDs("opportunity", meta)),
	}
}

// Entering answers the store of opportunities that puts new ones into a pipeline,
// in the stage their message names, or the first.
func (s *Store) Entering(p *pipeline.Pipeline, now time.Time) *Opportunities {
	entering := *s.Opportunities
	entering.Fill = func(o *opportunity.Opportunity, m *salesv1.Opportunity) error {
		if err := fillOpportunity(o, m, now); err != nil {
			return err
		}
		return o.Enter(p, m.GetStage(), m.Probability, now)
	}
	return &entering
}

func opportunityMessage(o *opportunity.Opportunity) *salesv1.Opportunity {
	return &salesv1.Opportunity{
		Name:           OpportunityName(o.ID),
		Contact:        ContactName(o.Contact),
		DisplayName:    o.DisplayName,
		Status:         salesv1.OpportunityStatus(o.Status),
		Pipeline:       PipelineName(o.Pipeline),
		Stage:          o.Stage,
		StageTime:      timestamppb.New(o.StageTime),
		Probability:    proto.Int32(o.Probability),
		Amount:         worth(o.Currency, o.Amount).Proto(),
		Lines:          lineMessages(o.Currency, o.Lines),
		PriceList:      fields.Name(priceLists, o.PriceList),
		CloseDate:      day(o.CloseDate),
		OpenTime:       timestamppb.New(o.OpenTime),
		CloseTime:      fields.Timestamp(o.CloseTime),
		CloseReason:    o.CloseReason,
		Lead:           fields.Name(leads, o.Lead),
		Order:          fields.Name(orders, o.Order),
		Description:    o.Description,
		Note:           o.Note,
		Owner:          o.Owner,
		Team:           o.Team,
		Source:         o.Source,
		ExternalIds:    o.ExternalIDs,
		Labels:         o.Labels,
		CustomFields:   fields.Struct(o.CustomFields),
		CreateTime:     timestamppb.New(o.CreateTime),
		UpdateTime:     timestamppb.New(o.UpdateTime),
		DeleteTime:     fields.Timestamp(o.DeleteTime),
		Etag:           o.Etag(),
		AllowedActions: o.Actions(),
	}
}

func fillOpportunity(o *opportunity.Opportunity, m *salesv1.Opportunity, now time.Time) error {
	r := in("opportunity")
	r.shared(&o.Meta, m)
	o.Contact = fields.Fixed(&r.Reader, "contact", o.Contact, r.Ref("contact", contacts, m.GetContact()))
	o.DisplayName = r.Line("display_name", m.GetDisplayName())
	o.Description, o.Note = r.Words(m.GetDescription()), r.Words(m.GetNote())
	fillStanding(r, o, m, now)
	terms, err := r.terms(o, m)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	return o.Agree(terms)
}

// fillStanding reads what only a new opportunity may say: when it began, and
// where it stands, which Entering puts it into.
func fillStanding(r *reader, o *opportunity.Opportunity, m *salesv1.Opportunity, now time.Time) {
	began := r.instant("open_time", m.GetOpenTime())
	if o.Status == 0 {
		if began == nil {
			began = &now
		}
		if o.OpenTime = *began; began.After(now) {
			r.Fail("open_time", "", "a deal cannot begin in the future")
		}
		return
	}
	if began != nil {
		fields.Fixed(&r.Reader, "open_time", o.OpenTime.UTC(), *began)
	}
	if m.GetPipeline() != "" {
		fields.Fixed(&r.Reader, "pipeline", PipelineName(o.Pipeline), m.GetPipeline())
	}
	if m.GetStage() != "" {
		fields.Fixed(&r.Reader, "stage", o.Stage, m.GetStage())
	}
}

// terms reads what a deal is about.
func (r *reader) terms(o *opportunity.Opportunity, m *salesv1.Opportunity) (opportunity.Terms, error) {
	amount := r.Amount("amount", m.GetAmount())
	items, currency, err := r.lines(amount.Currency, m.GetLines())
	t := opportunity.Terms{
		Currency:    currency,
		Amount:      amount.Decimal(),
		Lines:       items,
		PriceList:   r.Optional("price_list", priceLists, m.GetPriceList()),
		CloseDate:   r.day("close_date", m.GetCloseDate()),
		Probability: o.Probability,
	}
	if m.Probability != nil {
		t.Probability = m.GetProbability()
	}
	return t, err
}
