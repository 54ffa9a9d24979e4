package imports

import (
	"context"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

type (
	deals = settler[opportunity.Opportunity, *salesv1.Opportunity]
	deal  = item[opportunity.Opportunity, *salesv1.Opportunity]
)

// opportunities are deals of HubSpot, Salesforce and plain lists, with their
// history: they come as they stand, won or lost, and ask nothing of the stages.
func (i *Importer) opportunities() bulk.Kind {
	s := &deals{of: i.Store.Opportunities, store: i.Store, read: i.opportunity, merge: mergeOpportunity}
	return bulk.Kind{
		Name: "opportunities", Named: i.named("opportunities"), Fields: opportunityFields, Known: known, System: systemOf,
		Writes:  []string{"lingkar.dev/Opportunity", "lingkar.dev/Contact"},
		Prepare: i.prepareDeals, Step: s.step, Undo: i.Store.TakeBackOpportunities(),
	}
}

// prepareDeals finds the pipelines, too. A trial in a tenant that has none makes
// believe.
func (i *Importer) prepareDeals(ctx context.Context, job *bulk.Job, rows []bulk.Row) error {
	f := findingsOf(job)
	if f.pipelines == nil {
		standard, err := i.pipeline(ctx, job)
		if err != nil {
			return err
		}
		f.pipelines = []*pipeline.Pipeline{standard}
	}
	return i.prepare(ctx, job, rows)
}

func (i *Importer) pipeline(ctx context.Context, job *bulk.Job) (*pipeline.Pipeline, error) {
	if !job.DryRun() {
		return i.Pipeline(ctx)
	}
	p, err := i.Store.DefaultPipeline(ctx, job.Tenant)
	if err == nil && p == nil {
		p = pipeline.Standard()
		p.ID = entity.NewID()
	}
	return p, err
}

func (i *Importer) opportunity(job *bulk.Job, f *findings, row bulk.Row) (deal, error) {
	party := partyOf(row)
	cell := row.First(fieldProduct)
	key := identity(job, row, "opportunity", party.key(), row.First(fieldName), store.ProductKey(cell), row.First(fieldOpenTime), row.First(fieldCloseDate))
	c, err := commonOf(job, f, row, key)
	if err != nil {
		return deal{}, err
	}
	d, err := datesOf(row, i.Now())
	if err != nil {
		return deal{}, err
	}
	p := f.pipelines[0]
	m := &salesv1.Opportunity{
		Contact: c.contact, DisplayName: firstOf(row.First(fieldName), titled(cell, party.name())), Description: row.First(fieldDescription),
		Note: c.note, Owner: c.owner, Team: c.team, Source: c.source,
		Probability: percent(row.First(fieldProbability)), CloseDate: d.close, OpenTime: timestamppb.New(d.open),
	}
	if err := i.sell(m, job, f, row); err != nil {
		return deal{}, err
	}
	c.label("stage", row.First(fieldStage))
	if name := row.First(fieldPipeline); !strings.EqualFold(name, p.DisplayName) {
		c.label("pipeline", name)
	}
	m.ExternalIds, m.Labels, m.CustomFields = c.ids, c.labels, c.custom
	standing := d.standing(p, row, m.Probability)
	return deal{line: row.Line, key: key, message: m, stand: func(o *opportunity.Opportunity) []entity.Event {
		return o.Bring(p, standing, i.Now())
	}}, checked(m)
}

func titled(product, name string) string {
	if product == "" || name == "" {
		return firstOf(product, name)
	}
	return product + " – " + name
}

// sell sets what the deal is worth, and the line of its product. A product without
// an amount is told in the description.
func (i *Importer) sell(m *salesv1.Opportunity, job *bulk.Job, f *findings, row bulk.Row) (err error) {
	if m.Amount, err = amountOf(row, fieldAmount, currencyOf(row, job)); err != nil {
		return err
	}
	if m.Lines, err = linesOf(row, f); err != nil || len(m.GetLines()) > 0 {
		return err
	}
	cell := row.First(fieldProduct)
	switch {
	case cell == "":
	case m.GetAmount() == nil:
		m.Description = strings.TrimSpace(m.GetDescription() + "\n" + line(f.products[store.ProductKey(cell)], cell).GetDescription())
	default:
		l := line(f.products[store.ProductKey(cell)], cell)
		l.Quantity, l.UnitPrice = &decimal.Decimal{Value: "1"}, m.GetAmount()
		m.Lines = []*salesv1.LineItem{l}
	}
	return nil
}

// dates are when a deal began and when it ends.
type dates struct {
	open   time.Time
	closed time.Time
	close  *date.Date
}

// datesOf reads them. A deal that does not say when it began, began when it ended,
// or now.
func datesOf(row bulk.Row, now time.Time) (d dates, err error) {
	if d.open, err = timeOf(row, fieldOpenTime); err != nil {
		return d, err
	}
	day, err := timeOf(row, fieldCloseDate)
	if err != nil {
		return d, err
	}
	if d.closed, err = timeOf(row, fieldCloseTime); err != nil {
		return d, err
	}
	if !day.IsZero() {
		d.close = &date.Date{Year: int32(day.Year()), Month: int32(day.Month()), Day: int32(day.Day())}
	}
	if d.closed.IsZero() {
		d.closed = day
	}
	if d.open.IsZero() {
		d.open = now
		if !d.closed.IsZero() && d.closed.Before(now) {
			d.open = d.closed
		}
	}
	return d, nil
}

// percent reads "43.56", "0.9" or "90 %": up to 1 it is a part of one. Nil where
// there is none.
func percent(cell string) *int32 {
	v, err := strconv.ParseFloat(plain(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(cell), "%"))), 64)
	if err != nil || v < 0 || v > 100 {
		return nil
	}
	if v <= 1 && strings.ContainsRune(cell, '.') {
		v *= 100
	}
	return proto.Int32(int32(v + 0.5))
}

// standing tells where the deal stands by what the other system calls its stage.
func (d dates) standing(p *pipeline.Pipeline, row bulk.Row, probability *int32) opportunity.Standing {
	stage := row.First(fieldStage)
	if open := strings.LastIndex(stage, " ("); open > 0 && strings.HasSuffix(stage, ")") {
		stage = stage[:open] // HubSpot adds the pipeline
	}
	s := opportunity.Standing{Status: opportunity.Open, At: d.open, Reason: row.First(fieldReason)}
	word := strings.ToLower(strings.TrimSpace(stage))
	switch strings.TrimSpace(strings.TrimPrefix(word, "closed")) {
	case "won":
		s.Status, s.At = opportunity.Won, d.closed
	case "lost":
		s.Status, s.At = opportunity.Lost, d.closed
	default:
		s.Stage = stageOf(p, word, probability)
	}
	return s
}

// stageWords say which of the usual stages another system means.
var stageWords = []struct{ word, stage string }{
	{"prospect", "qualification"}, {"qualif", "qualification"}, {"new", "qualification"},
	{"engag", "needs-analysis"}, {"analysis", "needs-analysis"}, {"appointment", "needs-analysis"}, {"presentation", "needs-analysis"},
	{"propos", "proposal"}, {"quote", "proposal"}, {"contract", "negotiation"}, {"negotiat", "negotiation"}, {"decision", "negotiation"},
}

// stageOf answers the open stage of that id or name, else the one that its words
// mean, else the last whose probability the deal has reached; empty for the first.
func stageOf(p *pipeline.Pipeline, word string, probability *int32) string {
	reached := ""
	means := ""
	for _, w := range stageWords {
		if means == "" && strings.Contains(word, w.word) {
			means = w.stage
		}
	}
	for _, s := range p.Stages {
		if s.Kind != pipeline.Open || s.Retired {
			continue
		}
		if word == s.ID || word == strings.ToLower(s.DisplayName) {
			return s.ID
		}
		if probability != nil && s.Probability <= *probability {
			reached = s.ID
		}
	}
	for _, s := range p.Stages {
		if s.ID == means && s.Kind == pipeline.Open && !s.Retired {
			return means
		}
	}
	return reached
}

// mergeOpportunity puts what a row says onto a deal: what the row has replaces,
// nothing is removed. What closing fixed stays, and so do the lines that somebody
// gave a deal here.
func mergeOpportunity(there, row *salesv1.Opportunity) *salesv1.Opportunity {
	for _, field := range []struct {
		into *string
		from string
	}{
		{&there.DisplayName, row.GetDisplayName()}, {&there.Description, row.GetDescription()}, {&there.Note, row.GetNote()},
		{&there.Owner, row.GetOwner()}, {&there.Team, row.GetTeam()},
	} {
		if field.from != "" {
			*field.into = field.from
		}
	}
	if there.GetStatus() == salesv1.OpportunityStatus_OPPORTUNITY_STATUS_OPEN {
		if len(row.GetLines()) > 0 {
			there.Lines, there.Amount = row.GetLines(), row.GetAmount()
		} else if row.GetAmount() != nil && len(there.GetLines()) == 0 {
			there.Amount = row.GetAmount()
		}
		if row.GetCloseDate() != nil {
			there.CloseDate = row.GetCloseDate()
		}
	}
	there.Labels = mergeMaps(there.GetLabels(), row.GetLabels(), true)
	there.ExternalIds = mergeMaps(there.GetExternalIds(), row.GetExternalIds(), false)
	there.CustomFields = mergeCustom(there.GetCustomFields(), row.GetCustomFields())
	return there
}
