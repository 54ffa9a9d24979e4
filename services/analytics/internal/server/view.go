package server

import (
	"context"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

const (
	workItems         = 20
	relationshipItems = 50
)

// viewing is one view on its way to the caller.
type viewing struct {
	*Server
	caller  auth.Caller
	req     *analyticsv1.GetCustomerViewRequest
	ref     store.Ref
	at      store.Instant
	setting store.Setting
	// areas are those whose history is shown, and whole is true where none is
	// left out.
	areas []string
	whole bool

	rows *store.View
	view *analyticsv1.CustomerView
	// statuses are those of the areas, which sections share: nothing changes them.
	statuses map[string]*analyticsv1.SectionStatus
}

// GetCustomerView answers all that is known of a customer.
func (s *Server) GetCustomerView(ctx context.Context, req *analyticsv1.GetCustomerViewRequest) (*analyticsv1.CustomerView, error) {
	v := &viewing{Server: s, caller: auth.From(ctx), req: req, statuses: map[string]*analyticsv1.SectionStatus{}}
	var err error
	if v.ref, err = refOf("name", req.GetName()); err != nil {
		return nil, err
	}
	if v.at, err = s.instantOf(req.GetAsOf(), req.GetEffectiveAt()); err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	if v.setting, err = s.Store.Setting(ctx, v.caller.Tenant); err != nil {
		return nil, err
	}
	v.areas, v.whole = history(v.caller, nil)
	if v.rows, err = s.Store.View(ctx, v.query()); err != nil {
		return nil, err
	}
	if err := visible(ctx, v.ref, v.rows.Customer); err != nil {
		return nil, err
	}
	return v.answer(ctx)
}

// wants says whether a section was asked for.
func (v *viewing) wants(section analyticsv1.Section) bool {
	return len(v.req.GetSections()) == 0 || slices.Contains(v.req.GetSections(), section)
}

// reads says whether a section is asked for and readable.
func (v *viewing) reads(section analyticsv1.Section) bool {
	return v.wants(section) && mayRead(section, v.caller)
}

func (v *viewing) query() store.ViewQuery {
	q := store.ViewQuery{
		Tenant: v.caller.Tenant, Ref: v.ref, At: v.at, Limit: workItems + 1,
		Subject: v.caller.Subject, Teams: v.caller.Teams,
		Sections:  []store.Section{{ID: int16(analyticsv1.Section_SECTION_PROFILE)}},
		Purchases: v.setting.Purchases(v.at.EffectiveAt, 0),
	}
	for _, section := range workSections {
		if v.reads(section) {
			own := scope(sections[section].readers, v.caller.Roles) < auth.All
			q.Sections = append(q.Sections, store.Section{ID: int16(section), Own: own})
		}
	}
	if v.reads(analyticsv1.Section_SECTION_ACCOUNT_BALANCES) {
		q.Sections = append(q.Sections, store.Section{ID: int16(analyticsv1.Section_SECTION_ACCOUNT_BALANCES)})
	}
	if v.reads(analyticsv1.Section_SECTION_RELATIONSHIPS) {
		q.Relationships = relationshipItems + 1
	}
	if v.reads(analyticsv1.Section_SECTION_PURCHASES) {
		q.Facts = append(q.Facts, projection.Purchase)
	}
	if v.reads(analyticsv1.Section_SECTION_SATISFACTION) {
		q.Facts = append(q.Facts, projection.Satisfaction)
	}
	if v.reads(analyticsv1.Section_SECTION_CUSTOM_FIELDS) {
		q.Sections = append(q.Sections, store.Section{ID: projection.CustomFields})
	}
	if v.wants(analyticsv1.Section_SECTION_TIMELINE) {
		q.Timeline = &store.TimelineQuery{
			Limit: pageOf(v.req.GetPageSize()), Areas: v.areas, Reach: reachOf(v.caller), Field: protowire.Number(viewEntries),
		}
	}
	return q
}

func (v *viewing) pyramidQuery() store.PyramidQuery {
	return store.PyramidQuery{
		Tenant: v.caller.Tenant, At: v.at, Shares: v.setting.Shares,
		Purchases: v.setting.Purchases(v.at.EffectiveAt, 0),
	}
}
