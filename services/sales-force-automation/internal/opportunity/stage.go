package opportunity

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

// errCriteria says that a stage asks for more than the deal has. Its metadata
// names the fields.
var errCriteria = errs.Refused("STAGE_CRITERIA_UNMET", "the opportunity lacks what the stage asks for")

// Enter puts a new deal into a stage of its pipeline, the first where none is
// given. A probability given with the deal stays.
func (o *Opportunity) Enter(p *pipeline.Pipeline, stage string, probability *int32, now time.Time) error {
	at, fields, err := p.Start(stage)
	if err != nil {
		return err
	}
	if err := o.meets(at, fields); err != nil {
		return err
	}
	o.Status, o.Pipeline = Open, p.ID
	o.move(at, now)
	if probability != nil {
		o.Probability = *probability
	}
	return nil
}

// Advance moves the deal to another open stage of its pipeline. Where it stands
// there already, nothing happens.
func (o *Opportunity) Advance(p *pipeline.Pipeline, stage string, now time.Time) ([]entity.Event, error) {
	if o.Status != Open {
		return nil, ErrClosed
	}
	if stage == o.Stage {
		return nil, nil
	}
	to, fields, err := p.Advance(o.Stage, stage)
	if err != nil {
		return nil, err
	}
	if err := o.meets(to, fields); err != nil {
		return nil, err
	}
	from := o.Stage
	o.move(to, now)
	return []entity.Event{Advanced{From: from, To: to.ID}}, nil
}

// Decision is how a deal ended.
type Decision struct {
	Reason string
	// At is when; zero stands for now.
	At time.Time
}

// Win closes the deal as won; order is the one it makes.
func (o *Opportunity) Win(p *pipeline.Pipeline, d Decision, order uuid.UUID, now time.Time) ([]entity.Event, error) {
	events, err := o.close(p, pipeline.Won, d, &order, now)
	if err != nil {
		return nil, err
	}
	o.Status, o.Order = Won, &order
	return events, nil
}

// Lose closes the deal as lost.
func (o *Opportunity) Lose(p *pipeline.Pipeline, d Decision, now time.Time) ([]entity.Event, error) {
	events, err := o.close(p, pipeline.Lost, d, nil, now)
	if err != nil {
		return nil, err
	}
	o.Status = Lost
	return events, nil
}

func (o *Opportunity) close(p *pipeline.Pipeline, kind pipeline.Kind, d Decision, order *uuid.UUID, now time.Time) ([]entity.Event, error) {
	if o.Status != Open {
		return nil, ErrClosed
	}
	if d.At.IsZero() {
		d.At = now
	}
	if d.At.After(now) || d.At.Before(o.OpenTime) {
		return nil, errs.Invalid("close_time", "", "a deal is decided between its beginning and now")
	}
	to, fields := p.Close(o.Stage, kind)
	if err := o.meets(to, fields); err != nil {
		return nil, err
	}
	from := o.Stage
	o.move(to, now)
	o.CloseTime, o.CloseReason = &d.At, d.Reason
	return []entity.Event{Closed{From: from, Won: kind == pipeline.Won, Order: order, At: d.At}}, nil
}

// move puts the deal into a stage, with that stage's probability.
func (o *Opportunity) move(to pipeline.Stage, now time.Time) {
	o.Stage, o.StageTime, o.Probability = to.ID, now, to.Probability
}

// meets says which of the fields are not set, if any.
func (o *Opportunity) meets(to pipeline.Stage, fields []string) error {
	var unmet []string
	for _, f := range fields {
		if !o.has(f) && !slices.Contains(unmet, f) {
			unmet = append(unmet, f)
		}
	}
	if len(unmet) == 0 {
		return nil
	}
	return errCriteria.With("stage", to.ID).With("fields", strings.Join(unmet, ","))
}

// has says whether a field that a stage can ask for is set.
func (o *Opportunity) has(field string) bool {
	if container, key, nested := strings.Cut(field, "."); nested {
		if container == "labels" {
			return o.Labels[key] != ""
		}
		value, set := o.CustomFields[key]
		return set && value != nil && value != ""
	}
	return map[string]bool{
		"amount":      o.Currency != "",
		"close_date":  o.CloseDate != nil,
		"description": o.Description != "",
		"lines":       len(o.Lines) > 0,
		"note":        o.Note != "",
		"owner":       o.Owner != "",
		"price_list":  o.PriceList != nil,
		"source":      o.Source != "",
		"team":        o.Team != "",
	}[field]
}
