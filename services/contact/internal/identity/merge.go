package identity

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

var (
	errKinds  = errs.Refused("CONTACT_KINDS_DIFFER", "a person and an organisation cannot be one")
	errChoice = errs.Invalid("choices", "", "names a contact that is none of those that are merged")
	errGone   = errs.Refused("DELETED", "the contact is deleted")
)

// Merge is one contact merged into another. It knows what the survivor was before and
// after, so that it can be undone, and what was decided.
type Merge struct {
	entity.Meta
	Survivor uuid.UUID `db:"survivor"`
	Contact  uuid.UUID `db:"contact"`
	// Before and After are the survivor's.
	Before Snapshot `db:"before,json"`
	After  Snapshot `db:"after,json"`
	// Wins are the fields of which the merged contact's value is taken where both have
	// one. "!custom_fields.x" stands for a custom field that is decided otherwise than
	// custom_fields are.
	Wins          []string   `db:"wins,json"`
	Conflicts     []Conflict `db:"conflicts,json"`
	PolicyVersion int64      `db:"policy_version"`
	Actor         string     `db:"actor"`
	UndoTime      *time.Time `db:"undo_time"`
}

// Undone says that a merge was undone.
type Undone struct{}

// EventName implements entity.Event.
func (Undone) EventName() string { return "Undone" }

// Plan decides how contacts are merged into a survivor, one after the other: the merges,
// and what the survivor is in the end. Choices name the contact whose value of a field
// is taken; on the others the tenant's rules decide, and the policy where these say
// nothing. Nothing is changed yet.
func Plan(policy *Policy, judge Judge, survivor *contact.Contact, others []*contact.Contact, choices map[string]uuid.UUID, actor string) ([]*Merge, Snapshot, error) {
	for _, c := range append([]*contact.Contact{survivor}, others...) {
		switch {
		case c.MergedInto != nil:
			return nil, Snapshot{}, c.RefuseMerged()
		case c.Deleted():
			return nil, Snapshot{}, errGone.With("resource", "contacts/"+c.ID.String())
		case c.Kind != survivor.Kind:
			return nil, Snapshot{}, errKinds
		}
	}
	for _, id := range choices {
		if id != survivor.ID && !slices.ContainsFunc(others, func(c *contact.Contact) bool { return c.ID == id }) {
			return nil, Snapshot{}, errChoice
		}
	}
	state, changed := Of(survivor), survivor.UpdateTime
	merges := make([]*Merge, len(others))
	for i, other := range others {
		m := &Merge{
			Meta:     entity.Meta{ID: entity.NewID(), Owner: survivor.Owner, Team: survivor.Team},
			Survivor: survivor.ID, Contact: other.ID, Before: state, PolicyVersion: policy.Seq, Actor: actor,
		}
		m.decide(policy, judge, side{&m.Before, survivor.ID, changed}, other, choices)
		state = m.After
		merges[i] = m
	}
	return merges, state, nil
}

// decide makes the merge's result.
func (m *Merge) decide(policy *Policy, judge Judge, survivor side, other *contact.Contact, choices map[string]uuid.UUID) {
	merged, verdicts := Of(other), judged{}
	from := side{&merged, other.ID, other.UpdateTime}
	wins := func(f field) bool {
		if chosen, given := choices[f.name]; given {
			return chosen == other.ID
		}
		if taken, ruled := verdicts.ask(judge, f, survivor, from); ruled {
			return taken
		}
		return policy.replaces(f, survivor, from)
	}
	for _, f := range choosable() {
		if wins(f) {
			m.Wins = append(m.Wins, f.name)
		}
	}
	for _, name := range decidedAlone(policy, judge, choices, survivor.Snapshot, &merged) {
		if wins(custom(name)) {
			m.Wins = append(m.Wins, name)
		} else {
			m.Wins = append(m.Wins, "!"+name)
		}
	}
	m.After, m.Conflicts = join(m.Before, merged, other.Handles(), m.wins)
	for i := range m.Conflicts {
		c := &m.Conflicts[i]
		c.SurvivorChanged, c.MergedChanged = survivor.changed, other.UpdateTime
		verdict, ruled := verdicts.on(c.Field)
		switch {
		case chosen(choices, c.Field):
		case ruled:
			c.Strategy, c.Verdict = ByRule, verdict
		default:
			c.Strategy = policy.strategy(ruledAs(c.Field))
		}
	}
}

// decidedAlone answers the custom fields that a choice names, and where no choice is about
// all of them those that the policy names, or that both have where rules are asked.
func decidedAlone(policy *Policy, judge Judge, choices map[string]uuid.UUID, survivor, merged *Snapshot) []string {
	var names []string
	if _, all := choices["custom_fields"]; !all {
		for _, r := range policy.Rules {
			names = append(names, r.Field)
		}
		for key := range merged.CustomFields {
			if _, both := survivor.CustomFields[key]; both && judge != nil {
				names = append(names, customField+key)
			}
		}
	}
	for name := range choices {
		names = append(names, name)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, customField) })
	slices.Sort(names)
	return slices.Compact(names)
}

// ruledAs answers the field that rules know a conflict as: those about entries of maps
// are known as the map, but for custom fields.
func ruledAs(conflict string) string {
	if name, _, ok := strings.Cut(conflict, "."); ok && !strings.HasPrefix(conflict, customField) {
		return name
	}
	return conflict
}

// chosen reports whether whoever merges has chosen the value that a conflict is about.
func chosen(choices map[string]uuid.UUID, conflict string) bool {
	name, _, _ := strings.Cut(conflict, ".")
	_, one := choices[conflict]
	_, all := choices[name]
	return one || all
}

// wins reports whether the merged contact's value of a field, or of one custom field, is
// taken.
func (m *Merge) wins(name string) bool {
	switch {
	case slices.Contains(m.Wins, name):
		return true
	case slices.Contains(m.Wins, "!"+name):
		return false
	}
	return strings.HasPrefix(name, customField) && slices.Contains(m.Wins, "custom_fields")
}

// Rebase is what is known of a merge of a survivor when one of them is undone.
type Rebase struct {
	*Merge
	// Other is the merged contact as it is now.
	Other *contact.Contact
}

// Undo answers what the survivor is without one of its merges: all others are made
// again, in their order, with the changes that were made between them and since. Those
// others know their new before and after then. Where nothing was changed since the last
// merge and it is the one undone, the survivor is what it was before, exactly.
func Undo(undone uuid.UUID, merges []Rebase, now Snapshot) Snapshot {
	state := merges[0].Before
	last := merges[0].Before
	for _, m := range merges {
		state = edit(state, last, m.Before)
		last = m.After
		if m.ID == undone {
			continue
		}
		m.Before = state
		handles := *m.Other
		handles.DeleteTime = nil // it is hidden, and holds what it held
		state, _ = join(state, Of(m.Other), handles.Handles(), m.wins)
		m.After = state
	}
	return edit(state, last, now)
}

// Release takes from a survivor the unique identifiers that go back to a contact that
// leaves it, whatever was done to them since.
func (s *Snapshot) Release(c *contact.Contact) {
	held := c.Handles()
	goes := func(h contact.Handle) bool { return h.Kind.Unique() && slices.Contains(held, h) }
	s.Identifiers = slices.DeleteFunc(slices.Clone(s.Identifiers), func(i contact.Identifier) bool { return goes(contact.Handle{Kind: i.Kind, Key: i.Key}) })
	s.Absorbed = slices.DeleteFunc(slices.Clone(s.Absorbed), goes)
	kept := make(map[string]string, len(s.ExternalIDs))
	for system, id := range s.ExternalIDs {
		if !goes(contact.Handle{Kind: contact.ExternalID, Key: contact.ExternalKey(system, id)}) {
			kept[system] = id
		}
	}
	if len(kept) < len(s.ExternalIDs) {
		s.ExternalIDs = kept
	}
}
