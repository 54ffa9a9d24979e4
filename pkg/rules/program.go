package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// maxDays keeps days() within what a duration holds.
const maxDays = 36_600

// program is a rule ready to be evaluated.
type program struct {
	rule *platformv1.Rule
	cel  cel.Program
	// paths are what the condition reads of the resource.
	paths []path
	zone  *time.Location
}

// input is what a condition sees.
type input struct {
	resource proto.Message
	// event and actor are the type of the event and who did it; empty without an event.
	event, actor string
	changed      []string
	occurred     time.Time
	now          time.Time
}

// environment is that of the conditions of a kind.
func (k Kind) environment() (*cel.Env, error) {
	d := k.Empty.ProtoReflect().Descriptor()
	return cel.NewEnv(
		cel.Types(k.Empty),
		cel.Container(string(d.ParentFile().Package())),
		cel.Variable(k.Name, cel.ObjectType(string(d.FullName()))),
		cel.Variable("event_type", cel.StringType),
		cel.Variable("actor", cel.StringType),
		cel.Variable("changed", cel.ListType(cel.StringType)),
		cel.Variable("occurred_at", cel.TimestampType),
		cel.Variable("now", cel.TimestampType),
		cel.Function("days", cel.Overload("days_int", []*cel.Type{cel.IntType}, cel.DurationType, cel.UnaryBinding(days))),
		ext.Strings(), ext.Sets(),
	)
}

func days(n ref.Val) ref.Val {
	count, ok := n.(types.Int)
	if !ok || count > maxDays || count < -maxDays {
		return types.NewErr("days: more than %d", maxDays)
	}
	return types.Duration{Duration: time.Duration(count) * 24 * time.Hour}
}

// compile makes a rule's program, or answers all that is wrong with the rule.
func (k Kind) compile(rule *platformv1.Rule) (*program, error) {
	p := &program{rule: rule}
	v := k.checkTrigger(rule.GetTrigger(), p)
	if k.past != nil {
		v = append(v, k.checkConsultation(rule)...)
	}
	v = append(v, k.checkScope(rule.GetScope())...)
	v = append(v, k.checkActions(rule.GetActions())...)
	condition := rule.GetCondition()
	if strings.TrimSpace(condition) == "" {
		condition = "true"
	}
	env, err := k.environment()
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(condition)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			v = append(v, invalid("condition", fmt.Sprintf("line %d, column %d: %s", e.Location.Line(), e.Location.Column()+1, e.Message)))
		}
		return nil, errs.Check(v)
	}
	if ast.OutputType() != cel.BoolType {
		v = append(v, invalid("condition", "answers "+ast.OutputType().String()+", and must answer bool"))
	}
	if err := errs.Check(v); err != nil {
		return nil, err
	}
	p.paths = pathsOf(ast, k.Name)
	p.cel, err = env.Program(ast, cel.CostLimit(MaxCost), cel.EvalOptions(cel.OptTrackCost), cel.InterruptCheckFrequency(100))
	return p, err
}

func invalid(field, description string) errs.Violation {
	return errs.Violation{Field: "rule." + field, Reason: "RULE_INVALID", Description: description}
}

// evaluate answers whether the condition holds, and what that took.
func (p *program) evaluate(ctx context.Context, in input) (matches bool, cost int64, err error) {
	paths := in.changed
	if paths == nil {
		paths = []string{}
	}
	out, details, err := p.cel.ContextEval(ctx, map[string]any{
		p.rule.GetKind(): in.resource, "event_type": in.event, "actor": in.actor, "changed": paths,
		"occurred_at": in.occurred, "now": in.now,
	})
	if details != nil && details.ActualCost() != nil {
		cost = int64(*details.ActualCost())
	}
	if err != nil {
		return false, cost, err
	}
	matches, ok := out.Value().(bool)
	if !ok {
		return false, cost, errors.New("answers no bool")
	}
	return matches, cost, nil
}

// covers says whether a resource is in the rule's scope.
func (p *program) covers(m proto.Message) bool {
	s := p.rule.GetScope()
	in := func(allowed []string, field protoreflect.Name) bool {
		return len(allowed) == 0 || slices.Contains(allowed, textAt(m, field))
	}
	return in(s.GetOwners(), "owner") && in(s.GetTeams(), "team")
}

// failure words why a condition failed, without any value that it read: those may be
// personal.
func failure(err error) string {
	text := err.Error()
	for _, known := range []string{"cost limit exceeded", "no such key", "no such overload", "division by zero", "index out of bounds", "overflow", "type conversion error"} {
		if strings.Contains(text, known) {
			return "the condition failed: " + known
		}
	}
	return "the condition failed"
}

// programs keeps what was compiled. A version never changes.
type programs struct {
	mu    sync.Mutex
	known map[string]*program
}

// maxPrograms is how many are kept.
const maxPrograms = 10_000

// program answers that of a version in force.
func (e *Engine) program(d *definition) (*program, error) {
	key := fmt.Sprintf("%s/%s/%d", d.tenant, d.id, d.version)
	e.programs.mu.Lock()
	p := e.programs.known[key]
	e.programs.mu.Unlock()
	if p != nil {
		return p, nil
	}
	rule := &platformv1.Rule{}
	if err := proto.Unmarshal(d.spec, rule); err != nil {
		return nil, err
	}
	k, err := e.kind(rule.GetKind())
	if err != nil {
		return nil, err
	}
	if p, err = k.compile(rule); err != nil {
		return nil, err
	}
	e.programs.mu.Lock()
	defer e.programs.mu.Unlock()
	if e.programs.known == nil || len(e.programs.known) >= maxPrograms {
		e.programs.known = map[string]*program{}
	}
	e.programs.known[key] = p
	return p, nil
}
