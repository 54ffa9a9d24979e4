package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// CheckRule answers all that is wrong with a rule: INVALID_ARGUMENT RULE_INVALID, with
// the place of each.
func (e *Engine) CheckRule(_ context.Context, req *platformv1.CheckRuleRequest) (*platformv1.CheckRuleResponse, error) {
	_, err := e.compile(req.GetRule())
	return &platformv1.CheckRuleResponse{}, err
}

// compile makes the program of a rule that need not be stored.
func (e *Engine) compile(rule *platformv1.Rule) (*program, error) {
	k, err := e.kind(rule.GetKind())
	if err != nil {
		return nil, err
	}
	return k.compile(rule)
}

// checkTrigger answers what is wrong with a trigger, and keeps what was read of it.
func (k Kind) checkTrigger(t *platformv1.RuleTrigger, into *program) (v []errs.Violation) {
	if k.past != nil {
		return nil // checkConsultation has looked
	}
	if _, events := t.GetWhen().(*platformv1.RuleTrigger_Events); !events && t.GetWhen() != nil && k.page == nil {
		return append(v, invalid("trigger", "a "+k.Name+" has rules of events alone"))
	}
	switch when := t.GetWhen().(type) {
	case *platformv1.RuleTrigger_Events:
		for i, event := range when.Events.GetTypes() {
			if !slices.Contains(k.Events, event) {
				known := slices.Sorted(slices.Values(k.Events))
				v = append(v, invalid(fmt.Sprintf("trigger.events.types[%d]", i), "is none of "+strings.Join(known, ", ")))
			}
		}
	case *platformv1.RuleTrigger_Schedule:
		zone, err := text.TimeZone(when.Schedule.GetTimeZone())
		if err != nil {
			v = append(v, invalid("trigger.schedule.time_zone", "is no IANA time zone"))
		}
		into.zone = zone
	case *platformv1.RuleTrigger_StateDuration:
		if since := when.StateDuration.GetSince(); since != "" {
			f := k.Empty.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(since))
			if f == nil || f.Message() == nil || f.Message().FullName() != "google.protobuf.Timestamp" || f.IsList() {
				v = append(v, invalid("trigger.state_duration.since", "is no time of a "+k.Name))
			}
		}
	default:
		v = append(v, invalid("trigger", "must say when"))
	}
	return v
}

// checkScope refuses a scope by a field that the kind does not have.
func (k Kind) checkScope(s *platformv1.RuleScope) (v []errs.Violation) {
	fields := k.Empty.ProtoReflect().Descriptor().Fields()
	if len(s.GetOwners()) > 0 && fields.ByName("owner") == nil {
		v = append(v, invalid("scope.owners", "a "+k.Name+" has no owner"))
	}
	if len(s.GetTeams()) > 0 && fields.ByName("team") == nil {
		v = append(v, invalid("scope.teams", "a "+k.Name+" has no team"))
	}
	return v
}

// checkActions answers what is wrong with the actions and their parameters.
func (k Kind) checkActions(actions []*platformv1.RuleAction) (v []errs.Violation) {
	if len(actions) == 0 {
		v = append(v, invalid("actions", "there must be one at least"))
	}
	for i, a := range actions {
		at := fmt.Sprintf("actions[%d].", i)
		action, ok := k.Actions[a.GetAction()]
		if !ok {
			v = append(v, invalid(at+"action", "is none of "+strings.Join(slices.Sorted(maps.Keys(k.Actions)), ", ")))
			continue
		}
		for _, wrong := range action.Check(a.GetParameters()) {
			v = append(v, invalid(at+"parameters."+wrong.Field, wrong.Description))
		}
	}
	return v
}

// next answers the first time of a schedule after an instant.
func (p *program) next(after time.Time) time.Time {
	s := p.rule.GetTrigger().GetSchedule()
	var hour, minute int
	_, _ = fmt.Sscanf(s.GetTimeOfDay(), "%d:%d", &hour, &minute) // its form was checked when it was saved
	local := after.In(p.zone)
	for day := 0; ; day++ {
		at := time.Date(local.Year(), local.Month(), local.Day()+day, hour, minute, 0, 0, p.zone)
		weekday := int32((at.Weekday()+6)%7) + 1
		if at.After(after) && (len(s.GetDays()) == 0 || slices.Contains(s.GetDays(), weekday)) {
			return at.UTC()
		}
	}
}
