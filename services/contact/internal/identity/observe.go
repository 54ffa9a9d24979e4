package identity

import (
	"slices"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Claim is who says what a field of a contact holds, and since when that is known.
type Claim struct {
	Source string
	At     time.Time
}

// Observed is what a source said of a field, and what became of it.
type Observed struct {
	Field, Value string
	// Taken is true where the contact says it since then, and Known where it said so
	// before.
	Taken, Known bool
}

// observable are the fields of one value that a source may tell.
var observable = []string{"name", "organisation_name", "job_title", "birthday", "preference", "language_code", "region_code"}

// Observe puts what a source says of a contact together with what the contact says of
// itself: an empty field takes what is said, of others the policy's rules choose, and
// lists take what is new. Since answers who told the value that the contact has now.
//
// What one source said later than itself replaces what it said before, unless the rule
// keeps the record's own value.
func (p *Policy) Observe(current, said Snapshot, by Claim, since func(field, value string) Claim) (after Snapshot, observed []Observed) {
	after = current
	for _, f := range values {
		if !slices.Contains(observable, f.name) || f.empty(&said) {
			continue
		}
		o := Observed{Field: f.name, Value: f.text(&said)}
		switch {
		case f.same(&current, &said):
			o.Known = true
		case f.empty(&current) || p.prefers(f, &said, &current, by, since(f.name, f.text(&current))):
			f.take(&after, &said)
			o.Taken = true
		}
		observed = append(observed, o)
	}
	after.Identifiers = joinIdentifiers(current.Identifiers, said.Identifiers)
	for _, i := range said.Identifiers {
		same := func(o contact.Identifier) bool { return o.Kind == i.Kind && o.Key == i.Key }
		known := slices.ContainsFunc(current.Identifiers, same)
		observed = append(observed, Observed{"identifiers", i.Value, !known && slices.ContainsFunc(after.Identifiers, same), known})
	}
	after.Addresses = joinAddresses(current.Addresses, said.Addresses)
	for _, a := range said.Addresses {
		equal := func(o contact.Address) bool { return same(o, a) }
		known := slices.ContainsFunc(current.Addresses, equal)
		observed = append(observed, Observed{"addresses", AddressText(a), !known && slices.ContainsFunc(after.Addresses, equal), known})
	}
	after.ExternalIDs, _ = joinMaps("external_ids", current.ExternalIDs, said.ExternalIDs, maxExternalIDs, func(string) bool { return false })
	return after, observed
}

// prefers reports whether what is said replaces what the contact has.
func (p *Policy) prefers(f field, said, current *Snapshot, by, since Claim) bool {
	later := by.At.After(since.At)
	switch p.strategy(f.name) {
	case MostRecent:
		return later
	case MostTrusted:
		mine, theirs := p.trust(by.Source), p.trust(since.Source)
		return mine < theirs || mine == theirs && later
	case MostComplete:
		return f.size(said) > f.size(current)
	default:
		return false
	}
}

// Text answers the value of a field of one value for a person to read; empty where it
// holds none or is no such field.
func (s *Snapshot) Text(name string) string {
	for _, f := range values {
		if f.name == name {
			return f.text(s)
		}
	}
	return ""
}

// Observable are the fields of one value that sources tell.
func Observable() []string { return slices.Clone(observable) }

// AddressText is an address on one line.
func AddressText(a contact.Address) string {
	var parts []string
	for _, part := range append(slices.Clone(a.Lines), a.PostalCode, a.Locality, a.AdministrativeArea, a.RegionCode) {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
