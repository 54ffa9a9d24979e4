package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// ListTimeline answers a page of what happened to a customer.
func (s *Server) ListTimeline(ctx context.Context, req *analyticsv1.ListTimelineRequest) (*analyticsv1.ListTimelineResponse, error) {
	ref, err := refOf("parent", req.GetParent())
	if err != nil {
		return nil, err
	}
	at, err := s.instantOf(req.GetAsOf(), req.GetEffectiveAt())
	if err != nil {
		return nil, err
	}
	caller := auth.From(ctx)
	q := timelineQuery(req, caller)
	binding := timelineBinding(caller, req)
	if q.Before, err = s.timelineKey(req.GetPageToken(), binding); err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	setting, err := s.Store.Setting(ctx, caller.Tenant)
	if err != nil {
		return nil, err
	}
	tenant := store.PyramidQuery{Tenant: caller.Tenant, At: at, Purchases: setting.Purchases(at.EffectiveAt, 0), Shares: setting.Shares}
	page, err := s.Store.Timeline(ctx, caller.Tenant, ref, at, q, tenant.Purchases)
	if err != nil {
		return nil, err
	}
	if err := visible(ctx, ref, page.Customer); err != nil {
		return nil, err
	}
	bought, err := sum(page.Facts.Purchases)
	if err != nil {
		return nil, err
	}
	answer := &analyticsv1.ListTimelineResponse{}
	answer.LifecycleClass, answer.ValueTier, err = s.standing(ctx, tenant, setting.Zone, page.Customer, bought)
	if err != nil && !errors.Is(err, store.ErrUncounted) {
		return nil, err
	}
	addElements(answer, page.Page.Entries)
	answer.NextPageToken, err = s.nextToken(page.Page, binding)
	return answer, err
}

func timelineQuery(req *analyticsv1.ListTimelineRequest, caller auth.Caller) store.TimelineQuery {
	q := store.TimelineQuery{
		Limit: pageOf(req.GetPageSize()), Types: req.GetTypes(),
		Conversation: req.GetConversation(), Interactions: req.GetInteractionsOnly(), Reach: reachOf(caller), Field: protowire.Number(pageEntries),
	}
	q.Areas, _ = history(caller, req.GetAreas())
	if len(q.Types) == 0 {
		q.Types = nil
	}
	for _, channel := range req.GetChannels() {
		q.Channels = append(q.Channels, int16(channel))
	}
	return q
}

// timelineBinding is what all pages of a list share.
func timelineBinding(caller auth.Caller, req *analyticsv1.ListTimelineRequest) []byte {
	return fmt.Appendf(nil, "timeline|%s|%s|%q|%v|%q|%q|%q|%t|%s|%s", caller.Tenant, caller.Subject, req.GetParent(),
		req.GetChannels(), req.GetConversation(), req.GetAreas(), req.GetTypes(), req.GetInteractionsOnly(),
		instantKey(req.GetAsOf()), instantKey(req.GetEffectiveAt()))
}

func instantKey(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Format(time.RFC3339Nano)
}

// timelineKey reads a page token: nil for the first page.
func (s *Server) timelineKey(token string, binding []byte) (*store.TimelineKey, error) {
	if token == "" {
		return nil, nil
	}
	cursor, err := s.Store.PageCursor(token, binding)
	if err != nil {
		return nil, err
	}
	if len(cursor) != 2 {
		return nil, errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "not a token of this list: start again without one")
	}
	micros, _ := cursor[0].(int64)
	text, _ := cursor[1].(string)
	id, err := uuid.Parse(text)
	return &store.TimelineKey{OccurredAt: time.UnixMicro(micros).UTC(), EventID: id}, err
}

// nextToken answers the token of what is older than a page; empty where nothing is.
func (s *Server) nextToken(page store.Page, binding []byte) (string, error) {
	if !page.More {
		return "", nil
	}
	last := &analyticsv1.TimelineEntry{}
	if err := proto.Unmarshal(page.Last, last); err != nil {
		return "", err
	}
	return s.Store.PageToken([]any{last.GetOccurredAt().AsTime().UnixMicro(), last.GetEventId()}, binding)
}

// answerTimeline adds the first page of the timeline to a view.
func (v *viewing) answerTimeline(ctx context.Context) error {
	part := v.rows.Timeline
	err := part.Err
	if err == nil {
		binding := timelineBinding(v.caller, &analyticsv1.ListTimelineRequest{
			Parent: v.req.GetName(), AsOf: v.req.GetAsOf(), EffectiveAt: v.req.GetEffectiveAt(),
		})
		addElements(v.view, part.Value.Entries)
		v.view.NextPageToken, err = v.nextToken(part.Value, binding)
	}
	v.view.TimelineStatus = v.timelineStatus(ctx, err)
	return ctx.Err()
}

// timelineStatus is that of the worst area.
func (v *viewing) timelineStatus(ctx context.Context, err error) *analyticsv1.SectionStatus {
	worst := &analyticsv1.SectionStatus{State: analyticsv1.SectionState_SECTION_STATE_OK}
	for area := range historians {
		if scope(historians[area], v.caller.Roles) == auth.None {
			continue
		}
		status := v.areaStatus(ctx, area, err)
		if status.GetState() > worst.GetState() {
			worst = status
		}
		if err != nil {
			return worst
		}
	}
	if !v.whole {
		worst = statusOf(analyticsv1.SectionState_SECTION_STATE_DENIED, errDenied)
	}
	return &analyticsv1.SectionStatus{State: worst.GetState(), Error: worst.GetError(), Position: v.view.GetPosition()}
}
