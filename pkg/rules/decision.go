package rules

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// decision is a match and what became of it.
type decision struct {
	ID       uuid.UUID  `db:"id"`
	Rule     uuid.UUID  `db:"rule"`
	Version  int64      `db:"version"`
	Preview  bool       `db:"preview"`
	Outcome  int32      `db:"outcome"`
	Resource string     `db:"resource"`
	Breach   int64      `db:"breach"`
	Contact  *uuid.UUID `db:"contact"`
	EventID  *uuid.UUID `db:"event_id"`
	// AggregateSeq is the event's place in the log of the resource.
	AggregateSeq *int64     `db:"aggregate_seq"`
	Correlation  string     `db:"correlation"`
	MatchTime    time.Time  `db:"match_time"`
	DecideTime   *time.Time `db:"decide_time"`
	// Matched is what the condition read, Actions what was done.
	Matched map[string]string `db:"matched,json"`
	Actions []json.RawMessage `db:"actions,json"`
	Reason  string            `db:"reason"`
	Depth   int32             `db:"depth"`
}

// The outcomes, by short names.
const (
	pending    = int32(platformv1.RuleOutcome_RULE_OUTCOME_PENDING)
	fired      = int32(platformv1.RuleOutcome_RULE_OUTCOME_FIRED)
	previewed  = int32(platformv1.RuleOutcome_RULE_OUTCOME_PREVIEWED)
	suppressed = int32(platformv1.RuleOutcome_RULE_OUTCOME_SUPPRESSED)
	failed     = int32(platformv1.RuleOutcome_RULE_OUTCOME_FAILED)
	waiting    = int32(platformv1.RuleOutcome_RULE_OUTCOME_WAITING)
	lapsed     = int32(platformv1.RuleOutcome_RULE_OUTCOME_LAPSED)
)

// Decisions is the table of what rules decided, as lists read it.
var Decisions = postgres.NewTable[decision](postgres.Def{
	Name: "rule_decision", Kind: "decision",
	Fields: []postgres.Field{
		{Path: "rule", Type: postgres.UUID},
		{Path: "outcome", Type: postgres.Enum, Values: platformv1.RuleOutcome_value},
		{Path: "match_time", Type: postgres.Time},
	},
	Orders: [][]string{{"rule", "match_time"}, {"rule", "outcome", "match_time"}},
})

// message words a decision as the answer.
func (d *decision) message() *platformv1.RuleDecision {
	m := &platformv1.RuleDecision{
		DecisionId: d.ID.String(), Rule: ruleNames + d.Rule.String(), Version: d.Version, Outcome: platformv1.RuleOutcome(d.Outcome),
		Resource: d.Resource, Breach: d.Breach, MatchTime: timestamppb.New(d.MatchTime), DecideTime: fields.Timestamp(d.DecideTime),
		MatchedValues: d.Matched, Reason: d.Reason, Depth: d.Depth,
	}
	if d.EventID != nil {
		m.EventId = d.EventID.String()
	}
	for _, text := range d.Actions {
		a := &platformv1.RuleAction{}
		if protojson.Unmarshal(text, a) == nil {
			m.Actions = append(m.Actions, a)
		}
	}
	return m
}

// actionsOf is the actions of a rule as a decision keeps them.
func actionsOf(rule *platformv1.Rule) []json.RawMessage {
	actions := make([]json.RawMessage, 0, len(rule.GetActions()))
	for _, a := range rule.GetActions() {
		text, err := protojson.Marshal(a)
		if err == nil {
			actions = append(actions, text)
		}
	}
	return actions
}

// decideFor begins the decision of a rule on a resource.
func (s *standing) decideFor(r *resource, breach int64, at time.Time) *decision {
	d := &decision{
		ID: entity.NewID(), Rule: s.id, Version: s.version, Preview: s.mode == preview, Outcome: pending,
		Resource: r.name, Breach: breach, MatchTime: at, Matched: s.read(r.message, false), Actions: actionsOf(s.rule),
	}
	if r.contact != uuid.Nil {
		d.Contact = &r.contact
	}
	if d.Preview {
		d.Outcome = previewed
	}
	return d
}

// fail words a decision whose condition failed.
func (d *decision) fail(err error) {
	d.Outcome, d.Reason = failed, failure(err)
}

const insertDecision = `
INSERT INTO rule_decision (tenant, id, rule, version, preview, outcome, resource, breach, contact, event_id, aggregate_seq,
	correlation, match_time, decide_time, matched, actions, reason, depth)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT ON CONSTRAINT rule_decision_once DO NOTHING
RETURNING true`

// queue queues keeping the decision, where there is none of its breach, and reports
// whether it was kept.
func (d *decision) queue(b *pgx.Batch, tenant uuid.UUID, kept *bool) {
	if d.Outcome != pending && d.DecideTime == nil {
		d.DecideTime = &d.MatchTime
	}
	b.Queue(insertDecision, tenant, d.ID, d.Rule, d.Version, d.Preview, d.Outcome, d.Resource, d.Breach, d.Contact, d.EventID,
		d.AggregateSeq, d.Correlation, d.MatchTime, d.DecideTime, object(d.Matched), object(d.Actions), d.Reason, d.Depth,
	).Query(func(rows pgx.Rows) error {
		*kept = rows.Next()
		rows.Close()
		return rows.Err()
	})
}

// timer is what does the actions of a decision that is pending.
func (d *decision) timer(tenant uuid.UUID) timer.Timer {
	return timer.Timer{Tenant: tenant, Kind: fireTimer, Key: d.ID.String(), Due: d.MatchTime}
}

// counter asks how often a rule matched. Both a transaction and a unit can answer.
type counter func(b *pgx.Batch) error

// guard keeps a decision from firing where the rule has fired too often. Matches that are
// later than this one count too: events of several partitions come in any order, and all
// of them together must not be too many.
func (d *decision) guard(tenant uuid.UUID, rule *platformv1.Rule, ask counter) error {
	if d.Depth > MaxDepth {
		d.Outcome, d.Reason = suppressed, "rules set each other off: more than 5 in a row"
		return nil
	}
	var all, one int64
	window := time.Hour
	if g := rule.GetGuard(); g != nil {
		window = g.GetWindow().AsDuration()
	}
	b := &pgx.Batch{}
	count := func(into *int64, within time.Duration, more string, args ...any) {
		b.Queue(`
			SELECT count(*) FROM rule_decision
			WHERE tenant = $1 AND rule = $2 AND preview = $3 AND outcome <= 3 AND match_time > $4`+more,
			append([]any{tenant, d.Rule, d.Preview, d.MatchTime.Add(-within)}, args...)...,
		).QueryRow(func(row pgx.Row) error { return row.Scan(into) })
	}
	count(&one, time.Hour, " AND resource = $5", d.Resource)
	if rule.GetGuard() != nil {
		count(&all, window, "")
	}
	if err := ask(b); err != nil {
		return err
	}
	switch {
	case one >= MaxPerResource:
		d.Outcome, d.Reason = suppressed, "the rule has fired 100 times for this resource within an hour"
	case rule.GetGuard() != nil && all >= int64(rule.GetGuard().GetMaxFirings()):
		d.Outcome, d.Reason = suppressed, "the guard of the rule"
	}
	return nil
}

// in answers a counter that asks a transaction.
func in(ctx context.Context, tx pgx.Tx) counter {
	return func(b *pgx.Batch) error { return tx.SendBatch(ctx, b).Close() }
}
