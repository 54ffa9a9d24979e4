package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// criteria are the fields of an opportunity that a stage may ask for, beside
// labels.<key> and custom_fields.<key>.
var criteria = []string{
	"amount", "close_date", "description", "lines", "note", "owner", "price_list", "source", "team",
}

// Check answers all that is wrong with the pipeline, after it has set what has a
// default.
func (p *Pipeline) Check() []errs.Violation {
	var v []errs.Violation
	if p.DisplayName == "" {
		v = append(v, errs.Violation{Field: "display_name", Description: "a pipeline needs a name"})
	}
	seen := map[string]bool{}
	for i := range p.Stages {
		s := &p.Stages[i]
		if s.Kind == Won && s.Probability == 0 {
			s.Probability = 100
		}
		field := fmt.Sprintf("stages[%d]", i)
		if seen[s.ID] {
			v = append(v, errs.Violation{Field: field + ".id", Description: "two stages must not have one id"})
		}
		seen[s.ID] = true
		v = append(v, s.check(field)...)
	}
	return append(v, p.checkOrder()...)
}

// checkOrder answers what is wrong with the kinds of its stages.
func (p *Pipeline) checkOrder() []errs.Violation {
	say := func(description string) []errs.Violation {
		return []errs.Violation{{Field: "stages", Description: description}}
	}
	count := map[Kind]int{}
	for _, s := range p.Stages {
		if s.Kind == Open && count[Won]+count[Lost] > 0 {
			return say("the open stages must stand before those that close a deal")
		}
		count[s.Kind]++
	}
	switch {
	case p.First().ID == "":
		return say("a pipeline needs an open stage that is not retired")
	case count[Won] != 1 || count[Lost] != 1:
		return say("a pipeline needs exactly one won and one lost stage")
	case p.Closing(Won).Retired || p.Closing(Lost).Retired:
		return say("the stages that close a deal cannot be retired")
	}
	return nil
}

// check answers what is wrong with one stage.
func (s *Stage) check(field string) []errs.Violation {
	var v []errs.Violation
	if want, fixed := map[Kind]int32{Won: 100, Lost: 0}[s.Kind]; fixed && s.Probability != want {
		v = append(v, errs.Violation{Field: field + ".probability", Description: fmt.Sprintf("the probability of this stage is %d", want)})
	}
	for _, part := range []struct {
		name   string
		fields []string
	}{{"entry_criteria", s.Entry}, {"exit_criteria", s.Exit}} {
		for i, f := range part.fields {
			if !known(f) {
				v = append(v, errs.Violation{
					Field:       fmt.Sprintf("%s.%s.required_fields[%d]", field, part.name, i),
					Description: "an opportunity has no such field that a stage can ask for",
				})
			}
		}
	}
	return v
}

func known(field string) bool {
	container, key, nested := strings.Cut(field, ".")
	if nested {
		return key != "" && (container == "labels" || container == "custom_fields")
	}
	return slices.Contains(criteria, field)
}
