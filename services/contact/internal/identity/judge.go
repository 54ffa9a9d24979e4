package identity

import (
	"strings"
	"time"

	"github.com/google/uuid"
)

// Statement is what a contact says in a field.
type Statement struct {
	Contact uuid.UUID
	// Field is as rules and choices name it.
	Field string
	// Value is for people to read, Source where the contact comes from, Changed when it
	// was last changed.
	Value, Source string
	Changed       time.Time
}

// Verdict is what a tenant's rule says of whose value survives.
type Verdict struct {
	// Rule is its name, Version the one that said it.
	Rule    string `json:"rule,omitempty"`
	Version int64  `json:"ruleVersion,omitempty"`
	// Merged is true where it is that of the merged contact.
	Merged bool `json:"-"`
}

// Judge answers what a tenant's rules say of a field in which the survivor and a merged
// contact differ; false where none says anything. It is nil where there are no rules.
type Judge func(survivor, merged Statement) (Verdict, bool)

// judged are the verdicts on the fields of one merge, by name.
type judged map[string]Verdict

// ask asks about a field in which both say something else.
func (v judged) ask(judge Judge, f field, survivor, merged side) (taken, ruled bool) {
	if judge == nil || f.empty(survivor.Snapshot) || f.empty(merged.Snapshot) || f.same(survivor.Snapshot, merged.Snapshot) {
		return false, false
	}
	verdict, ruled := judge(survivor.claim(f), merged.claim(f))
	if ruled {
		v[f.name] = verdict
	}
	return verdict.Merged, ruled
}

func (s side) claim(f field) Statement {
	return Statement{Contact: s.contact, Field: f.name, Value: f.text(s.Snapshot), Source: s.Source, Changed: s.changed}
}

// on answers the verdict on a conflict.
func (v judged) on(conflict string) (Verdict, bool) {
	if verdict, ok := v[conflict]; ok {
		return verdict, true
	}
	name, _, _ := strings.Cut(conflict, ".")
	verdict, ok := v[name]
	return verdict, ok
}
