package rules

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// sweep looks at one page of all resources of a kind: for a schedule that is due, or for
// a rule of state that has come into force. It arms itself for the next page, and for the
// next time of the schedule. Of the times that passed while nobody ran, the last counts.
func (e *Engine) sweep(ctx context.Context, t timer.Timer) error {
	var state sweepState
	if err := json.Unmarshal(t.Payload, &state); err != nil {
		return err
	}
	of := active
	if state.Preview {
		of = preview
	}
	_, err := record.Write(ctx, e.db, e.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		s, err := e.currentIn(u, t.Tenant, state.Rule, of)
		if err != nil || s == nil || s.version != state.Version {
			return &emptypb.Empty{}, err
		}
		next, err := e.sweepPage(ctx, u, s, state)
		if err != nil || next == nil {
			return &emptypb.Empty{}, err
		}
		u.Queue(func(b *pgx.Batch) { timer.Arm(b, next.timer(t.Tenant)) })
		return &emptypb.Empty{}, nil
	})
	if err == nil {
		e.timers.Wake()
	}
	return err
}

// sweepPage looks at one page, and answers where to go on; nil at the end.
func (e *Engine) sweepPage(ctx context.Context, u *record.Unit, s *standing, state sweepState) (*sweepState, error) {
	scheduled := s.rule.GetTrigger().GetSchedule() != nil
	if scheduled && state.Token == "" {
		for now := e.now(); ; {
			next := s.next(state.At)
			if next.After(now) {
				break
			}
			state.At = next
		}
	}
	k, err := e.kind(s.kind)
	if err != nil {
		return nil, err
	}
	page, next, err := k.page(ctx, u.Tenant(), state.Token)
	if err != nil {
		return nil, err
	}
	for _, r := range page {
		at := input{resource: r.message, occurred: state.At, now: state.At}
		if scheduled {
			err = e.found(ctx, u, s, r, at)
		} else {
			err = e.enter(u.Tenant(), s, r, nil, at, asks(u), func(in input) (bool, error) {
				matches, _, err := s.evaluate(ctx, in)
				return matches, err
			})
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case next != "":
		state.Token = next
		return &state, nil
	case scheduled:
		state.Token, state.At = "", s.next(state.At)
		return &state, nil
	default:
		return nil, nil
	}
}

// found evaluates the rule of a schedule on a resource.
func (e *Engine) found(ctx context.Context, u *record.Unit, s *standing, r *resource, at input) error {
	if s.parked != "" || !s.covers(r.message) {
		return nil
	}
	d := s.decideFor(r, at.now.Unix(), at.now)
	d.Correlation = d.ID.String()
	matches, _, err := s.evaluate(ctx, at)
	switch {
	case err != nil:
		d.fail(err)
		s.parked = d.Reason
		u.Queue(func(b *pgx.Batch) { park(b, s.definition, d.Reason) })
	case !matches:
		return nil
	default:
		if err := d.guard(u.Tenant(), s.rule, asks(u)); err != nil {
			return err
		}
	}
	u.Queue(func(b *pgx.Batch) {
		var kept bool
		d.queue(b, u.Tenant(), &kept)
		if d.Outcome == pending {
			timer.Arm(b, d.timer(u.Tenant()))
		}
	})
	return nil
}

// retryPage is how many decisions are looked at again in one transaction.
const retryPage = 100

// retry looks again, by the version that is active now, at what failed or waited.
func (e *Engine) retry(ctx context.Context, t timer.Timer) error {
	rule, err := uuid.Parse(t.Key)
	if err != nil {
		return err
	}
	events, err := e.spoiled(ctx, t.Tenant, rule)
	if err != nil {
		return err
	}
	_, err = record.Write(ctx, e.db, e.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		s, err := e.currentIn(u, t.Tenant, rule, active)
		if err != nil || s == nil {
			return &emptypb.Empty{}, err
		}
		for _, again := range events {
			if err := e.again(ctx, u, s, again); err != nil {
				return nil, err
			}
			if s.parked != "" {
				return &emptypb.Empty{}, nil
			}
		}
		if len(events) == retryPage {
			t.Due = e.instant()
			u.Queue(func(b *pgx.Batch) { timer.Arm(b, t) })
		}
		return &emptypb.Empty{}, nil
	})
	if err == nil {
		e.timers.Wake()
	}
	return err
}

// undecided is a decision that failed or waits, with its event; nil where that is none
// of the log.
type undecided struct {
	*decision
	event *eventv1.Event
}

// spoiled answers the oldest decisions of a rule that failed or wait, and their events.
func (e *Engine) spoiled(ctx context.Context, tenant, rule uuid.UUID) ([]undecided, error) {
	b := &pgx.Batch{}
	var ids []uuid.UUID
	b.Queue(`
		SELECT id FROM rule_decision
		WHERE tenant = $1 AND rule = $2 AND outcome IN (5, 6) AND NOT preview
		ORDER BY match_time, id LIMIT $3`, tenant, rule, retryPage).Query(func(rows pgx.Rows) (err error) {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err := e.db.System.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	all := make([]undecided, 0, len(ids))
	var sealed []*eventv1.Event
	for _, id := range ids {
		d, err := Decisions.Get(ctx, e.db, tenant, id)
		if err != nil {
			return nil, err
		}
		event, err := e.eventOf(ctx, tenant, d)
		if err != nil {
			return nil, err
		}
		all = append(all, undecided{d, event})
		if event != nil {
			sealed = append(sealed, event)
		}
	}
	return all, eventlog.FetchKeys(ctx, e.keys, sealed)
}

// again decides anew on what failed or waited.
func (e *Engine) again(ctx context.Context, u *record.Unit, s *standing, again undecided) error {
	d, now := again.decision, e.instant()
	d.Version, d.DecideTime, d.Reason, d.Outcome = s.version, &now, "", lapsed
	if again.event != nil && s.listens(again.event.GetType()) && s.rule.GetTrigger().GetEvents() != nil {
		k, err := e.kind(s.kind)
		if err != nil {
			return err
		}
		h, err := e.happen(ctx, k, again.event)
		if err != nil {
			return err
		}
		matches, _, err := s.evaluate(ctx, h.in)
		d.Matched, d.Actions = s.read(h.resource.message, false), actionsOf(s.rule)
		switch {
		case err != nil:
			d.fail(err)
			s.parked = d.Reason
			u.Queue(func(b *pgx.Batch) { park(b, s.definition, d.Reason) })
		case matches && s.covers(h.resource.message):
			d.Outcome, d.DecideTime = pending, nil
		}
	}
	u.Queue(func(b *pgx.Batch) {
		b.Queue(`
			UPDATE rule_decision SET version = $3, outcome = $4, decide_time = $5, reason = $6, matched = $7, actions = $8
			WHERE tenant = $1 AND id = $2`,
			u.Tenant(), d.ID, d.Version, d.Outcome, d.DecideTime, d.Reason, object(d.Matched), object(d.Actions))
		if d.Outcome == pending {
			timer.Arm(b, d.timer(u.Tenant()))
		}
	})
	return nil
}
