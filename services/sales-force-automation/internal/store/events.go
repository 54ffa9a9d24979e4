package store

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/price"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/product"
)

// draft answers an event that is no interaction.
func draft(payload proto.Message, contacts ...uuid.UUID) eventlog.Draft {
	return eventlog.Draft{Payload: payload, Contacts: contacts}
}

// unknown is a rule's event that the table of its resource lacks: a mistake of
// the program that its first test finds.
func unknown(e entity.Event) eventlog.Draft {
	panic("store: no message for the event " + e.EventName())
}

func productEvent(p *product.Product, e entity.Event) eventlog.Draft {
	m := productMessage(p)
	switch e := e.(type) {
	case entity.Created:
		return draft(&salesv1.ProductCreated{Product: m})
	case entity.Updated:
		return draft(&salesv1.ProductUpdated{Product: m, Paths: e.Paths})
	case entity.Deleted:
		return draft(&salesv1.ProductDeleted{Product: m})
	case entity.Undeleted:
		return draft(&salesv1.ProductUndeleted{Product: m})
	}
	return unknown(e)
}

func priceListEvent(l *price.List, e entity.Event) eventlog.Draft {
	m := priceListMessage(l)
	switch e := e.(type) {
	case entity.Created:
		return draft(&salesv1.PriceListCreated{PriceList: m})
	case entity.Updated:
		return draft(&salesv1.PriceListUpdated{PriceList: m, Paths: e.Paths})
	case entity.Deleted:
		return draft(&salesv1.PriceListDeleted{PriceList: m})
	case entity.Undeleted:
		return draft(&salesv1.PriceListUndeleted{PriceList: m})
	}
	return unknown(e)
}

func priceEvent(p *price.Price, e entity.Event) eventlog.Draft {
	m := priceMessage(p)
	switch e := e.(type) {
	case entity.Created:
		return draft(&salesv1.PriceCreated{Price: m})
	case entity.Updated:
		return draft(&salesv1.PriceUpdated{Price: m, Paths: e.Paths})
	case entity.Deleted:
		return draft(&salesv1.PriceDeleted{Price: m})
	case entity.Undeleted:
		return draft(&salesv1.PriceUndeleted{Price: m})
	}
	return unknown(e)
}

func pipelineEvent(p *pipeline.Pipeline, e entity.Event) eventlog.Draft {
	m := pipelineMessage(p)
	switch e := e.(type) {
	case entity.Created:
		return draft(&salesv1.PipelineCreated{Pipeline: m})
	case entity.Updated:
		return draft(&salesv1.PipelineUpdated{Pipeline: m, Paths: e.Paths})
	case entity.Deleted:
		return draft(&salesv1.PipelineDeleted{Pipeline: m})
	case entity.Undeleted:
		return draft(&salesv1.PipelineUndeleted{Pipeline: m})
	}
	return unknown(e)
}

func leadEvent(l *lead.Lead, e entity.Event) eventlog.Draft {
	m := leadMessage(l)
	switch e := e.(type) {
	case entity.Created:
		return captured(l, m)
	case entity.Updated:
		return draft(&salesv1.LeadUpdated{Lead: m, Paths: e.Paths}, l.Contact)
	case entity.Deleted:
		return draft(&salesv1.LeadDeleted{Lead: m}, l.Contact)
	case entity.Undeleted:
		return draft(&salesv1.LeadUndeleted{Lead: m}, l.Contact)
	case lead.Accepted:
		return draft(&salesv1.LeadAccepted{Lead: m}, l.Contact)
	case lead.Real:
		return draft(&salesv1.LeadQualified{Lead: m}, l.Contact)
	case lead.Won:
		return draft(&salesv1.LeadConverted{Lead: m, Opportunity: OpportunityName(e.Opportunity)}, l.Contact)
	case lead.Dropped:
		return draft(&salesv1.LeadDisqualified{Lead: m}, l.Contact)
	case lead.Reopened:
		return draft(&salesv1.LeadReopened{Lead: m}, l.Contact)
	}
	return unknown(e)
}

// captured is an entry of the timeline where the channel is known.
func captured(l *lead.Lead, m *salesv1.Lead) eventlog.Draft {
	d := draft(&salesv1.LeadCaptured{Lead: m}, l.Contact)
	d.OccurredAt = l.CaptureTime
	if l.Channel != 0 {
		d.Interaction = inbound(l.Channel, titled("Lead", l.DisplayName), l.Note)
	}
	return d
}

func opportunityEvent(o *opportunity.Opportunity, e entity.Event) eventlog.Draft {
	m := opportunityMessage(o)
	switch e := e.(type) {
	case entity.Created:
		d := draft(&salesv1.OpportunityCreated{Opportunity: m}, o.Contact)
		d.OccurredAt = o.OpenTime
		return d
	case entity.Updated:
		return draft(&salesv1.OpportunityUpdated{Opportunity: m, Paths: e.Paths}, o.Contact)
	case entity.Deleted:
		return draft(&salesv1.OpportunityDeleted{Opportunity: m}, o.Contact)
	case entity.Undeleted:
		return draft(&salesv1.OpportunityUndeleted{Opportunity: m}, o.Contact)
	case opportunity.Advanced:
		return draft(&salesv1.OpportunityAdvanced{Opportunity: m, FromStage: e.From, ToStage: e.To}, o.Contact)
	case opportunity.Closed:
		return closed(o, m, e)
	}
	return unknown(e)
}

func closed(o *opportunity.Opportunity, m *salesv1.Opportunity, e opportunity.Closed) eventlog.Draft {
	d := draft(&salesv1.OpportunityLost{Opportunity: m, FromStage: e.From}, o.Contact)
	if e.Won {
		d.Payload = &salesv1.OpportunityWon{Opportunity: m, FromStage: e.From, Order: fields.Name(orders, e.Order)}
	}
	d.OccurredAt = e.At
	return d
}

func orderEvent(o *order.Order, e entity.Event) eventlog.Draft {
	m := orderMessage(o)
	switch e := e.(type) {
	case entity.Created:
		return draft(&salesv1.OrderCreated{Order: m}, o.Contact)
	case entity.Updated:
		return draft(&salesv1.OrderUpdated{Order: m, Paths: e.Paths}, o.Contact)
	case entity.Deleted:
		return draft(&salesv1.OrderDeleted{Order: m}, o.Contact)
	case entity.Undeleted:
		return draft(&salesv1.OrderUndeleted{Order: m}, o.Contact)
	case order.Bought:
		return bought(o, &salesv1.OrderConfirmed{Order: m, Total: m.GetTotal()}, "Order")
	case order.SoldElsewhere:
		return bought(o, &salesv1.PurchaseRecorded{Order: m, Total: m.GetTotal()}, "Purchase")
	case order.Voided:
		return draft(&salesv1.OrderCancelled{Order: m, WasConfirmed: e.WasConfirmed}, o.Contact)
	}
	return unknown(e)
}

// bought is an entry of the timeline at the time of the sale.
func bought(o *order.Order, payload proto.Message, what string) eventlog.Draft {
	d := draft(payload, o.Contact)
	d.OccurredAt = *o.OrderTime
	var sold []string
	for _, l := range o.Lines {
		sold = append(sold, l.Description)
	}
	d.Interaction = inbound(o.Channel, titled(what, o.Worth().String()), strings.Join(sold, ", "))
	return d
}

func titled(what, about string) string {
	if about == "" {
		return what
	}
	return what + ": " + about
}

// summaryRunes bounds the summary of an interaction; the whole is in the payload.
const summaryRunes = 300

func inbound(channel int32, title, summary string) *eventv1.Interaction {
	if r := []rune(summary); len(r) > summaryRunes {
		summary = string(r[:summaryRunes-1]) + "…"
	}
	return &eventv1.Interaction{
		Channel:   eventv1.Channel(channel),
		Direction: eventv1.Direction_DIRECTION_INBOUND,
		Title:     title,
		Summary:   summary,
	}
}
