package lead_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Every rule in every status: where it leads, or why it is refused.
func TestLead_statusMachine(t *testing.T) {
	t.Parallel()
	rules := map[string]func(l *lead.Lead) ([]entity.Event, error){
		"accept":     func(l *lead.Lead) ([]entity.Event, error) { return l.Accept("users/ani") },
		"qualify":    func(l *lead.Lead) ([]entity.Event, error) { return l.Qualify() },
		"convert":    func(l *lead.Lead) ([]entity.Event, error) { return l.Convert(uuid.New(), now) },
		"disqualify": func(l *lead.Lead) ([]entity.Event, error) { return l.Disqualify("no budget", now) },
		"reopen":     func(l *lead.Lead) ([]entity.Event, error) { return l.Reopen() },
	}
	const closed, taken, open = "LEAD_CLOSED", "LEAD_ACCEPTED", "LEAD_NOT_DISQUALIFIED"
	for _, c := range []struct {
		from   lead.Status
		rule   string
		to     lead.Status
		reason string
	}{
		{lead.New, "accept", lead.Working, ""},
		{lead.New, "qualify", lead.Qualified, ""},
		{lead.New, "convert", lead.Converted, ""},
		{lead.New, "disqualify", lead.Disqualified, ""},
		{lead.New, "reopen", lead.New, open},
		{lead.Working, "accept", lead.Working, taken},
		{lead.Working, "qualify", lead.Qualified, ""},
		{lead.Working, "convert", lead.Converted, ""},
		{lead.Working, "disqualify", lead.Disqualified, ""},
		{lead.Working, "reopen", lead.Working, open},
		{lead.Qualified, "accept", lead.Qualified, taken},
		{lead.Qualified, "qualify", lead.Qualified, ""},
		{lead.Qualified, "convert", lead.Converted, ""},
		{lead.Qualified, "disqualify", lead.Disqualified, ""},
		{lead.Qualified, "reopen", lead.Qualified, open},
		{lead.Converted, "accept", lead.Converted, closed},
		{lead.Converted, "qualify", lead.Converted, closed},
		{lead.Converted, "convert", lead.Converted, closed},
		{lead.Converted, "disqualify", lead.Converted, closed},
		{lead.Converted, "reopen", lead.Converted, open},
		{lead.Disqualified, "accept", lead.Disqualified, closed},
		{lead.Disqualified, "qualify", lead.Disqualified, closed},
		{lead.Disqualified, "convert", lead.Disqualified, closed},
		{lead.Disqualified, "disqualify", lead.Disqualified, closed},
		{lead.Disqualified, "reopen", lead.Working, ""},
	} {
		l := &lead.Lead{Status: c.from}
		events, err := rules[c.rule](l)
		if l.Status != c.to || errs.Reason(err) != c.reason || err != nil && (len(events) > 0 || errs.Code(err) != codes.FailedPrecondition) {
			t.Errorf("%s in %d: now %d, %v, %v", c.rule, c.from, l.Status, events, err)
		}
		if changed := c.from != c.to; changed != (len(events) == 1) {
			t.Errorf("%s in %d: events %v", c.rule, c.from, events)
		}
	}
}

func TestLead_acceptKeepsAnOwner(t *testing.T) {
	t.Parallel()
	for owner, want := range map[string]string{"": "users/ani", "users/budi": "users/budi"} {
		l := &lead.Lead{Meta: entity.Meta{Owner: owner}, Status: lead.New}
		if _, err := l.Accept("users/ani"); err != nil || l.Owner != want {
			t.Errorf("owner %q became %q, %v", owner, l.Owner, err)
		}
	}
}

func TestLead_comesInNowOrBefore(t *testing.T) {
	t.Parallel()
	var l lead.Lead
	if v := l.Start(time.Time{}, now); len(v) != 0 || !l.CaptureTime.Equal(now) || l.Status != lead.New {
		t.Errorf("started as %+v, %v", l, v)
	}
	if v := l.Start(now.Add(time.Second), now); len(v) != 1 || v[0].Field != "capture_time" {
		t.Errorf("in the future: %v", v)
	}
}
