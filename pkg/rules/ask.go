package rules

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// Case is a question of the past: what a rule would have been asked.
type Case struct {
	// Name says what it was about.
	Name string
	// Question is what the condition sees.
	Question proto.Message
	// At is when it was asked, or would have been.
	At time.Time
}

// Past visits the questions of a span of time, until visit answers false. It answers true
// where it gave up before it had visited all.
type Past func(ctx context.Context, tenant uuid.UUID, from, to time.Time, visit func(Case) (more bool)) (truncated bool, err error)

// KindOfQuestions makes a kind whose rules are asked while the service decides something
// itself. Empty is a message of the questions, which is what conditions see; the actions
// of a rule that matches are its answer, and are done by whoever asked.
func KindOfQuestions(name string, empty proto.Message, past Past, checks map[string]Check) Kind {
	k := Kind{Name: name, Collection: name, Empty: empty, Actions: map[string]Action{}, past: past}
	for action, check := range checks {
		k.Actions[action] = Action{Check: check}
	}
	return k
}

// Panel is the rules of a tenant that answer the questions of a kind, in their order. The
// zero panel has none.
type Panel struct {
	rules []*standing
}

// Verdict is what one rule says.
type Verdict struct {
	// Rule is its name, Version the one that answered.
	Rule    string
	Version int64
	// Actions are its answer; none where the condition failed.
	Actions []*platformv1.RuleAction
	// Failure is why the condition failed, without any value that it read.
	Failure string
}

// Panel answers those of a tenant's rules of a kind that are active. They were compiled
// once; asking for them is one look at an index.
func (e *Engine) Panel(ctx context.Context, tenant uuid.UUID, kind string) (*Panel, error) {
	definitions, err := e.active(ctx, tenant, kind)
	if err != nil {
		return nil, err
	}
	panel := &Panel{}
	for _, d := range definitions {
		p, err := e.program(d)
		if err != nil {
			e.logger.ErrorContext(ctx, "a rule in force cannot be compiled", "rule", d.id, "version", d.version, "cause", err.Error())
			continue
		}
		panel.rules = append(panel.rules, &standing{definition: d, program: p})
	}
	slices.SortFunc(panel.rules, func(a, b *standing) int { return order(a.program, b.program) })
	return panel, nil
}

// active answers the versions of a tenant's rules of a kind that have effect.
func (e *Engine) active(ctx context.Context, tenant uuid.UUID, kind string) (definitions []*definition, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT "+definitionColumns+" FROM rule_definition WHERE tenant = $1 AND kind = $2 AND mode = 2", tenant, kind).
		Query(func(rows pgx.Rows) (err error) {
			definitions, err = pgx.CollectRows(rows, scanDefinition)
			return err
		})
	return definitions, postgres.Run(ctx, e.db, b)
}

// Empty says that there is nobody to ask.
func (p *Panel) Empty() bool { return p == nil || len(p.rules) == 0 }

// Actions answers all actions that any of the rules may answer with.
func (p *Panel) Actions() (all []*platformv1.RuleAction) {
	if p == nil {
		return nil
	}
	for _, s := range p.rules {
		all = append(all, s.rule.GetActions()...)
	}
	return all
}

// Ask answers what those rules say whose condition holds, or fails, of a question, in
// their order; a rule that stops is the last of those that match. Each costs at most
// MaxCost.
func (p *Panel) Ask(ctx context.Context, question proto.Message, now time.Time) (verdicts []Verdict) {
	if p == nil {
		return nil
	}
	for _, s := range p.rules {
		matches, _, err := s.evaluate(ctx, input{resource: question, now: now, occurred: now})
		v := Verdict{Rule: s.rule.GetName(), Version: s.version}
		switch {
		case err != nil:
			v.Failure = failure(err)
		case !matches:
			continue
		default:
			v.Actions = s.rule.GetActions()
		}
		verdicts = append(verdicts, v)
		if err == nil && s.rule.GetStopOnMatch() {
			return verdicts
		}
	}
	return verdicts
}

// backTest answers what a rule would have answered to the questions of a span of time.
func (k Kind) backTest(ctx context.Context, tenant uuid.UUID, p *program, from, to time.Time) (*platformv1.SimulateRuleResponse, error) {
	resp := &platformv1.SimulateRuleResponse{}
	s := &standing{definition: &definition{version: p.rule.GetVersion(), mode: preview}, program: p}
	truncated, err := k.past(ctx, tenant, from, to, func(c Case) bool {
		if resp.GetEvents() == maxSimulated {
			resp.Truncated = true
			return false
		}
		resp.Events++
		matches, _, err := p.evaluate(ctx, input{resource: c.Question, now: c.At, occurred: c.At})
		switch {
		case err != nil:
			resp.Failures++
		case matches:
			resp.Firings++
			if len(resp.GetSamples()) < maxSamples {
				m := s.decideFor(&resource{name: c.Name, message: c.Question}, 0, c.At).message()
				m.Rule, m.DecisionId = p.rule.GetName(), ""
				resp.Samples = append(resp.Samples, m)
			}
		}
		return true
	})
	resp.Truncated = resp.GetTruncated() || truncated
	return resp, err
}

// checkConsultation refuses what has no meaning for a rule that is asked.
func (k Kind) checkConsultation(rule *platformv1.Rule) (v []errs.Violation) {
	if _, asked := rule.GetTrigger().GetWhen().(*platformv1.RuleTrigger_Consultation); !asked {
		v = append(v, invalid("trigger", "a rule about a "+k.Name+" is asked: consultation"))
	}
	if rule.GetGuard() != nil {
		v = append(v, invalid("guard", "a rule that is asked fires by itself never"))
	}
	return v
}
