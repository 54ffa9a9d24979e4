// Package quality tells how good the data of a contact is: how complete, how fresh and
// how relevant, by the tenant's weights.
//
// It is a pure function of what is there, of what was verified when, of what is used,
// and of the instant asked about.
package quality

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Fields are those that count, in the order of the bits of a Set. Sets are stored: only
// add to the end.
var Fields = []string{
	"display_name", "given_name", "family_name", "organisation_name", "job_title", "birthday", "email", "phone", "address",
	"language_code", "region_code", "preference", "owner",
}

// Set is some of the Fields.
type Set uint32

// SetOf answers the set of the fields named; names that do not count are left out. A
// contact's identifiers are its e-mail addresses and phone numbers.
func SetOf(names ...string) (s Set) {
	for _, name := range names {
		switch name {
		case "identifiers":
			s |= SetOf("email", "phone")
		case "addresses":
			s |= SetOf("address")
		}
		if i := slices.Index(Fields, name); i >= 0 {
			s |= 1 << i
		}
	}
	return s
}

// Has says whether all fields of another set are in it.
func (s Set) Has(other Set) bool { return s&other == other }

// Names answers the fields of the set.
func (s Set) Names() []string {
	var names []string
	for i, name := range Fields {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Present answers the fields of a contact that say something.
func Present(c *contact.Contact) Set {
	var names []string
	for name, value := range map[string]string{
		"display_name": c.DisplayName, "given_name": c.GivenName, "family_name": c.FamilyName, "organisation_name": c.OrganisationName,
		"job_title": c.JobTitle, "birthday": c.Birthday, "language_code": c.LanguageCode, "region_code": c.RegionCode, "owner": c.Owner,
	} {
		if strings.TrimSpace(value) != "" {
			names = append(names, name)
		}
	}
	for _, i := range c.Identifiers {
		switch i.Kind {
		case contact.Email:
			names = append(names, "email")
		case contact.Phone:
			names = append(names, "phone")
		}
	}
	if len(c.Addresses) > 0 {
		names = append(names, "address")
	}
	if c.Preference != nil {
		names = append(names, "preference")
	}
	return SetOf(names...)
}

// Facts are what the quality of a contact's data follows from.
type Facts struct {
	Kind contact.Kind
	// Present are the fields that say something, Used those that rules and lists use.
	Present, Used Set
	// Verified says when a field was last verified.
	Verified map[string]time.Time
}

// Rating is how good data is; all numbers are 0 to 100.
type Rating struct {
	Score, Completeness, Freshness, Relevance int
	// Missing are the fields that the policy asks for and that are not there.
	Missing Set
}

// Flaw is what is wrong with a field.
type Flaw int16

// The flaws, numbered as in the contract.
const (
	Missing    Flaw = 1
	Unverified Flaw = 2
	Stale      Flaw = 3
)

// Fix is one thing that would make the data better.
type Fix struct {
	Field string
	Flaw  Flaw
	// Gain is by how much the score rises.
	Gain int
}

// Rate tells how good the data is at an instant.
func (p *Policy) Rate(f Facts, now time.Time) Rating {
	var all, there, fresh, used, filled float64
	r := Rating{}
	for i, name := range Fields {
		bit := Set(1) << i
		weight := float64(p.weight(f.Kind, name))
		present := f.Present&bit != 0
		all += weight
		if present {
			there += weight
			fresh += weight * p.freshness(f.Verified[name], now)
		} else if weight > 0 {
			r.Missing |= bit
		}
		if f.Used&bit != 0 {
			used++
			if present {
				filled++
			}
		}
	}
	r.Completeness, r.Freshness, r.Relevance = percent(there, all), percent(fresh, there), percent(filled, used)
	c, fr, re := p.shares()
	r.Score = percent(float64(c*r.Completeness+fr*r.Freshness+re*r.Relevance), float64(100*(c+fr+re)))
	return r
}

// percent answers a part of a whole, 100 of nothing.
func percent(part, whole float64) int {
	if whole == 0 {
		return 100
	}
	return int(100*part/whole + 0.5)
}

// freshness answers what a verification counts: in full at first, then half, then
// nothing.
func (p *Policy) freshness(verified, now time.Time) float64 {
	switch age := now.Sub(verified); {
	case verified.IsZero() || age > 2*p.fresh():
		return 0
	case age > p.fresh():
		return 0.5
	default:
		return 1
	}
}

// Fixes answers what would make the data better, the greatest gain first.
func (p *Policy) Fixes(f Facts, now time.Time) []Fix {
	was := p.Rate(f, now).Score
	var fixes []Fix
	for _, name := range Fields {
		bit := SetOf(name)
		flaw := Missing
		switch {
		case f.Present.Has(bit) && f.Verified[name].IsZero():
			flaw = Unverified
		case f.Present.Has(bit):
			flaw = Stale
		}
		better := f
		better.Present |= bit
		better.Verified = map[string]time.Time{name: now}
		for other, at := range f.Verified {
			if other != name {
				better.Verified[other] = at
			}
		}
		if gain := p.Rate(better, now).Score - was; gain > 0 {
			fixes = append(fixes, Fix{Field: name, Flaw: flaw, Gain: gain})
		}
	}
	slices.SortStableFunc(fixes, func(a, b Fix) int { return cmp.Compare(b.Gain, a.Gain) })
	return fixes
}

// Changes answers when the rating changes next by the passing of time alone; the zero
// time where it does not.
func (p *Policy) Changes(f Facts, now time.Time) (next time.Time) {
	for _, verified := range f.Verified {
		for _, at := range []time.Time{verified.Add(p.fresh()), verified.Add(2 * p.fresh())} {
			if at.After(now) && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	return next
}
