package opportunity

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

// Standing is how far a deal has come in another system.
type Standing struct {
	Status Status
	// Stage is that of an open deal, by its id here; empty for the first one.
	Stage string
	// At is when it came there; zero stands for now.
	At time.Time
	// Reason is why it was closed.
	Reason string
}

// Bring puts a deal where it stands in another system. What the stages ask for is
// not asked of history, and a deal that was won elsewhere makes no order here. One
// that is decided here already stays as it is.
func (o *Opportunity) Bring(p *pipeline.Pipeline, s Standing, now time.Time) []entity.Event {
	if s.At.IsZero() || s.At.After(now) {
		s.At = now
	}
	if o.Status == 0 {
		return o.begin(p, s)
	}
	if o.Status != Open || o.Pipeline != p.ID {
		return nil
	}
	from := o.Stage
	if s.Status != Open {
		return o.end(p, s, from)
	}
	if stage, _, err := p.Start(s.Stage); err == nil && stage.ID != from {
		o.move(stage, s.At)
		return []entity.Event{Advanced{From: from, To: stage.ID}}
	}
	return nil
}

// begin puts a new deal there.
func (o *Opportunity) begin(p *pipeline.Pipeline, s Standing) []entity.Event {
	o.Status, o.Pipeline = Open, p.ID
	probability := o.Probability
	stage, _, err := p.Start(s.Stage)
	if err != nil {
		stage = p.First()
	}
	o.move(stage, s.At)
	created := []entity.Event{entity.Created{}}
	if s.Status != Open {
		return append(created, o.end(p, s, "")...)
	}
	if probability > 0 {
		o.Probability = probability
	}
	return created
}

// end decides the deal, at a time that is not before its beginning.
func (o *Opportunity) end(p *pipeline.Pipeline, s Standing, from string) []entity.Event {
	kind := pipeline.Won
	if s.Status == Lost {
		kind = pipeline.Lost
	}
	if s.At.Before(o.OpenTime) {
		s.At = o.OpenTime
	}
	o.move(p.Closing(kind), s.At)
	o.Status, o.CloseTime, o.CloseReason = s.Status, &s.At, s.Reason
	return []entity.Event{Closed{From: from, Won: s.Status == Won, At: s.At}}
}
