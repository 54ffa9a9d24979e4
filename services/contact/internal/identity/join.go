package identity

import (
	"slices"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// How much a contact may hold, as the contract says. What is over stays with the
// contact that was merged.
const (
	maxIdentifiers = 50
	maxAddresses   = 20
	maxExternalIDs = 20
	maxLabels      = 64
)

// Conflict is a field in which two merged contacts had something to say.
type Conflict struct {
	Field    string   `json:"field"`
	Strategy Strategy `json:"strategy"`
	// Replaced is true where the value of the merged contact was taken.
	Replaced bool   `json:"replaced,omitempty"`
	Kept     string `json:"kept"`
	Lost     string `json:"lost"`
	// Verdict is the rule that decided, where the strategy is ByRule.
	Verdict
	// SurvivorChanged and MergedChanged are when the two contacts were last changed.
	SurvivorChanged time.Time `json:"survivorChanged,omitzero"`
	MergedChanged   time.Time `json:"mergedChanged,omitzero"`
}

// join puts what a merged contact says together with what the survivor says. Wins says
// of which fields the merged one's value is taken where both have one. It depends on
// its arguments alone, so that a merge can be made again without another one.
func join(survivor, merged Snapshot, held []contact.Handle, wins func(name string) bool) (s Snapshot, conflicts []Conflict) {
	s = survivor
	for _, f := range values {
		if f.empty(&merged) || f.same(&survivor, &merged) {
			continue
		}
		taken := wins(f.name)
		if f.empty(&survivor) || taken {
			f.take(&s, &merged)
		}
		if !f.empty(&survivor) {
			conflicts = append(conflicts, conflict(f.name, taken, f.text(&survivor), f.text(&merged)))
		}
	}
	s.NoThirdParties = survivor.NoThirdParties || merged.NoThirdParties
	if s.RestrictTime == nil {
		s.RestrictTime = merged.RestrictTime
	}
	s.Identifiers = joinIdentifiers(survivor.Identifiers, merged.Identifiers)
	s.Addresses = joinAddresses(survivor.Addresses, merged.Addresses)
	s.Roles = joinRoles(survivor.Roles, merged.Roles)
	var clashes []Conflict
	s.ExternalIDs, clashes = joinMaps("external_ids", survivor.ExternalIDs, merged.ExternalIDs, maxExternalIDs, wins)
	conflicts = append(conflicts, clashes...)
	s.Labels, clashes = joinMaps("labels", survivor.Labels, merged.Labels, maxLabels, wins)
	conflicts = append(conflicts, clashes...)
	s.CustomFields, clashes = joinMaps("custom_fields", survivor.CustomFields, merged.CustomFields, maxCustomFields, wins)
	conflicts = append(conflicts, clashes...)
	s.Absorbed = absorb(&s, slices.Concat(survivor.own(), survivor.Absorbed, held))
	return s, conflicts
}

// maxCustomFields bounds how many keys custom fields have after a merge.
const maxCustomFields = 200

func conflict(name string, taken bool, survivors, merged string) Conflict {
	c := Conflict{Field: name, Replaced: taken, Kept: survivors, Lost: merged}
	if taken {
		c.Kept, c.Lost = merged, survivors
	}
	return c
}

// own are what the lists of a snapshot can be found by.
func (s *Snapshot) own() []contact.Handle {
	c := &contact.Contact{Identifiers: s.Identifiers}
	c.ExternalIDs = s.ExternalIDs
	return c.Handles()
}

// absorb answers those of the handles that the lists of the snapshot do not hold: by
// them, too, it is to be found.
func absorb(s *Snapshot, handles []contact.Handle) []contact.Handle {
	own := s.own()
	var rest []contact.Handle
	for _, h := range handles {
		if !slices.Contains(own, h) && !slices.Contains(rest, h) {
			rest = append(rest, h)
		}
	}
	slices.SortFunc(rest, compareHandles)
	return rest
}

func compareHandles(a, b contact.Handle) int {
	if a.Kind != b.Kind {
		return int(a.Kind - b.Kind)
	}
	if a.Key < b.Key {
		return -1
	}
	return 1
}

// joinIdentifiers keeps one primary of each kind: the survivor's, where it has one.
func joinIdentifiers(list, more []contact.Identifier) []contact.Identifier {
	all := slices.Clone(list)
	for _, i := range more {
		known := slices.ContainsFunc(all, func(o contact.Identifier) bool {
			return o.Kind == i.Kind && o.Key == i.Key && o.Extension == i.Extension
		})
		if known || len(all) >= maxIdentifiers {
			continue
		}
		i.Primary = i.Primary && !slices.ContainsFunc(all, func(o contact.Identifier) bool { return o.Kind == i.Kind && o.Primary })
		all = append(all, i)
	}
	return all
}

func joinAddresses(list, more []contact.Address) []contact.Address {
	all := slices.Clone(list)
	for _, a := range more {
		if len(all) < maxAddresses && !slices.ContainsFunc(all, func(o contact.Address) bool { return same(o, a) }) {
			all = append(all, a)
		}
	}
	return all
}

// joinRoles makes one of two periods of a role that touch: from the earlier start to
// the later end. Of what the role knows, the survivor's stays.
func joinRoles(list, more []contact.Role) []contact.Role {
	all := slices.Clone(list)
	for _, r := range more {
		rest := all[:0:0]
		for _, o := range all {
			if o.Kind != r.Kind || !meet(o, r) {
				rest = append(rest, o)
				continue
			}
			if len(o.Details) > 0 {
				r.Details = o.Details
			}
			if o.Employee != nil {
				r.Employee = o.Employee
			}
			if o.Start.Before(r.Start) {
				r.Start = o.Start
			}
			if o.End == nil || r.End != nil && o.End.After(*r.End) {
				r.End = o.End
			}
		}
		if len(rest) < contact.MaxRoles {
			rest = append(rest, r)
		}
		all = rest
	}
	slices.SortStableFunc(all, func(a, b contact.Role) int { return a.Start.Compare(b.Start) })
	return all
}

// meet reports whether two periods share a moment.
func meet(a, b contact.Role) bool {
	return (b.End == nil || a.Start.Before(*b.End)) && (a.End == nil || b.Start.Before(*a.End))
}

// joinMaps takes all keys, up to the most; of one that both have, the value of the
// merged contact where it wins.
func joinMaps[V any](name string, m, more map[string]V, most int, wins func(name string) bool) (map[string]V, []Conflict) {
	if len(more) == 0 {
		return m, nil
	}
	all := make(map[string]V, len(m)+len(more))
	for k, v := range m {
		all[k] = v
	}
	var conflicts []Conflict
	for _, k := range sortedKeys(more) {
		old, held := m[k]
		switch {
		case !held:
			if len(all) < most {
				all[k] = more[k]
			}
		case !same(old, more[k]):
			taken := wins(name)
			if name+"." == customField {
				taken = wins(customField + k)
			}
			if taken {
				all[k] = more[k]
			}
			conflicts = append(conflicts, conflict(name+"."+k, taken, readable(old), readable(more[k])))
		}
	}
	return all, conflicts
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
