package store

import (
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
)

func newLeads(db *postgres.DB, log *eventlog.Log, now func() time.Time) *record.Store[lead.Lead, *salesv1.Lead] {
	meta := func(l *lead.Lead) *entity.Meta { return &l.Meta }
	contact := func(l *lead.Lead) uuid.UUID { return l.Contact }
	return &record.Store[lead.Lead, *salesv1.Lead]{
		DB: db, Log: log, Kind: "lead", Collection: leads,
		Table: postgres.NewTable[lead.Lead](postgres.Def{
			Name: "lead", Kind: "lead",
			Fields: append(sharedFields(),
				postgres.Field{Path: "contact", Type: postgres.UUID, Family: survivor.Function},
				postgres.Field{Path: "status", Type: postgres.Enum, Values: salesv1.LeadStatus_value},
				postgres.Field{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
			),
			Orders: [][]string{
				{"create_time"}, {"update_time"}, {"contact", "create_time"}, {"status", "create_time"}, {"owner", "create_time"},
			},
			DefaultOrder: "create_time desc",
			Constraints:  contactConstraints(nil),
		}),
		Meta:     meta,
		Contacts: func(l *lead.Lead) []uuid.UUID { return []uuid.UUID{l.Contact} },
		Proto:    leadMessage,
		Fill:     func(l *lead.Lead, m *salesv1.Lead) error { return fillLead(l, m, now()) },
		Event:    leadEvent,
		Extra:    ofContact(contact, externalIDs("lead", meta)),
	}
}

func leadMessage(l *lead.Lead) *salesv1.Lead {
	m := &salesv1.Lead{
		Name:             leads + "/" + l.ID.String(),
		Contact:          ContactName(l.Contact),
		DisplayName:      l.DisplayName,
		Status:           salesv1.LeadStatus(l.Status),
		Channel:          eventv1.Channel(l.Channel),
		EstimatedValue:   worth(l.Currency, l.Estimate).Proto(),
		Note:             l.Note,
		CaptureTime:      timestamppb.New(l.CaptureTime),
		CloseTime:        fields.Timestamp(l.CloseTime),
		DisqualifyReason: l.DisqualifyReason,
		Opportunity:      fields.Name(opportunities, l.Opportunity),
		Owner:            l.Owner,
		Team:             l.Team,
		Source:           l.Source,
		ExternalIds:      l.ExternalIDs,
		Labels:           l.Labels,
		CustomFields:     fields.Struct(l.CustomFields),
		CreateTime:       timestamppb.New(l.CreateTime),
		UpdateTime:       timestamppb.New(l.UpdateTime),
		DeleteTime:       fields.Timestamp(l.DeleteTime),
		Etag:             l.Etag(),
		AllowedActions:   l.Actions(),
	}
	for _, p := range l.Products {
		m.Products = append(m.Products, products+"/"+p.String())
	}
	return m
}

// worth answers an amount, or none where it has no currency.
func worth(currency string, amount money.Decimal) money.Money {
	if currency == "" {
		return money.Money{}
	}
	return money.Of(currency, amount)
}

func fillLead(l *lead.Lead, m *salesv1.Lead, now time.Time) error {
	r := in("lead")
	fresh := l.Status == 0
	r.shared(&l.Meta, m)
	l.Contact = fields.Fixed(&r.Reader, "contact", l.Contact, r.Ref("contact", contacts, m.GetContact()))
	l.DisplayName = r.Line("display_name", m.GetDisplayName())
	l.Channel = int32(m.GetChannel())
	l.Products = nil
	for i, p := range m.GetProducts() {
		l.Products = append(l.Products, r.Ref(fields.Index("products", i), products, p))
	}
	estimate := r.Amount("estimated_value", m.GetEstimatedValue())
	l.Currency, l.Estimate = estimate.Currency, estimate.Decimal()
	l.Note = r.Words(m.GetNote())
	if captured := r.Time("capture_time", m.GetCaptureTime()); fresh {
		r.Add(l.Start(captured, now.UTC().Truncate(time.Microsecond))...)
	}
	return r.Err()
}
