package server

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

var errDenied = errs.Denied("SECTION_DENIED", "your role may not read this section")

// answer words what was read. Only an error that is the caller's own ends it.
func (v *viewing) answer(ctx context.Context) (*analyticsv1.CustomerView, error) {
	c := v.rows.Customer
	v.view = &analyticsv1.CustomerView{
		Name: v.name(), Contact: contactPrefix + c.Contact.String(),
		AsOf: timestamppb.New(v.at.AsOf), EffectiveAt: timestamppb.New(v.at.EffectiveAt),
		Position: v.positions(nil),
	}
	v.answerProfile(ctx)
	for _, section := range workSections {
		if v.wants(section) {
			v.setWork(section, v.work(ctx, section))
		}
	}
	if v.wants(analyticsv1.Section_SECTION_RELATIONSHIPS) {
		v.view.Relationships = v.relationships(ctx)
	}
	if v.wants(analyticsv1.Section_SECTION_ACCOUNT_BALANCES) {
		v.view.AccountBalances = v.accountBalances(ctx)
	}
	if v.wants(analyticsv1.Section_SECTION_CUSTOM_FIELDS) {
		v.view.CustomFieldLabels = v.customFields(ctx)
	}
	if v.wants(analyticsv1.Section_SECTION_PURCHASES) {
		v.answerPurchases(ctx)
	}
	if v.wants(analyticsv1.Section_SECTION_SATISFACTION) {
		v.view.Satisfaction = v.satisfaction(ctx)
	}
	if v.wants(analyticsv1.Section_SECTION_TIMELINE) {
		return v.view, v.answerTimeline(ctx)
	}
	return v.view, nil
}

// name prefers the Customer ID over the contact's.
func (v *viewing) name() string {
	if number := v.rows.Customer.CustomerID; number != "" {
		return customerPrefix + number
	}
	return customerPrefix + v.rows.Customer.Contact.String()
}

func (v *viewing) answerProfile(ctx context.Context) {
	profile := v.rows.Work[int16(analyticsv1.Section_SECTION_PROFILE)]
	v.view.Customer = &contactv1.Contact{}
	err := profile.Err
	for _, state := range profile.Value {
		err = proto.Unmarshal(state.Body, v.view.Customer)
	}
	v.view.ProfileStatus = v.status(ctx, analyticsv1.Section_SECTION_PROFILE, err)
	for _, role := range v.view.GetCustomer().GetRoles() {
		if holds(role.GetStartTime(), role.GetEndTime(), v.at.EffectiveAt) && !slices.Contains(v.view.GetRoles(), role.GetKind()) {
			v.view.Roles = append(v.view.Roles, role.GetKind())
		}
	}
}

// holds says whether what is dated like this holds at an instant.
func holds(start, end *timestamppb.Timestamp, at time.Time) bool {
	return (start == nil || !start.AsTime().After(at)) && (end == nil || end.AsTime().After(at))
}

func (v *viewing) work(ctx context.Context, section analyticsv1.Section) *analyticsv1.WorkSection {
	part := v.rows.Work[int16(section)]
	if part == nil {
		return &analyticsv1.WorkSection{Status: v.status(ctx, section, nil)}
	}
	answer := &analyticsv1.WorkSection{More: len(part.Value) > workItems, Status: v.status(ctx, section, part.Err)}
	items := make([][]byte, min(len(part.Value), workItems))
	for i := range items {
		items[i] = part.Value[i].Body
	}
	workSectionItems.add(answer, items...)
	return answer
}

// accountBalances answers the latest balance of each account of each source.
func (v *viewing) accountBalances(ctx context.Context) *analyticsv1.AccountBalanceSection {
	const section = analyticsv1.Section_SECTION_ACCOUNT_BALANCES
	part := v.rows.Work[int16(section)]
	if part == nil {
		return &analyticsv1.AccountBalanceSection{Status: v.status(ctx, section, nil)}
	}
	answer := &analyticsv1.AccountBalanceSection{}
	err := part.Err
	shown := map[[2]string]bool{}
	for _, state := range part.Value[:min(len(part.Value), workItems)] {
		f := &contactv1.Fact{}
		if err = proto.Unmarshal(state.Body, f); err != nil {
			break
		}
		if account := [2]string{f.GetSource(), f.GetAccountBalance().GetAccount()}; !shown[account] {
			shown[account] = true
			answer.Balances = append(answer.Balances, f)
		}
	}
	answer.Status = v.status(ctx, section, err)
	return answer
}

func (v *viewing) setWork(section analyticsv1.Section, work *analyticsv1.WorkSection) {
	switch section {
	case analyticsv1.Section_SECTION_LEADS:
		v.view.Leads = work
	case analyticsv1.Section_SECTION_OPPORTUNITIES:
		v.view.Opportunities = work
	case analyticsv1.Section_SECTION_ORDERS:
		v.view.Orders = work
	case analyticsv1.Section_SECTION_TICKETS:
		v.view.Tickets = work
	case analyticsv1.Section_SECTION_TOUCHES:
		v.view.Touches = work
	}
}

func (v *viewing) relationships(ctx context.Context) *analyticsv1.RelationshipSection {
	part := v.rows.Relationships
	answer := &analyticsv1.RelationshipSection{More: len(part.Value) > relationshipItems}
	err := part.Err
	for _, row := range part.Value[:min(len(part.Value), relationshipItems)] {
		var r *analyticsv1.CustomerRelationship
		if r, err = relationshipOf(v.view.GetContact(), row); err != nil {
			break
		}
		answer.Items = append(answer.Items, r)
	}
	slices.SortStableFunc(answer.Items, func(a, b *analyticsv1.CustomerRelationship) int {
		first, second := holds(a.GetStartTime(), a.GetEndTime(), v.at.EffectiveAt), holds(b.GetStartTime(), b.GetEndTime(), v.at.EffectiveAt)
		switch {
		case first == second:
			return 0
		case first:
			return -1
		default:
			return 1
		}
	})
	answer.Status = v.status(ctx, analyticsv1.Section_SECTION_RELATIONSHIPS, err)
	return answer
}

// relationshipOf reads a relationship from the side of a contact.
func relationshipOf(contact string, row store.Relationship) (*analyticsv1.CustomerRelationship, error) {
	var r contactv1.Relationship
	if err := proto.Unmarshal(row.Relationship, &r); err != nil {
		return nil, err
	}
	var kind contactv1.RelationshipType
	if err := proto.Unmarshal(row.Type, &kind); err != nil {
		return nil, err
	}
	name := kind.GetForwardName()
	if r.GetToContact() == contact {
		name = kind.GetReverseName()
	}
	return &analyticsv1.CustomerRelationship{
		Relationship: r.GetName(), Type: r.GetType(), TypeName: name, Role: r.GetRole(),
		Other: contactPrefix + row.Peer.String(), OtherCustomerId: row.PeerID, OtherDisplayName: row.PeerName,
		StartTime: r.GetStartTime(), EndTime: r.GetEndTime(),
	}, nil
}

func (v *viewing) satisfaction(ctx context.Context) *analyticsv1.SatisfactionSummary {
	known := v.rows.Facts.Value.Satisfaction
	answer := &analyticsv1.SatisfactionSummary{
		Latest: known.Latest, Average: known.Average, Count: known.Count,
		Status: v.status(ctx, analyticsv1.Section_SECTION_SATISFACTION, v.rows.Facts.Err),
	}
	if known.LatestAt != nil {
		answer.LatestTime = timestamppb.New(*known.LatestAt)
	}
	return answer
}

// status says how good a section is.
func (v *viewing) status(ctx context.Context, section analyticsv1.Section, err error) *analyticsv1.SectionStatus {
	if !mayRead(section, v.caller) {
		return statusOf(analyticsv1.SectionState_SECTION_STATE_DENIED, errDenied)
	}
	return v.areaStatus(ctx, sections[section].area, err)
}

// areaStatus says how good what is known of an area is. An error is why it could
// not be read.
func (v *viewing) areaStatus(ctx context.Context, area string, err error) *analyticsv1.SectionStatus {
	if err == nil {
		err = v.rows.Cursors.Err
	}
	if err != nil {
		v.Logger.ErrorContext(ctx, "a section of a view cannot be read", "area", area, "cause", err.Error())
		return statusOf(analyticsv1.SectionState_SECTION_STATE_FAILED, err)
	}
	if v.statuses[area] == nil {
		v.statuses[area] = v.freshness(area)
	}
	return v.statuses[area]
}

// freshness says whether what was read of an area is all there is.
func (v *viewing) freshness(area string) *analyticsv1.SectionStatus {
	answer := &analyticsv1.SectionStatus{State: analyticsv1.SectionState_SECTION_STATE_OK, Position: v.positions([]string{area})}
	for _, c := range v.rows.Cursors.Value {
		if c.Area != area {
			continue
		}
		why := v.heads.stale(area, int32(c.Partition), c.Position)
		if c.Parked {
			why = errParked
		}
		if why != nil {
			stale := statusOf(analyticsv1.SectionState_SECTION_STATE_STALE, why)
			stale.Position = answer.GetPosition()
			return stale
		}
	}
	return answer
}

func statusOf(state analyticsv1.SectionState, err error) *analyticsv1.SectionStatus {
	if _, told := status.FromError(err); !told {
		err = errs.Internal(err)
	}
	return &analyticsv1.SectionStatus{State: state, Error: status.Convert(err).Proto()}
}

// positions answers how far areas were applied on the customer's partition, of all
// areas where none are named.
func (v *viewing) positions(areas []string) string {
	all := make([]string, 0, len(v.rows.Cursors.Value))
	for _, c := range v.rows.Cursors.Value {
		if areas == nil || slices.Contains(areas, c.Area) {
			all = append(all, c.Area+":"+strconv.Itoa(int(c.Partition))+":"+strconv.FormatInt(c.Position, 10))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}
