package opportunity_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/line"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/opportunity"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func units(n int64) money.Decimal { return money.Decimal{Units: n} }

// deal answers an open deal without any terms in the standard pipeline.
func deal(t *testing.T) (*opportunity.Opportunity, *pipeline.Pipeline) {
	t.Helper()
	p := pipeline.Standard()
	p.ID = uuid.New()
	o := &opportunity.Opportunity{OpenTime: now.Add(-time.Hour)}
	if err := o.Enter(p, "", nil, now); err != nil {
		t.Fatal(err)
	}
	return o, p
}

func TestOpportunity_entersTheFirstStage(t *testing.T) {
	t.Parallel()
	o, p := deal(t)
	if o.Stage != "qualification" || o.Probability != 10 || o.Status != opportunity.Open || o.Pipeline != p.ID || !o.StageTime.Equal(now) {
		t.Errorf("entered as %+v", o)
	}
	own := int32(42)
	if err := o.Enter(p, "needs-analysis", &own, now); err != nil || o.Probability != 42 {
		t.Errorf("with a probability of its own: %d, %v", o.Probability, err)
	}
	if err := o.Enter(p, "won", nil, now); errs.Reason(err) != "STAGE_CLOSES" {
		t.Errorf("born won: %v", err)
	}
}

func TestOpportunity_advance(t *testing.T) {
	t.Parallel()
	o, p := deal(t)
	events, err := o.Advance(p, "needs-analysis", now.Add(time.Minute))
	if err != nil || len(events) != 1 || events[0] != (opportunity.Advanced{From: "qualification", To: "needs-analysis"}) {
		t.Fatalf("advanced with %v, %v", events, err)
	}
	if o.Probability != 25 || !o.StageTime.Equal(now.Add(time.Minute)) {
		t.Errorf("stands at %d %% since %v", o.Probability, o.StageTime)
	}
	_, err = o.Advance(p, "proposal", now)
	if errs.Code(err) != codes.FailedPrecondition || errs.Reason(err) != "STAGE_CRITERIA_UNMET" || o.Stage != "needs-analysis" {
		t.Errorf("without an amount: %v in %s", err, o.Stage)
	}
	if err := o.Agree(opportunity.Terms{Currency: "IDR", Amount: units(5)}); err != nil {
		t.Fatal(err)
	}
	if _, err = o.Advance(p, "proposal", now); err != nil {
		t.Errorf("with an amount: %v", err)
	}
	if events, err = o.Advance(p, "proposal", now); err != nil || len(events) != 0 {
		t.Errorf("to where it stands: %v, %v", events, err)
	}
	if _, err = o.Advance(p, "qualification", now); err != nil {
		t.Errorf("back: %v", err)
	}
}

func TestOpportunity_closesOnce(t *testing.T) {
	t.Parallel()
	order := uuid.New()
	o, p := deal(t)
	if _, err := o.Win(p, opportunity.Decision{}, order, now); errs.Reason(err) != "STAGE_CRITERIA_UNMET" {
		t.Fatalf("won without an amount: %v", err)
	}
	if err := o.Agree(opportunity.Terms{Currency: "IDR", Amount: units(5)}); err != nil {
		t.Fatal(err)
	}
	events, err := o.Win(p, opportunity.Decision{Reason: "best offer"}, order, now)
	if err != nil || len(events) != 1 || events[0].EventName() != "OpportunityWon" {
		t.Fatalf("won with %v, %v", events, err)
	}
	if o.Status != opportunity.Won || o.Stage != "won" || o.Probability != 100 || !o.CloseTime.Equal(now) || *o.Order != order {
		t.Errorf("won as %+v", o)
	}
	for name, again := range map[string]func() error{
		"advance": func() error { _, err := o.Advance(p, "negotiation", now); return err },
		"win":     func() error { _, err := o.Win(p, opportunity.Decision{}, uuid.New(), now); return err },
		"lose":    func() error { _, err := o.Lose(p, opportunity.Decision{Reason: "x"}, now); return err },
		"reprice": func() error { return o.Agree(opportunity.Terms{Currency: "IDR", Amount: units(6)}) },
	} {
		if err := again(); errs.Reason(err) != "OPPORTUNITY_CLOSED" || errs.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s a closed one: %v", name, err)
		}
	}
	if err := o.Agree(o.Terms()); err != nil {
		t.Errorf("keep the terms: %v", err)
	}
}

func TestOpportunity_losesWithoutCriteria(t *testing.T) {
	t.Parallel()
	o, p := deal(t)
	events, err := o.Lose(p, opportunity.Decision{Reason: "price", At: now.Add(-time.Minute)}, now)
	if err != nil || events[0].EventName() != "OpportunityLost" {
		t.Fatalf("lost with %v, %v", events, err)
	}
	if o.Status != opportunity.Lost || o.Probability != 0 || o.CloseReason != "price" || !o.CloseTime.Equal(now.Add(-time.Minute)) || o.Order != nil {
		t.Errorf("lost as %+v", o)
	}
}

func TestOpportunity_isDecidedInItsTime(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{now.Add(time.Second), now.Add(-2 * time.Hour)} {
		o, p := deal(t)
		if _, err := o.Lose(p, opportunity.Decision{Reason: "x", At: at}, now); errs.Code(err) != codes.InvalidArgument {
			t.Errorf("decided at %v: %v", at, err)
		}
	}
}

func TestOpportunity_amountIsTheSumOfLines(t *testing.T) {
	t.Parallel()
	o, _ := deal(t)
	lines := []line.Item{
		{Quantity: units(1), UnitPrice: money.Decimal{Nanos: 125_000_000}}, // 0.12, half to even
		{Quantity: units(1), UnitPrice: money.Decimal{Nanos: 135_000_000}}, // 0.14
	}
	if err := o.Agree(opportunity.Terms{Currency: "IDR", Amount: units(99), Lines: lines}); err != nil {
		t.Fatal(err)
	}
	if o.Amount.String() != "0.26" || o.Lines[0].Amount.String() != "0.12" {
		t.Errorf("amount %v of %+v", o.Amount, o.Lines)
	}
	huge := []line.Item{{Quantity: units(1e10), UnitPrice: units(1e10)}}
	if err := o.Agree(opportunity.Terms{Currency: "IDR", Lines: huge}); errs.Code(err) != codes.OutOfRange {
		t.Errorf("too much: %v", err)
	}
	if o.Amount.String() != "0.26" {
		t.Errorf("a refused change left %v", o.Amount)
	}
}

// Each field that a stage can ask for counts as set when it is, and only then.
func TestOpportunity_criteria(t *testing.T) {
	t.Parallel()
	list, day := uuid.New(), now
	for field, set := range map[string]func(o *opportunity.Opportunity){
		"amount":             func(o *opportunity.Opportunity) { o.Currency = "IDR" },
		"close_date":         func(o *opportunity.Opportunity) { o.CloseDate = &day },
		"description":        func(o *opportunity.Opportunity) { o.Description = "x" },
		"lines":              func(o *opportunity.Opportunity) { o.Lines = []line.Item{{}} },
		"note":               func(o *opportunity.Opportunity) { o.Note = "x" },
		"owner":              func(o *opportunity.Opportunity) { o.Owner = "users/x" },
		"price_list":         func(o *opportunity.Opportunity) { o.PriceList = &list },
		"source":             func(o *opportunity.Opportunity) { o.Source = "x" },
		"team":               func(o *opportunity.Opportunity) { o.Team = "teams/x" },
		"labels.rival":       func(o *opportunity.Opportunity) { o.Labels = map[string]string{"rival": "x"} },
		"custom_fields.need": func(o *opportunity.Opportunity) { o.CustomFields = map[string]any{"need": 0.0} },
	} {
		o, p := deal(t)
		p.Stages[1].Entry = []string{field}
		if _, err := o.Advance(p, "needs-analysis", now); errs.Reason(err) != "STAGE_CRITERIA_UNMET" {
			t.Errorf("%s not set: %v", field, err)
		}
		set(o)
		if _, err := o.Advance(p, "needs-analysis", now); err != nil {
			t.Errorf("%s set: %v", field, err)
		}
	}
}
