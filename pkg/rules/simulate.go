package rules

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

const (
	// maxSimulated is how many events a simulation looks at, and simulationPage how many
	// at a time.
	maxSimulated   = 20_000
	simulationPage = 500
	// maxSamples is how many firings it shows.
	maxSamples = 20
)

// BackTestRule answers what a rule would have done in a span of time: it goes through the
// tenant's events of the kind, resource by resource. A rule of state fires where its
// condition held for long enough before it ended, or before the span does.
func (e *Engine) BackTestRule(ctx context.Context, req *platformv1.BackTestRuleRequest) (*platformv1.SimulateRuleResponse, error) {
	p, err := e.compile(req.GetRule())
	if err != nil {
		return nil, err
	}
	if req.GetRule().GetTrigger().GetSchedule() != nil {
		return nil, errs.Refused("RULE_NOT_SIMULATABLE", "a schedule looks at resources as they are: test it on samples")
	}
	from, to := req.GetFromTime().AsTime(), e.now()
	if req.GetToTime() != nil {
		to = req.GetToTime().AsTime()
	}
	if !from.Before(to) {
		return nil, errs.Invalid("to_time", "", "must be after from_time")
	}
	if k := e.kinds[req.GetRule().GetKind()]; k.past != nil {
		return k.backTest(ctx, auth.From(ctx).Tenant, p, from, to)
	}
	s := &simulation{program: p, to: to, resp: &platformv1.SimulateRuleResponse{}}
	for after := (place{}); ; {
		events, err := e.history(ctx, auth.From(ctx).Tenant, e.kinds[req.GetRule().GetKind()].Events, from, to, after)
		if err != nil {
			return nil, err
		}
		if err := eventlog.FetchKeys(ctx, e.keys, events); err != nil {
			return nil, err
		}
		for _, event := range events {
			if s.resp.GetEvents() == maxSimulated {
				s.resp.Truncated = true
				return s.end(), nil
			}
			h, err := e.happen(ctx, e.kinds[req.GetRule().GetKind()], event)
			if err != nil {
				return nil, err
			}
			s.resp.Events++
			s.look(ctx, h)
		}
		if len(events) < simulationPage {
			return s.end(), nil
		}
		last := events[len(events)-1]
		after = place{last.GetAggregate(), last.GetAggregateSeq()}
	}
}

// place is one in the log of a tenant, by resource.
type place struct {
	aggregate string
	seq       int64
}

// history answers the next events of a tenant's log within a span, by resource.
func (e *Engine) history(ctx context.Context, tenant uuid.UUID, types []string, from, to time.Time, after place) ([]*eventv1.Event, error) {
	var events []*eventv1.Event
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT event FROM event_log
		WHERE tenant = $1 AND (aggregate, aggregate_seq) > ($2, $3) AND recorded_at >= $4 AND recorded_at < $5 AND type = ANY ($6)
		ORDER BY aggregate, aggregate_seq LIMIT $7`,
		tenant, after.aggregate, after.seq, from, to, types, simulationPage,
	).Query(func(rows pgx.Rows) error {
		bodies, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		for _, body := range bodies {
			event := &eventv1.Event{}
			if err := proto.Unmarshal(body, event); err != nil {
				return err
			}
			events = append(events, event)
		}
		return err
	})
	return events, postgres.Run(ctx, e.db, b)
}

// simulation is a back-test under way.
type simulation struct {
	*program
	to   time.Time
	resp *platformv1.SimulateRuleResponse
	// times are when it would have fired, for the guard.
	times []time.Time
	// held is the resource whose condition holds, and since when.
	held *happening
}

// look evaluates the rule on the next event.
func (s *simulation) look(ctx context.Context, h *happening) {
	state := s.rule.GetTrigger().GetStateDuration() != nil
	if state && s.held != nil && s.held.resource.name != h.resource.name {
		s.leave(s.to)
	}
	if !state && !slices.Contains(s.rule.GetTrigger().GetEvents().GetTypes(), h.in.event) {
		return
	}
	matches := s.covers(h.resource.message) && !(state && gone(h.resource.message))
	if matches {
		var err error
		if matches, _, err = s.evaluate(ctx, h.in); err != nil {
			s.resp.Failures++
		}
	}
	switch {
	case !state && matches:
		s.fire(h, h.in.now)
	case state && matches && s.held == nil:
		s.held = h
	case state && !matches && s.held != nil:
		s.leave(h.in.now)
	}
}

// leave ends a state: it has fired where it was due before.
func (s *simulation) leave(at time.Time) {
	of := &standing{definition: &definition{}, program: s.program}
	if due, ok := of.dueFor(s.held.resource.message, s.held.in.now); ok && !due.After(at) {
		s.fire(s.held, due)
	}
	s.held = nil
}

func (s *simulation) fire(h *happening, at time.Time) {
	if g := s.rule.GetGuard(); g != nil {
		within := 0
		for _, t := range s.times {
			if t.After(at.Add(-g.GetWindow().AsDuration())) && !t.After(at) {
				within++
			}
		}
		if within >= int(g.GetMaxFirings()) {
			s.resp.Suppressed++
			return
		}
		s.times = append(s.times, at)
	}
	s.resp.Firings++
	if len(s.resp.GetSamples()) < maxSamples {
		of := &standing{definition: &definition{version: s.rule.GetVersion(), mode: preview}, program: s.program}
		d := of.decideFor(h.resource, h.event.GetAggregateSeq(), at)
		d.EventID = &h.id
		m := d.message()
		m.Rule = s.rule.GetName()
		s.resp.Samples = append(s.resp.Samples, m)
	}
}

// end answers the result.
func (s *simulation) end() *platformv1.SimulateRuleResponse {
	if s.held != nil {
		s.leave(s.to)
	}
	return s.resp
}
