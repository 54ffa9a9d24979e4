package opportunity_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

func names(events []entity.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.EventName())
	}
	return all
}

// A deal comes as it stands elsewhere, though it lacks what the stages ask for; what
// is decided here stays.
func TestOpportunity_bring(t *testing.T) {
	t.Parallel()
	p := pipeline.Standard()
	p.ID = uuid.Must(uuid.NewV7())
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	then := now.AddDate(-1, 0, 0)
	o := &opportunity.Opportunity{OpenTime: then.AddDate(0, -1, 0)}
	steps := []struct {
		to     opportunity.Standing
		events int
		stage  string
		status opportunity.Status
	}{
		{opportunity.Standing{Status: opportunity.Open, Stage: "proposal"}, 1, "proposal", opportunity.Open},
		{opportunity.Standing{Status: opportunity.Open, Stage: "proposal"}, 0, "proposal", opportunity.Open},
		{opportunity.Standing{Status: opportunity.Open, Stage: "unknown"}, 0, "proposal", opportunity.Open},
		{opportunity.Standing{Status: opportunity.Open, Stage: "negotiation"}, 1, "negotiation", opportunity.Open},
		{opportunity.Standing{Status: opportunity.Won, At: then}, 1, "won", opportunity.Won},
		{opportunity.Standing{Status: opportunity.Lost, At: now}, 0, "won", opportunity.Won},
	}
	for i, s := range steps {
		events := o.Bring(p, s.to, now)
		if len(events) != s.events || o.Stage != s.stage || o.Status != s.status {
			t.Errorf("step %d: %v, %s, %v", i, names(events), o.Stage, o.Status)
		}
	}
	if o.Order != nil || o.CloseTime == nil || !o.CloseTime.Equal(then) || o.Probability != 100 {
		t.Errorf("won as %+v", o)
	}
	fresh := &opportunity.Opportunity{OpenTime: now}
	if got := names(fresh.Bring(p, opportunity.Standing{Status: opportunity.Lost, At: then, Reason: "price"}, now)); len(got) != 2 || got[1] != "OpportunityLost" {
		t.Errorf("events %v", got)
	}
	if !fresh.CloseTime.Equal(now) || fresh.CloseReason != "price" {
		t.Errorf("closed before it began, or for no reason: %+v", fresh)
	}
}
