// Package rule says how a rule lives: as a draft, in preview, with effect, without.
//
// It promises that a version never changes once it was more than a draft, that at most
// one version has effect, and that only a version that was in preview gets it. What a
// rule says is checked by the service that runs it.
package rule

import (
	"reflect"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// State is where a version stands.
type State int32

// The states, numbered as in the contract.
const (
	Draft   State = 1
	Preview State = 2
	Active  State = 3
	Retired State = 4
)

// Rule is what happens by itself, in its newest version.
type Rule struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
	Kind        string `db:"kind"`
	// Spec is what the version says: trigger, scope, condition, actions, priority and
	// guard, as the JSON of the API.
	Spec map[string]any `db:"spec,json"`
	// Version counts from 1; State is that of this version.
	Version int64 `db:"version"`
	State   State `db:"state"`
	// ActiveVersion is the one that has effect; 0 for none.
	ActiveVersion int64 `db:"active_version"`
}

// What happened to a rule beyond the standard events.
type (
	// PreviewStarted says that the version counts what it would do.
	PreviewStarted struct{}
	// Committed says that the version has effect.
	Committed struct{}
	// RolledBack says that what an older version says has effect again.
	RolledBack struct{}
	// WasRetired says that no version has effect any more.
	WasRetired struct{}
)

// EventName implements entity.Event.
func (PreviewStarted) EventName() string { return "RulePreviewStarted" }

// EventName implements entity.Event.
func (Committed) EventName() string { return "RuleCommitted" }

// EventName implements entity.Event.
func (RolledBack) EventName() string { return "RuleRolledBack" }

// EventName implements entity.Event.
func (WasRetired) EventName() string { return "RuleRetired" }

// Write gives the rule other content: of a draft in place, else as the next version.
func (r *Rule) Write(spec map[string]any) {
	if r.State != Draft {
		r.Version++
		r.State = Draft
	}
	r.Spec = spec
}

// SaysAs reports whether two rules are about the same and say the same.
func (r *Rule) SaysAs(other *Rule) bool {
	return r.Kind == other.Kind && reflect.DeepEqual(r.Spec, other.Spec)
}

// StartPreview puts a draft into preview.
func (r *Rule) StartPreview() ([]entity.Event, error) {
	if r.State != Draft {
		return nil, errs.Refused("RULE_NOT_DRAFT", "only a draft can be put into preview")
	}
	r.State = Preview
	return []entity.Event{PreviewStarted{}}, nil
}

// Commit gives the version in preview effect.
func (r *Rule) Commit() ([]entity.Event, error) {
	if r.State != Preview {
		return nil, errs.Refused("RULE_NOT_IN_PREVIEW", "only a version in preview can be given effect")
	}
	r.State, r.ActiveVersion = Active, r.Version
	return []entity.Event{Committed{}}, nil
}

// RollBack gives what an older version says effect again, as the next version.
func (r *Rule) RollBack(spec map[string]any) ([]entity.Event, error) {
	r.Version++
	r.Spec, r.State, r.ActiveVersion = spec, Active, r.Version
	return []entity.Event{RolledBack{}}, nil
}

// Retire takes the effect from the rule and ends its preview.
func (r *Rule) Retire() ([]entity.Event, error) {
	if r.ActiveVersion == 0 && r.State != Preview {
		return nil, errs.Refused("RULE_NOT_IN_FORCE", "the rule has no effect and is in no preview")
	}
	r.end()
	return []entity.Event{WasRetired{}}, nil
}

// Delete takes the effect from the rule, and the rule out of lists.
func (r *Rule) Delete(now time.Time) ([]entity.Event, error) {
	r.end()
	r.DeleteTime = &now
	return []entity.Event{entity.Deleted{}}, nil
}

func (r *Rule) end() {
	r.ActiveVersion = 0
	if r.State != Draft {
		r.State = Retired
	}
}

// AllowedActions names the calls that the state allows next.
func (r *Rule) AllowedActions() []string {
	if r.Deleted() {
		return []string{"UndeleteRule"}
	}
	actions := []string{"UpdateRule", "DeleteRule"}
	switch r.State {
	case Draft:
		actions = append(actions, "StartRulePreview")
	case Preview:
		actions = append(actions, "CommitRule")
	}
	if r.ActiveVersion > 0 || r.State == Preview {
		actions = append(actions, "RetireRule")
	}
	if r.Version > 1 {
		actions = append(actions, "RollbackRule")
	}
	return actions
}
