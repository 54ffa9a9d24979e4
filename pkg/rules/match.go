package rules

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// settleTime is how long after the projection applied a batch its transaction has ended,
// nearly always.
const settleTime = 10 * time.Millisecond

// apply is the projection: it learns rules, and matches the area's own events.
func (e *Engine) apply(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	var own []*eventv1.Event
	var tenants []uuid.UUID
	for _, event := range events {
		if event.GetArea() != e.area {
			if tells(event) {
				if err := e.learn(ctx, tx, event); err != nil {
					return err
				}
			}
			continue
		}
		if _, ours := e.of[event.GetType()]; ours {
			own = append(own, event)
			if tenant := tenantOf(event); !slices.Contains(tenants, tenant) {
				tenants = append(tenants, tenant)
			}
		}
	}
	if len(own) == 0 {
		return nil
	}
	rules, err := e.inForce(ctx, tx, tenants)
	if err != nil || len(rules) == 0 {
		return err
	}
	for _, event := range own {
		if of := rules[tenantOf(event)]; len(of) > 0 {
			if err := e.match(ctx, tx, event, of); err != nil {
				return err
			}
		}
	}
	time.AfterFunc(settleTime, e.timers.Wake)
	return nil
}

func tenantOf(e *eventv1.Event) uuid.UUID {
	id, _ := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/")) // the log holds no other
	return id
}

// happening is an event with the resource that it carries.
type happening struct {
	event    *eventv1.Event
	tenant   uuid.UUID
	resource *resource
	in       input
	id       uuid.UUID
	depth    int32
}

// happen opens an event. An event that cannot be unsealed any more, because its contact
// was erased, shows what is left.
func (e *Engine) happen(ctx context.Context, k Kind, sealed *eventv1.Event) (*happening, error) {
	event := proto.CloneOf(sealed)
	if event.GetSealed() != nil {
		if err := eventlog.Unseal(ctx, e.keys, event); err != nil {
			return nil, err
		}
	}
	m, err := k.carried(event)
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(event.GetId())
	if err != nil {
		return nil, err
	}
	h := &happening{event: event, tenant: tenantOf(event), id: id, resource: &resource{name: event.GetAggregate(), seq: event.GetAggregateSeq(), message: m}}
	if len(event.GetContacts()) > 0 {
		h.resource.contact, _ = uuid.Parse(strings.TrimPrefix(event.GetContacts()[0], "contacts/")) // none where it is another
	}
	h.in = input{
		resource: m, event: event.GetType(), actor: event.GetActor(), changed: changed(event),
		occurred: event.GetOccurredAt().AsTime(), now: event.GetRecordedAt().AsTime(),
	}
	return h, nil
}

// match evaluates the rules of a tenant on an event, in their order. A rule that stops
// keeps the event from those after it, active ones and those in preview apart.
func (e *Engine) match(ctx context.Context, tx pgx.Tx, event *eventv1.Event, rules []*standing) error {
	var h *happening
	stopped := map[mode]bool{}
	for _, s := range rules {
		if s.kind != e.of[event.GetType()] || !s.listens(event.GetType()) {
			continue
		}
		if h == nil {
			var err error
			if h, err = e.happen(ctx, e.kinds[s.kind], event); err != nil {
				return err
			}
			if h.depth, err = e.depth(ctx, tx, h); err != nil {
				return err
			}
		}
		matched, err := e.on(ctx, tx, h, s, stopped[s.mode])
		if err != nil {
			return err
		}
		if matched && s.rule.GetStopOnMatch() {
			stopped[s.mode] = true
		}
	}
	return nil
}

// listens says whether events of a type can concern the rule.
func (s *standing) listens(event string) bool {
	switch when := s.rule.GetTrigger().GetWhen().(type) {
	case *platformv1.RuleTrigger_Events:
		return slices.Contains(when.Events.GetTypes(), event)
	case *platformv1.RuleTrigger_StateDuration:
		return true
	default:
		return false
	}
}

// depth answers how many rules in a row led to an event.
func (e *Engine) depth(ctx context.Context, tx pgx.Tx, h *happening) (depth int32, err error) {
	cause, err := uuid.Parse(h.event.GetCausationId())
	if err != nil || !strings.HasPrefix(h.event.GetActor(), "services/") {
		return 0, nil
	}
	err = tx.QueryRow(ctx, "SELECT coalesce(max(depth) + 1, 0) FROM rule_decision WHERE tenant = $1 AND id = $2", h.tenant, cause).Scan(&depth)
	return depth, err
}

// on evaluates one rule on an event, and answers whether it matched.
func (e *Engine) on(ctx context.Context, tx pgx.Tx, h *happening, s *standing, stopped bool) (matched bool, err error) {
	if s.rule.GetTrigger().GetStateDuration() != nil {
		return false, e.follow(ctx, tx, h, s)
	}
	if stopped || !s.covers(h.resource.message) {
		return false, nil
	}
	d := s.decideFor(h.resource, h.event.GetAggregateSeq(), h.in.now)
	d.EventID, d.AggregateSeq, d.Correlation, d.Depth = &h.id, &h.resource.seq, h.event.GetCorrelationId(), h.depth
	if s.parked != "" {
		d.Outcome, d.Matched, d.DecideTime = waiting, map[string]string{}, nil
		return false, e.keep(ctx, tx, h.tenant, d)
	}
	matches, _, err := s.evaluate(ctx, h.in)
	if err != nil {
		d.fail(err)
		s.parked = d.Reason // for the rest of the batch
		b := &pgx.Batch{}
		park(b, s.definition, d.Reason)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return false, err
		}
		return false, e.keep(ctx, tx, h.tenant, d)
	}
	if !matches {
		return false, nil
	}
	if err := d.guard(h.tenant, s.rule, in(ctx, tx)); err != nil {
		return false, err
	}
	return true, e.keep(ctx, tx, h.tenant, d)
}

// keep keeps a decision, and has its actions done where it is pending.
func (e *Engine) keep(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, d *decision) error {
	b := &pgx.Batch{}
	var kept bool
	d.queue(b, tenant, &kept)
	if err := tx.SendBatch(ctx, b).Close(); err != nil || !kept || d.Outcome != pending {
		return err
	}
	b = &pgx.Batch{}
	timer.Arm(b, d.timer(tenant))
	return tx.SendBatch(ctx, b).Close()
}
