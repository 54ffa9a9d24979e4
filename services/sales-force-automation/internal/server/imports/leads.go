package imports

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// leads are the exports of Odoo and plain lists.
func (i *Importer) leads() bulk.Kind {
	s := &settler[lead.Lead, *salesv1.Lead]{of: i.Store.Leads, store: i.Store, read: i.lead, merge: mergeLead}
	return bulk.Kind{
		Name: "leads", Named: i.named("leads"), Fields: leadFields, Known: known, System: systemOf,
		Writes:  []string{"lingkar.dev/Lead", "lingkar.dev/Contact"},
		Prepare: i.prepare, Step: s.step, Undo: i.Store.TakeBackLeads(),
	}
}

// leadStatuses say how far a lead is by what other systems call it. One that was
// won there is real here: its opportunity is not in the file.
var leadStatuses = map[string]lead.Status{
	"working": lead.Working, "contacted": lead.Working, "attempted to contact": lead.Working, "in progress": lead.Working, "connected": lead.Working,
	"qualified": lead.Qualified, "proposal": lead.Qualified, "proposition": lead.Qualified, "won": lead.Qualified, "converted": lead.Qualified,
	"lost": lead.Disqualified, "unqualified": lead.Disqualified, "disqualified": lead.Disqualified, "bad timing": lead.Disqualified,
}

func (i *Importer) lead(job *bulk.Job, f *findings, row bulk.Row) (item[lead.Lead, *salesv1.Lead], error) {
	none := item[lead.Lead, *salesv1.Lead]{}
	party := partyOf(row)
	about := row.First(fieldProduct)
	key := identity(job, row, "lead", party.key(), row.First(fieldName), store.ProductKey(about))
	c, err := commonOf(job, f, row, key)
	if err != nil {
		return none, err
	}
	captured, err := timeOf(row, fieldOpenTime)
	if err != nil {
		return none, err
	}
	m := &salesv1.Lead{
		Contact: c.contact, DisplayName: firstOf(row.First(fieldName), about, party.name()), Note: c.note,
		Owner: c.owner, Team: c.team, Source: c.source,
		Channel: channelOf(row),
	}
	if m.EstimatedValue, err = amountOf(row, fieldAmount, currencyOf(row, job)); err != nil {
		return none, err
	}
	if !captured.IsZero() {
		m.CaptureTime = timestamppb.New(captured)
	}
	if m.Products = f.productNames(about); m.Products == nil {
		c.setCustom("product_interest", about)
	}
	c.setCustom("probability", row.First(fieldProbability))
	c.setCustom("expected_closing", row.First(fieldCloseDate))
	c.label("status", row.First(fieldStatus))
	m.ExternalIds, m.Labels, m.CustomFields = c.ids, c.labels, c.custom
	standing, err := leadStanding(row)
	if err != nil {
		return none, err
	}
	return item[lead.Lead, *salesv1.Lead]{line: row.Line, key: key, message: m, stand: i.standLead(standing)}, checked(m)
}

// productNames answers the product that a cell names, or those it lists; nil where
// one of them is not known.
func (f *findings) productNames(cell string) []string {
	parts := list(cell)
	if f.products[store.ProductKey(cell)] != nil {
		parts = []string{cell}
	}
	var names []string
	for _, part := range parts {
		p := f.products[store.ProductKey(part)]
		if p == nil {
			return nil
		}
		names = append(names, store.ProductName(p.ID))
	}
	return names
}

func leadStanding(row bulk.Row) (lead.Standing, error) {
	closed, err := timeOf(row, fieldCloseTime)
	if err != nil {
		return lead.Standing{}, err
	}
	word := strings.ToLower(strings.TrimSpace(row.First(fieldStatus)))
	s := lead.Standing{Status: leadStatuses[word], At: closed, Reason: row.First(fieldReason)}
	if s.Status == 0 {
		s.Status = lead.New
	}
	if s.Status == lead.Disqualified && s.Reason == "" {
		s.Reason = row.First(fieldStatus)
	}
	return s, nil
}

// standLead puts a lead as far as it is. A new one is captured first.
func (i *Importer) standLead(s lead.Standing) func(*lead.Lead) []entity.Event {
	return func(l *lead.Lead) []entity.Event {
		var events []entity.Event
		if l.Seq == 0 {
			events = append(events, entity.Created{})
		}
		return append(events, l.Bring(s, i.Now())...)
	}
}

// mergeLead puts what a row says onto a lead: texts that the row has replace,
// nothing is removed.
func mergeLead(there, row *salesv1.Lead) *salesv1.Lead {
	for _, field := range []struct {
		into *string
		from string
	}{{&there.DisplayName, row.GetDisplayName()}, {&there.Note, row.GetNote()}, {&there.Owner, row.GetOwner()}, {&there.Team, row.GetTeam()}} {
		if field.from != "" {
			*field.into = field.from
		}
	}
	if row.GetEstimatedValue() != nil {
		there.EstimatedValue = row.GetEstimatedValue()
	}
	if len(there.GetProducts()) == 0 {
		there.Products = row.GetProducts()
	}
	there.Labels = mergeMaps(there.GetLabels(), row.GetLabels(), true)
	there.ExternalIds = mergeMaps(there.GetExternalIds(), row.GetExternalIds(), false)
	there.CustomFields = mergeCustom(there.GetCustomFields(), row.GetCustomFields())
	return there
}
