package rules

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// TryRule answers whether a rule matches a resource that is stored, and that the caller
// may see, or one that is given.
func (e *Engine) TryRule(ctx context.Context, req *platformv1.TryRuleRequest) (*platformv1.TestRuleResponse, error) {
	p, err := e.compile(req.GetRule())
	if err != nil {
		return nil, err
	}
	k := e.kinds[req.GetRule().GetKind()]
	sample, err := k.sample(ctx, req)
	if err != nil {
		return nil, err
	}
	now := e.instant()
	resp := &platformv1.TestRuleResponse{InScope: p.covers(sample)}
	if !resp.GetInScope() {
		return resp, nil
	}
	in := input{resource: sample, occurred: now, now: now}
	if types := req.GetRule().GetTrigger().GetEvents().GetTypes(); len(types) > 0 {
		in.event = types[0]
	}
	resp.Matches, resp.Cost, err = p.evaluate(ctx, in)
	if err != nil {
		resp.Error = err.Error()
	}
	resp.ReadValues = p.read(sample, true)
	return resp, nil
}

func (k Kind) sample(ctx context.Context, req *platformv1.TryRuleRequest) (proto.Message, error) {
	if req.GetInline() == nil {
		if k.get == nil {
			return nil, errs.Invalid("resource", "", "a "+k.Name+" is not stored: give one inline")
		}
		if !strings.HasPrefix(req.GetResource(), k.Collection+"/") {
			return nil, errs.Invalid("resource", "", "must be one of "+k.Collection)
		}
		return k.get(ctx, auth.From(ctx).Tenant, req.GetResource())
	}
	text, err := protojson.Marshal(req.GetInline())
	if err != nil {
		return nil, errs.Invalid("inline", "", "is no JSON object")
	}
	m := k.Empty.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal(text, m); err != nil {
		_, said, _ := strings.Cut(err.Error(), "): ") // after the place in a text that the caller did not write
		return nil, errs.Invalid("inline", "", strings.TrimSuffix("is no "+k.Name+": "+said, ": "))
	}
	return m, nil
}

// GetRuleActivity answers how often a rule matched, and whether it is parked.
func (e *Engine) GetRuleActivity(ctx context.Context, req *platformv1.GetRuleActivityRequest) (*platformv1.RuleActivity, error) {
	tenant := auth.From(ctx).Tenant
	rule, err := idOf(req.GetName())
	if err != nil {
		return nil, err
	}
	resp := &platformv1.RuleActivity{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT version, mode, parked FROM rule_definition WHERE tenant = $1 AND rule = $2 AND mode > 0 ORDER BY version", tenant, rule).
		Query(func(rows pgx.Rows) error {
			var version int64
			var of mode
			var parked string
			_, err := pgx.ForEachRow(rows, []any{&version, &of, &parked}, func() error {
				if of == active {
					resp.ActiveVersion = version
				} else {
					resp.PreviewVersion = version
				}
				if parked != "" {
					resp.Parked = parked
				}
				return nil
			})
			return err
		})
	b.Queue(`
		SELECT version, outcome, count(*) FROM rule_decision
		WHERE tenant = $1 AND rule = $2 GROUP BY version, outcome ORDER BY version, outcome`, tenant, rule).
		Query(func(rows pgx.Rows) error {
			for rows.Next() {
				c := &platformv1.RuleCount{}
				if err := rows.Scan(&c.Version, (*int32)(&c.Outcome), &c.Count); err != nil {
					return err
				}
				resp.Counts = append(resp.Counts, c)
			}
			return rows.Err()
		})
	return resp, postgres.Run(ctx, e.db, b)
}

func idOf(name string) (uuid.UUID, error) {
	text, ok := strings.CutPrefix(name, ruleNames)
	id, valid := entity.ParseID(text)
	if !ok || !valid {
		return id, errs.Invalid("name", "", `must be "rules/{uuid}"`)
	}
	return id, nil
}

// ListRuleDecisions lists what a rule decided, the latest first.
func (e *Engine) ListRuleDecisions(ctx context.Context, req *platformv1.ListRuleDecisionsRequest) (*platformv1.ListRuleDecisionsResponse, error) {
	caller := auth.From(ctx)
	rule, err := idOf(req.GetName())
	if err != nil {
		return nil, err
	}
	rows, next, err := Decisions.List(ctx, e.db, caller.Tenant, postgres.Query{
		PageSize: req.GetPageSize(), PageToken: req.GetPageToken(), Filter: req.GetFilter(), OrderBy: "match_time desc",
		Subject: caller.Subject, Where: []postgres.Cond{postgres.Eq("rule", rule)},
	})
	resp := &platformv1.ListRuleDecisionsResponse{NextPageToken: next}
	for _, d := range rows {
		resp.Decisions = append(resp.Decisions, d.message())
	}
	return resp, err
}

// ExplainDecision answers what rules decided on an event of this area, and evaluates
// them anew on the event as the log has it.
func (e *Engine) ExplainDecision(ctx context.Context, req *platformv1.ExplainDecisionRequest) (*platformv1.ExplainDecisionResponse, error) {
	caller := auth.From(ctx)
	event, err := uuid.Parse(req.GetEventId())
	if err != nil {
		return nil, errs.Invalid("event_id", "", "must be a UUID")
	}
	b := &pgx.Batch{}
	var ids []uuid.UUID
	postgres.QueueTenant(b, caller.Tenant)
	b.Queue("SELECT id FROM rule_decision WHERE tenant = $1 AND event_id = $2 ORDER BY id LIMIT 100", caller.Tenant, event).
		Query(func(rows pgx.Rows) (err error) {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
	if err := postgres.Run(ctx, e.db, b); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errs.NotFound("decision", "")
	}
	resp := &platformv1.ExplainDecisionResponse{}
	for _, id := range ids {
		x, err := e.explain(ctx, caller.Tenant, id)
		if err != nil {
			return nil, err
		}
		resp.Explanations = append(resp.Explanations, x)
	}
	return resp, nil
}

// explain evaluates the version that decided anew, on the event on which it decided.
func (e *Engine) explain(ctx context.Context, tenant, id uuid.UUID) (*platformv1.RuleExplanation, error) {
	d, err := Decisions.Get(ctx, e.db, tenant, id)
	if err != nil {
		return nil, err
	}
	s, _, err := e.deciding(ctx, tenant, d)
	if err != nil {
		return nil, err
	}
	x := &platformv1.RuleExplanation{Decision: d.message(), Rule: s.rule, Inputs: d.Matched}
	event, err := e.eventOf(ctx, tenant, d)
	if err != nil {
		return nil, err
	}
	if event == nil {
		x.Error = "it decided on no event"
		return x, nil
	}
	if err := eventlog.FetchKeys(ctx, e.keys, []*eventv1.Event{event}); err != nil {
		return nil, err
	}
	h, err := e.happen(ctx, e.kinds[s.kind], event)
	if err != nil {
		return nil, err
	}
	if d.EventID != nil && s.rule.GetTrigger().GetStateDuration() != nil {
		h.in.now, h.in.event, h.in.actor, h.in.changed = d.MatchTime, "", "", nil
	}
	x.Inputs = s.read(h.resource.message, true)
	if x.Matches, _, err = s.evaluate(ctx, h.in); err != nil {
		x.Error = err.Error()
	}
	return x, nil
}

// eventOf answers the event of a decision as the log has it; nil where it decided on
// none, or where the log does not go back that far.
func (e *Engine) eventOf(ctx context.Context, tenant uuid.UUID, d *decision) (*eventv1.Event, error) {
	if d.AggregateSeq == nil {
		return nil, nil
	}
	rows, err := e.db.System.Query(ctx, `
		SELECT event FROM event_log WHERE tenant = $1 AND aggregate = $2 AND aggregate_seq = $3`, tenant, d.Resource, *d.AggregateSeq)
	if err != nil {
		return nil, postgres.SQLError(err)
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil || len(bodies) == 0 {
		return nil, postgres.SQLError(err)
	}
	event := &eventv1.Event{}
	return event, proto.Unmarshal(bodies[0], event)
}
