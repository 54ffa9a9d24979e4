package server

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// answerPurchases sums up what the customer bought, and says what that makes it.
func (v *viewing) answerPurchases(ctx context.Context) {
	v.view.Purchases = &analyticsv1.PurchaseSummary{}
	bought, err := sum(v.rows.Facts.Value.Purchases)
	if v.rows.Facts.Err != nil {
		err = v.rows.Facts.Err
	}
	if err == nil && mayRead(analyticsv1.Section_SECTION_PURCHASES, v.caller) {
		v.view.Purchases = bought.summary(v.setting.Currency)
		v.view.LifecycleClass, v.view.ValueTier, err = v.standing(ctx, v.pyramidQuery(), v.setting.Zone, v.rows.Customer, bought)
		v.view.LifecyclePhase = contactv1.LifecyclePhase(lifecycle.PhaseOf(lifecycle.Class(v.view.GetLifecycleClass()), int(bought.lately)))
	}
	uncounted := errors.Is(err, store.ErrUncounted)
	if uncounted {
		err = nil
	}
	known := v.status(ctx, analyticsv1.Section_SECTION_PURCHASES, err)
	if uncounted && known.GetState() == analyticsv1.SectionState_SECTION_STATE_OK {
		position := known.GetPosition()
		known = statusOf(analyticsv1.SectionState_SECTION_STATE_STALE, store.ErrUncounted)
		known.Position = position
	}
	v.view.Purchases.Status = known
}

// purchases are those in all currencies together.
type purchases struct {
	currencies         []store.CurrencyPurchases
	count, unconverted int64
	// lately is how many lie within the window.
	lately            int64
	converted, window money.Decimal
	first, last       time.Time
}

func sum(currencies []store.CurrencyPurchases) (purchases, error) {
	total := purchases{currencies: currencies}
	var err error
	for _, c := range currencies {
		total.count += c.Count
		total.unconverted += c.Unconverted
		total.lately += c.Lately
		if total.converted, err = total.converted.Add(c.Converted); err != nil {
			return total, err
		}
		if total.window, err = total.window.Add(c.Window); err != nil {
			return total, err
		}
		if total.first.IsZero() || c.First.Before(total.first) {
			total.first = c.First
		}
		if c.Last.After(total.last) {
			total.last = c.Last
		}
	}
	return total, nil
}

func (p purchases) summary(currency string) *analyticsv1.PurchaseSummary {
	answer := &analyticsv1.PurchaseSummary{
		Count: p.count, UnconvertedCount: p.unconverted,
		ReportingTotal: money.Of(currency, p.converted).Proto(), WindowTotal: money.Of(currency, p.window).Proto(),
	}
	for _, c := range p.currencies {
		answer.Totals = append(answer.Totals, &analyticsv1.CurrencyTotal{Total: money.Of(c.Currency, c.Total).Proto(), Count: c.Count})
	}
	if p.count > 0 {
		answer.FirstPurchaseTime, answer.LastPurchaseTime = timestamppb.New(p.first), timestamppb.New(p.last)
	}
	return answer
}

// standing says where a customer stands in the pyramid, and what it is worth. With
// store.ErrUncounted the class is known and the tier not yet.
func (s *Server) standing(ctx context.Context, tenant store.PyramidQuery, zone *time.Location, c store.Customer, bought purchases) (analyticsv1.LifecycleClass, analyticsv1.ValueTier, error) {
	class := lifecycle.Facts{
		Bought: bought.count > 0, BoughtLately: !bought.last.Before(tenant.Purchases.Window.Start),
		Related: c.Related, NoNeed: c.NoNeed,
	}.Class()
	if class != lifecycle.Active || c.Deleted {
		return analyticsv1.LifecycleClass(class), analyticsv1.ValueTier_VALUE_TIER_UNSPECIFIED, nil
	}
	marks, err := s.Store.Marks(ctx, tenant, zone)
	if err != nil {
		return analyticsv1.LifecycleClass(class), analyticsv1.ValueTier_VALUE_TIER_UNSPECIFIED, err
	}
	tier := marks.Layer(pyramid.Place{Revenue: bought.window, Contact: c.Contact}).Tier()
	return analyticsv1.LifecycleClass(class), analyticsv1.ValueTier(tier), nil
}
