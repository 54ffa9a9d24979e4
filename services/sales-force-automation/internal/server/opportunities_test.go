package server_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var opportunityTests = tests{
	"opportunity goes through stages":       opportunityGoesThroughStages,
	"opportunity stages are taken in order": opportunityStagesAreTakenInOrder,
	"opportunity amount comes from lines":   opportunityAmountComesFromLines,
	"opportunity won makes the order":       opportunityWonMakesTheOrder,
	"opportunity won once under a race":     opportunityWonOnceUnderARace,
	"opportunity lost with a reason":        opportunityLostWithAReason,
	"opportunity scope":                     opportunityScope,
	"opportunity bad input":                 opportunityBadInput,
}

// deal creates an opportunity of a contact.
func (c *clients) deal(o *salesv1.Opportunity) (*salesv1.Opportunity, error) {
	return c.CreateOpportunity(c.Ctx(), &salesv1.CreateOpportunityRequest{Opportunity: o})
}

func (c *clients) advance(o *salesv1.Opportunity, stage string) (*salesv1.Opportunity, error) {
	return c.AdvanceOpportunity(c.Ctx(), &salesv1.AdvanceOpportunityRequest{Name: o.GetName(), Stage: stage})
}

func (c *clients) win(o *salesv1.Opportunity) (*salesv1.Opportunity, error) {
	return c.WinOpportunity(c.Ctx(), &salesv1.WinOpportunityRequest{Name: o.GetName(), Reason: "best offer"})
}

// priced creates a product that costs so many rupiah in a list.
func (c *clients) priced(t testing.TB, list *salesv1.PriceList, code string, units int64) *salesv1.Product {
	t.Helper()
	p := c.product(t, code)
	must[*salesv1.Price](t)(c.price(list, p, rupiah(units), 1, 0))
	return p
}

func opportunityGoesThroughStages(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"SFA-09"}, func(t *testing.T, c *clients) {
		p := must[*salesv1.Pipeline](t)(c.CreatePipeline(c.Ctx(), &salesv1.CreatePipelineRequest{
			Pipeline: ours("Demanding", "amount", "close_date", "labels.rival"),
		}))
		o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{Contact: c.person(t, "Ani"), Pipeline: p.GetName(), DisplayName: "Tea for the office"}))
		if o.GetStage() != "first" || o.GetProbability() != 20 || o.GetStatus() != salesv1.OpportunityStatus_OPPORTUNITY_STATUS_OPEN || o.GetOwner() != c.Caller.Subject {
			t.Errorf("created %v", o)
		}
		_, err := c.advance(o, "second")
		refused(t, "with unmet criteria", err, codes.FailedPrecondition, "STAGE_CRITERIA_UNMET")
		if got := metadata(err)["fields"]; got != "amount,close_date,labels.rival" {
			t.Errorf("missing are %q", got)
		}
		_, err = c.win(o)
		refused(t, "won past unmet criteria", err, codes.FailedPrecondition, "STAGE_CRITERIA_UNMET")
		o.Amount, o.CloseDate, o.Labels = rupiah(5), &date.Date{Year: 2026, Month: 2, Day: 28}, map[string]string{"rival": "none"}
		o = must[*salesv1.Opportunity](t)(c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{
			Opportunity: o, UpdateMask: mask("amount", "close_date", "labels"),
		}))
		o = must[*salesv1.Opportunity](t)(c.advance(o, "second"))
		if o.GetStage() != "second" || o.GetProbability() != 60 {
			t.Errorf("advanced %v", o)
		}
		for stage, reason := range map[string]string{"done": "STAGE_CLOSES", "gone": "STAGE_CLOSES", "third": "STAGE_UNKNOWN"} {
			_, err = c.advance(o, stage)
			refused(t, "advanced to "+stage, err, codes.FailedPrecondition, reason)
		}
		same := must[*salesv1.Opportunity](t)(c.advance(o, "second"))
		if same.GetEtag() != o.GetEtag() {
			t.Error("advanced to where it stands, and changed")
		}
		stagesInUse(t, c, p, o)
	})
}

// stagesInUse checks that a stage that a deal stands in stays, and may be retired.
func stagesInUse(t *testing.T, c *clients, p *salesv1.Pipeline, o *salesv1.Opportunity) {
	t.Helper()
	update := func(stages []*salesv1.Stage) error {
		_, err := c.UpdatePipeline(c.Ctx(), &salesv1.UpdatePipelineRequest{
			Pipeline: &salesv1.Pipeline{Name: p.GetName(), Stages: stages}, UpdateMask: mask("stages"),
		})
		return err
	}
	without := slices.Delete(slices.Clone(p.GetStages()), 1, 2)
	refused(t, "a stage in use left out", update(without), codes.FailedPrecondition, "STAGE_IN_USE")
	retired := proto.CloneOf(p).GetStages()
	retired[1].Retired = true
	if err := update(retired); err != nil {
		t.Errorf("a stage in use retired: %v", err)
	}
	o = must[*salesv1.Opportunity](t)(c.advance(o, "first"))
	_, err := c.advance(o, "second")
	refused(t, "into a retired stage", err, codes.FailedPrecondition, "STAGE_RETIRED")
	if err := update(without); err != nil {
		t.Errorf("a stage left out that nobody stands in: %v", err)
	}
}

func opportunityStagesAreTakenInOrder(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"SFA-09"}, func(t *testing.T, c *clients) {
		o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{Contact: c.person(t, "Ani"), Amount: rupiah(5)}))
		_, err := c.advance(o, "proposal")
		refused(t, "a stage skipped (B45)", err, codes.FailedPrecondition, "STAGE_SKIPPED")
		p := must[*salesv1.Pipeline](t)(c.GetPipeline(c.Ctx(), &salesv1.GetPipelineRequest{Name: o.GetPipeline()}))
		p.SkipAllowed = true
		must[*salesv1.Pipeline](t)(c.UpdatePipeline(c.Ctx(), &salesv1.UpdatePipelineRequest{Pipeline: p, UpdateMask: mask("skip_allowed")}))
		must[*salesv1.Opportunity](t)(c.advance(o, "proposal"))
		p.SkipAllowed = false
		p.Etag = ""
		must[*salesv1.Pipeline](t)(c.UpdatePipeline(c.Ctx(), &salesv1.UpdatePipelineRequest{Pipeline: p, UpdateMask: mask("skip_allowed")}))
	})
}

func opportunityAmountComesFromLines(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		list := c.list(t, "LINES", false)
		tea, milk := c.priced(t, list, "TEA", 4999), c.priced(t, list, "MILK", 12000)
		o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{
			Contact: c.person(t, "Ani"), PriceList: list.GetName(), Amount: rupiah(1),
			Lines: []*salesv1.LineItem{
				{Product: tea.GetName(), Quantity: quantity("2.5")},
				{ProductCode: milk.GetCode(), Quantity: quantity("1"), UnitPrice: &moneypb.Money{CurrencyCode: "IDR", Nanos: 125_000_000}},
			},
		}))
		if got := o.GetAmount(); got.GetUnits() != 12497 || got.GetNanos() != 620_000_000 { // 12497.50 and 0.12
			t.Errorf("amounts to %v", got)
		}
		first, second := o.GetLines()[0], o.GetLines()[1]
		if first.GetProductCode() != tea.GetCode() || first.GetDescription() != tea.GetDisplayName() || first.GetCategory() != "Drinks" ||
			first.GetUnit() != "bottle" || first.GetUnitPrice().GetUnits() != 4999 || second.GetProduct() != milk.GetName() {
			t.Errorf("lines %v", o.GetLines())
		}
		o.Lines = []*salesv1.LineItem{{Product: milk.GetName(), Quantity: quantity("3")}}
		o = must[*salesv1.Opportunity](t)(c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{Opportunity: o, UpdateMask: mask("lines")}))
		if o.GetAmount().GetUnits() != 36000 {
			t.Errorf("amounts to %v with other lines", o.GetAmount())
		}
		linesRefused(t, c, o, tea)
	})
}

func linesRefused(t *testing.T, c *clients, o *salesv1.Opportunity, p *salesv1.Product) {
	t.Helper()
	dollar := &moneypb.Money{CurrencyCode: "USD", Units: 1}
	for what, x := range map[string]struct {
		lines  []*salesv1.LineItem
		code   codes.Code
		reason string
	}{
		"two currencies (B18)": {[]*salesv1.LineItem{
			{Product: p.GetName(), Quantity: quantity("1"), UnitPrice: dollar}, {Product: p.GetName(), Quantity: quantity("1"), UnitPrice: rupiah(1)},
		}, codes.FailedPrecondition, "CURRENCY_MISMATCH"},
		"another currency than the amount's (B18)": {[]*salesv1.LineItem{
			{Product: p.GetName(), Quantity: quantity("1"), UnitPrice: dollar},
		}, codes.FailedPrecondition, "CURRENCY_MISMATCH"},
		"quantity 0":         {[]*salesv1.LineItem{{Product: p.GetName(), Quantity: quantity("0")}}, codes.InvalidArgument, "QUANTITY_INVALID"},
		"quantity NaN (B19)": {[]*salesv1.LineItem{{Product: p.GetName(), Quantity: quantity("NaN")}}, codes.InvalidArgument, "QUANTITY_INVALID"},
		"quantity Infinity":  {[]*salesv1.LineItem{{Product: p.GetName(), Quantity: quantity("Infinity")}}, codes.InvalidArgument, "QUANTITY_INVALID"},
		"no product":         {[]*salesv1.LineItem{{Quantity: quantity("1"), UnitPrice: rupiah(1)}}, codes.InvalidArgument, "FIELD_INVALID"},
		"unknown code":       {[]*salesv1.LineItem{{ProductCode: "NOWHERE", Quantity: quantity("1")}}, codes.NotFound, "PRODUCT_NOT_FOUND"},
		"unknown product": {[]*salesv1.LineItem{
			{Product: "products/01900000-0000-7000-8000-000000000001", Quantity: quantity("1")},
		}, codes.NotFound, "PRODUCT_NOT_FOUND"},
		"too much": {[]*salesv1.LineItem{
			{Product: p.GetName(), Quantity: quantity("999999999999"), UnitPrice: rupiah(999_999_999_999)},
		}, codes.OutOfRange, "MONEY_OUT_OF_RANGE"},
	} {
		_, err := c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{
			Opportunity: &salesv1.Opportunity{Name: o.GetName(), Lines: x.lines}, UpdateMask: mask("lines"),
		})
		refused(t, what, err, x.code, x.reason)
	}
	unpriced := c.product(t, "UNPRICED")
	_, err := c.deal(&salesv1.Opportunity{Contact: o.GetContact(), PriceList: o.GetPriceList(), Lines: []*salesv1.LineItem{
		{Product: unpriced.GetName(), Quantity: quantity("1")},
	}})
	refused(t, "no price", err, codes.FailedPrecondition, "PRICE_NOT_FOUND")
	must[*salesv1.Product](t)(c.UpdateProduct(c.Ctx(), &salesv1.UpdateProductRequest{
		Product: &salesv1.Product{Name: unpriced.GetName(), Active: proto.Bool(false)}, UpdateMask: mask("active"),
	}))
	_, err = c.deal(&salesv1.Opportunity{Contact: o.GetContact(), Lines: []*salesv1.LineItem{
		{Product: unpriced.GetName(), Quantity: quantity("1"), UnitPrice: rupiah(1)},
	}})
	refused(t, "a product that is not sold any more", err, codes.FailedPrecondition, "PRODUCT_INACTIVE")
}

func opportunityWonMakesTheOrder(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"SFA-06"}, func(t *testing.T, c *clients) {
		list := c.list(t, "WIN", false)
		tea := c.priced(t, list, "TEA", 5000)
		o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{
			Contact: c.person(t, "Ani"), PriceList: list.GetName(), Lines: []*salesv1.LineItem{{Product: tea.GetName(), Quantity: quantity("4")}},
		}))
		checked := must[*salesv1.Opportunity](t)(c.WinOpportunity(c.Ctx(), &salesv1.WinOpportunityRequest{Name: o.GetName(), ValidateOnly: true}))
		if checked.GetStatus() != salesv1.OpportunityStatus_OPPORTUNITY_STATUS_WON {
			t.Errorf("checked %v", checked)
		}
		won := must[*salesv1.Opportunity](t)(c.win(o))
		if won.GetStage() != "won" || won.GetProbability() != 100 || won.GetCloseTime() == nil || won.GetCloseReason() != "best offer" {
			t.Errorf("won %v", won)
		}
		draft := must[*salesv1.Order](t)(c.GetOrder(c.Ctx(), &salesv1.GetOrderRequest{Name: won.GetOrder()}))
		if draft.GetStatus() != salesv1.OrderStatus_ORDER_STATUS_DRAFT || draft.GetOpportunity() != o.GetName() || draft.GetContact() != o.GetContact() ||
			draft.GetTotal().GetUnits() != 20000 || len(draft.GetLines()) != 1 || draft.GetOwner() != o.GetOwner() {
			t.Errorf("made %v", draft)
		}
		orders := must[*salesv1.ListOrdersResponse](t)(c.ListOrders(c.Ctx(), &salesv1.ListOrdersRequest{Filter: `opportunity = "` + o.GetName() + `"`}))
		if len(orders.GetOrders()) != 1 {
			t.Errorf("made %v", orders)
		}
		_, err := c.win(o)
		refused(t, "won twice (B45)", err, codes.FailedPrecondition, "OPPORTUNITY_CLOSED")
		_, err = c.advance(o, "needs-analysis")
		refused(t, "a closed one moved (B45)", err, codes.FailedPrecondition, "OPPORTUNITY_CLOSED")
		_, err = c.LoseOpportunity(c.Ctx(), &salesv1.LoseOpportunityRequest{Name: o.GetName(), Reason: "x"})
		refused(t, "a won one lost", err, codes.FailedPrecondition, "OPPORTUNITY_CLOSED")
		_, err = c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{Opportunity: &salesv1.Opportunity{Name: o.GetName(), Probability: proto.Int32(5)}})
		refused(t, "terms of a closed one", err, codes.FailedPrecondition, "OPPORTUNITY_CLOSED")
		won.Note = "Deliver on Monday"
		noted := must[*salesv1.Opportunity](t)(c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{Opportunity: won}))
		if noted.GetNote() != "Deliver on Monday" {
			t.Errorf("noted %v", noted)
		}
		dealOfAnother(t, c, won)
	})
}

func dealOfAnother(t *testing.T, c *clients, won *salesv1.Opportunity) {
	t.Helper()
	o := c.other()
	_, err := o.GetOpportunity(o.Ctx(), &salesv1.GetOpportunityRequest{Name: won.GetName()})
	refused(t, "another tenant's read", err, codes.NotFound, "OPPORTUNITY_NOT_FOUND")
	_, err = o.win(won)
	refused(t, "another tenant's win", err, codes.NotFound, "OPPORTUNITY_NOT_FOUND")
	_, err = o.advance(won, "won")
	refused(t, "another tenant's advance", err, codes.NotFound, "OPPORTUNITY_NOT_FOUND")
	_, err = o.GetOrder(o.Ctx(), &salesv1.GetOrderRequest{Name: won.GetOrder()})
	refused(t, "another tenant's read of the order", err, codes.NotFound, "ORDER_NOT_FOUND")
	deals := must[*salesv1.ListOpportunitiesResponse](t)(o.ListOpportunities(o.Ctx(), &salesv1.ListOpportunitiesRequest{ShowDeleted: true}))
	orders := must[*salesv1.ListOrdersResponse](t)(o.ListOrders(o.Ctx(), &salesv1.ListOrdersRequest{ShowDeleted: true}))
	if len(deals.GetOpportunities()) != 0 || len(orders.GetOrders()) != 0 {
		t.Errorf("another tenant lists %v and %v", deals, orders)
	}
	_, err = o.deal(&salesv1.Opportunity{Contact: o.person(t, "Budi"), Pipeline: won.GetPipeline()})
	refused(t, "another tenant's deal in our pipeline", err, codes.NotFound, "PIPELINE_NOT_FOUND")
}

// Of many that win a deal at once one does, and there is one order.
func opportunityWonOnceUnderARace(t *testing.T, s *testkit.Suite) {
	c := of(s.Client(t, admin()))
	o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{Contact: c.person(t, "Ani"), Amount: rupiah(5)}))
	var (
		wait sync.WaitGroup
		won  atomic.Int32
	)
	for range 12 {
		wait.Go(func() {
			switch _, err := c.win(o); codeOf(err) {
			case codes.OK:
				won.Add(1)
			case codes.FailedPrecondition, codes.Aborted:
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	orders := must[*salesv1.ListOrdersResponse](t)(c.ListOrders(c.Ctx(), &salesv1.ListOrdersRequest{Filter: `opportunity = "` + o.GetName() + `"`}))
	if won.Load() != 1 || len(orders.GetOrders()) != 1 {
		t.Errorf("won %d times, with %d orders", won.Load(), len(orders.GetOrders()))
	}
}

func opportunityLostWithAReason(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		began := s.Clock.Now().Add(-48 * time.Hour)
		o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{Contact: c.person(t, "Ani"), OpenTime: timestamppb.New(began)}))
		lose := func(reason string, at time.Time) (*salesv1.Opportunity, error) {
			return c.LoseOpportunity(c.Ctx(), &salesv1.LoseOpportunityRequest{Name: o.GetName(), Reason: reason, CloseTime: timestamppb.New(at)})
		}
		_, err := lose("", began)
		if codeOf(err) != codes.InvalidArgument {
			t.Errorf("without a reason: %v", err)
		}
		for _, at := range []time.Time{began.Add(-time.Second), s.Clock.Now().Add(time.Hour)} {
			_, err = lose("price", at)
			refused(t, "out of its time", err, codes.InvalidArgument, "FIELD_INVALID")
		}
		lost := must[*salesv1.Opportunity](t)(lose("price", began.Add(time.Hour)))
		if lost.GetStatus() != salesv1.OpportunityStatus_OPPORTUNITY_STATUS_LOST || lost.GetCloseReason() != "price" ||
			!lost.GetCloseTime().AsTime().Equal(began.Add(time.Hour)) || lost.GetOrder() != "" || lost.GetProbability() != 0 {
			t.Errorf("lost %v", lost)
		}
	})
}

// A salesperson sees the deals of its own and of its teams, in every way.
func opportunityScope(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		team := "teams/01900000-0000-7000-8000-0000000000aa"
		rep := func(name string, teams ...string) *clients {
			return c.as(auth.Caller{Tenant: c.Caller.Tenant, Subject: "users/" + name, Roles: []auth.Role{auth.Sales}, Teams: teams})
		}
		ani, mate, stranger := rep("ani", team), rep("mate", team), rep("stranger")
		o := must[*salesv1.Opportunity](t)(ani.deal(&salesv1.Opportunity{Contact: c.person(t, "Customer"), Team: team, Amount: rupiah(1)}))
		for who, x := range map[string]struct {
			as   *clients
			sees bool
		}{"the owner": {ani, true}, "the team": {mate, true}, "another": {stranger, false}} {
			_, err := x.as.GetOpportunity(x.as.Ctx(), &salesv1.GetOpportunityRequest{Name: o.GetName()})
			if x.sees != (err == nil) {
				t.Errorf("%s reads: %v", who, err)
			}
			list := must[*salesv1.ListOpportunitiesResponse](t)(x.as.ListOpportunities(x.as.Ctx(), &salesv1.ListOpportunitiesRequest{}))
			if x.sees != (len(list.GetOpportunities()) == 1) {
				t.Errorf("%s lists %v", who, list)
			}
		}
		_, err := stranger.win(o)
		refused(t, "another wins", err, codes.NotFound, "OPPORTUNITY_NOT_FOUND")
		won := must[*salesv1.Opportunity](t)(mate.win(o))
		must[*salesv1.Order](t)(ani.GetOrder(ani.Ctx(), &salesv1.GetOrderRequest{Name: won.GetOrder()}))
		_, err = stranger.ConfirmOrder(stranger.Ctx(), &salesv1.ConfirmOrderRequest{Name: won.GetOrder()})
		refused(t, "another confirms", err, codes.NotFound, "ORDER_NOT_FOUND")
		agent := c.role(auth.Agent)
		_, err = agent.win(o)
		refused(t, "an agent wins", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

func opportunityBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani := c.person(t, "Ani")
		for what, x := range map[string]struct {
			o      *salesv1.Opportunity
			reason string
		}{
			"negative (B17)":            {&salesv1.Opportunity{Amount: rupiah(-1)}, "MONEY_INVALID"},
			"2^63-1 (B17)":              {&salesv1.Opportunity{Amount: rupiah(1<<63 - 1)}, "MONEY_INVALID"},
			"signs differ (B17)":        {&salesv1.Opportunity{Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 1, Nanos: -1}}, "MONEY_INVALID"},
			"nanos 10^9 (B17)":          {&salesv1.Opportunity{Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 1, Nanos: 1_000_000_000}}, "MONEY_INVALID"},
			"currency XXX (B18)":        {&salesv1.Opportunity{Amount: &moneypb.Money{CurrencyCode: "XXX", Units: 1}}, "MONEY_INVALID"},
			"yen with decimals (B18)":   {&salesv1.Opportunity{Amount: &moneypb.Money{CurrencyCode: "JPY", Nanos: 500_000_000}}, "MONEY_INVALID"},
			"30 February (B20)":         {&salesv1.Opportunity{CloseDate: &date.Date{Year: 2026, Month: 2, Day: 30}}, "FIELD_INVALID"},
			"a month without day (B20)": {&salesv1.Opportunity{CloseDate: &date.Date{Year: 2026, Month: 2}}, "FIELD_INVALID"},
			"begun in the future":       {&salesv1.Opportunity{OpenTime: timestamppb.New(s.Clock.Now().Add(time.Hour))}, "FIELD_INVALID"},
			"201 lines (B23)":           {&salesv1.Opportunity{Lines: slices.Repeat([]*salesv1.LineItem{{ProductCode: "x", Quantity: quantity("1")}}, 201)}, ""},
			"probability 101":           {&salesv1.Opportunity{Probability: proto.Int32(101)}, ""},
		} {
			x.o.Contact = ani
			_, err := c.deal(x.o)
			if x.reason == "" && codeOf(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", what, err)
			} else if x.reason != "" {
				refused(t, what, err, codes.InvalidArgument, x.reason)
			}
		}
		_, err := c.deal(&salesv1.Opportunity{Contact: nobody})
		refused(t, "of nobody", err, codes.NotFound, "CONTACT_NOT_FOUND")
		o := must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{Contact: ani}))
		for path, m := range map[string]*salesv1.Opportunity{
			"stage":    {Stage: "proposal"},
			"pipeline": {Pipeline: "pipelines/01900000-0000-7000-8000-000000000001"},
			"contact":  {Contact: nobody},
		} {
			m.Name = o.GetName()
			_, err := c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{Opportunity: m, UpdateMask: mask(path)})
			refused(t, path+" by update", err, codes.InvalidArgument, "FIELD_IMMUTABLE")
		}
	})
}
