package server

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// pyramidOf says of which customers the caller asks, in a window of so many
// months.
func (s *Server) pyramidOf(ctx context.Context, at store.Instant, months int32) (store.PyramidQuery, string, error) {
	tenant := auth.From(ctx).Tenant
	setting, err := s.Store.Setting(ctx, tenant)
	q := store.PyramidQuery{Tenant: tenant, At: at, Shares: setting.Shares}
	if err == nil {
		q.Purchases = setting.Purchases(at.EffectiveAt, int(months))
		err = representable(q.Purchases.Window)
	}
	return q, setting.Currency, err
}

// representable refuses a window that begins before the first time that a message
// can hold.
func representable(w lifecycle.Window) error {
	if timestamppb.New(w.Start).IsValid() {
		return nil
	}
	return errs.Invalid("window_months", "", "the window must not begin before the year 1")
}

// GetCustomerPyramid sums up all customers by layer.
func (s *Server) GetCustomerPyramid(ctx context.Context, req *analyticsv1.GetCustomerPyramidRequest) (*analyticsv1.CustomerPyramid, error) {
	at, err := s.instantOf(req.GetAsOf(), req.GetEffectiveAt())
	if err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	q, currency, err := s.pyramidOf(ctx, at, req.GetWindowMonths())
	if err != nil {
		return nil, err
	}
	layers, err := s.Store.Pyramid(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := &analyticsv1.CustomerPyramid{
		AsOf: timestamppb.New(at.AsOf), EffectiveAt: timestamppb.New(at.EffectiveAt),
		WindowMonths: int32(q.Purchases.Months), WindowStartTime: timestamppb.New(q.Purchases.Window.Start),
	}
	return answer, fillPyramid(answer, layers, currency)
}

// fillPyramid adds every layer and what they come to together.
func fillPyramid(p *analyticsv1.CustomerPyramid, layers map[pyramid.Layer]store.LayerSum, currency string) error {
	var total store.LayerSum
	var customers int64
	var err error
	for layer, sum := range layers {
		total.Count += sum.Count
		total.Unconverted += sum.Unconverted
		total.Seconds += sum.Seconds
		if c := layer.Class(); c == lifecycle.Active || c == lifecycle.Inactive {
			customers += sum.Count
		}
		if total.Revenue, err = total.Revenue.Add(sum.Revenue); err != nil {
			return err
		}
	}
	for _, layer := range pyramid.Layers {
		sum := layers[layer]
		p.Layers = append(p.Layers, &analyticsv1.PyramidLayerSummary{
			Layer: analyticsv1.PyramidLayer(layer), Count: sum.Count, Revenue: money.Of(currency, sum.Revenue).Proto(),
			CountShare: share(float64(sum.Count), float64(total.Count)), RevenueShare: share(float(sum.Revenue), float(total.Revenue)),
		})
	}
	p.Count, p.Revenue, p.UnconvertedCount = total.Count, money.Of(currency, total.Revenue).Proto(), total.Unconverted
	p.MeanLifetimeMonths = share(float64(total.Seconds), float64(customers)) / secondsPerMonth
	return nil
}

// secondsPerMonth is a twelfth of a Gregorian year, for means.
const secondsPerMonth = 2629746

// share divides, and answers 0 where there is nothing to divide by.
func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

// float is near enough for a share, and for nothing else.
func float(d money.Decimal) float64 { return float64(d.Units) + float64(d.Nanos)/1e9 }

// ListPyramidMembers lists the customers of a layer.
func (s *Server) ListPyramidMembers(ctx context.Context, req *analyticsv1.ListPyramidMembersRequest) (*analyticsv1.ListPyramidMembersResponse, error) {
	at, err := s.instantOf(req.GetAsOf(), req.GetEffectiveAt())
	if err != nil {
		return nil, err
	}
	caller := auth.From(ctx)
	binding := fmt.Appendf(nil, "pyramid|%s|%s|%d|%d|%s|%s", caller.Tenant, caller.Subject, req.GetLayer(), req.GetWindowMonths(),
		instantKey(req.GetAsOf()), instantKey(req.GetEffectiveAt()))
	at, after, err := s.memberKey(req.GetPageToken(), binding, at)
	if err != nil {
		return nil, err
	}
	q, currency, err := s.pyramidOf(ctx, at, req.GetWindowMonths())
	if err != nil {
		return nil, err
	}
	limit := pageOf(req.GetPageSize())
	members, err := s.Store.Members(ctx, q, pyramid.Layer(req.GetLayer()), after, limit+1)
	if err != nil {
		return nil, err
	}
	answer := &analyticsv1.ListPyramidMembersResponse{}
	if len(members) > limit {
		members = members[:limit]
		last := members[limit-1]
		if answer.NextPageToken, err = s.Store.PageToken([]any{at.AsOf.UnixMicro(), at.EffectiveAt.UnixMicro(), last.Rank, last.Contact.String()}, binding); err != nil {
			return nil, err
		}
	}
	for _, m := range members {
		answer.Members = append(answer.Members, memberOf(m, req.GetLayer(), currency))
	}
	return answer, nil
}

// memberKey reads a page token. The pages after the first are as of the same
// instant, and so is the first: otherwise ranks would move between them.
func (s *Server) memberKey(token string, binding []byte, at store.Instant) (store.Instant, store.MemberKey, error) {
	at.Past = true
	if token == "" {
		return at, store.MemberKey{}, nil
	}
	cursor, err := s.Store.PageCursor(token, binding)
	if err != nil {
		return at, store.MemberKey{}, err
	}
	if len(cursor) != 4 {
		return at, store.MemberKey{}, errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "not a token of this list: start again without one")
	}
	asOf, _ := cursor[0].(int64)
	effective, _ := cursor[1].(int64)
	rank, _ := cursor[2].(int64)
	text, _ := cursor[3].(string)
	contact, err := uuid.Parse(text)
	at.AsOf, at.EffectiveAt = timeOf(asOf), timeOf(effective)
	return at, store.MemberKey{Rank: rank, Contact: contact}, err
}

func memberOf(m store.Member, layer analyticsv1.PyramidLayer, currency string) *analyticsv1.PyramidMember {
	l := pyramid.Layer(layer)
	answer := &analyticsv1.PyramidMember{
		Contact: contactPrefix + m.Contact.String(), CustomerId: m.CustomerID, DisplayName: m.DisplayName, Layer: layer,
		LifecycleClass: analyticsv1.LifecycleClass(l.Class()), ValueTier: analyticsv1.ValueTier(l.Tier()),
		Rank: m.Rank, Revenue: money.Of(currency, m.Revenue).Proto(),
	}
	if m.LastPurchase != nil {
		answer.LastPurchaseTime = timestamppb.New(*m.LastPurchase)
	}
	return answer
}
