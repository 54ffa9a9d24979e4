package identity

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Strategy is how the value that survives a merge is chosen.
type Strategy int16

// The strategies, numbered as in the contract. Chosen stands for a value that whoever
// merges has chosen.
const (
	Chosen       Strategy = 0
	Survivor     Strategy = 1
	MostRecent   Strategy = 2
	MostTrusted  Strategy = 3
	MostComplete Strategy = 4
	// ByRule is none of the policy's: a rule of the tenant has said it.
	ByRule Strategy = 5
)

// Rule says whose value of a field survives a merge.
type Rule struct {
	Field    string   `json:"field"`
	Strategy Strategy `json:"strategy"`
}

// Check answers what is wrong with the policy's own fields.
func (p *Policy) Check() []errs.Violation {
	var violations []errs.Violation
	seen := map[string]bool{}
	for i, r := range p.Rules {
		path := fmt.Sprintf("survivorship_rules[%d].field", i)
		switch {
		case !slices.Contains(Fields(), r.Field) && !strings.HasPrefix(r.Field, customField):
			violations = append(violations, errs.Violation{
				Field: path, Reason: "FIELD_UNKNOWN", Description: "is none of " + strings.Join(Fields(), ", "),
			})
		case seen[r.Field]:
			violations = append(violations, errs.Violation{Field: path, Description: "has a rule already"})
		}
		seen[r.Field] = true
	}
	return violations
}

// strategy answers how the value of a field is chosen: that of a custom field as all of
// them are, unless it has a rule of its own.
func (p *Policy) strategy(field string) Strategy {
	if s, ruled := p.rule(field); ruled {
		return s
	}
	if strings.HasPrefix(field, customField) {
		return p.strategy("custom_fields")
	}
	return Survivor
}

// rule answers the rule on exactly this field.
func (p *Policy) rule(field string) (s Strategy, ruled bool) {
	for _, r := range p.Rules {
		if r.Field == field {
			return r.Strategy, true
		}
	}
	return 0, false
}

// side is one of two contacts that are merged, as far as the strategies look at it.
type side struct {
	*Snapshot
	contact uuid.UUID
	changed time.Time
}

// replaces reports whether the value of the merged contact survives the survivor's.
func (p *Policy) replaces(f field, survivor, merged side) bool {
	switch p.strategy(f.name) {
	case MostRecent:
		return merged.changed.After(survivor.changed)
	case MostTrusted:
		return p.trust(merged.Source) < p.trust(survivor.Source)
	case MostComplete:
		return f.size(merged.Snapshot) > f.size(survivor.Snapshot)
	default:
		return false
	}
}

// trust is the place of a source among those that are trusted.
func (p *Policy) trust(source string) int {
	if i := slices.Index(p.TrustedSources, source); i >= 0 {
		return i
	}
	return len(p.TrustedSources)
}
