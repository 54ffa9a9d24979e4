package identity

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Snapshot is what of a contact takes part in merges: all that it says of itself.
type Snapshot struct {
	Name             Name                 `json:"name"`
	OrganisationName string               `json:"organisationName,omitempty"`
	JobTitle         string               `json:"jobTitle,omitempty"`
	Birthday         string               `json:"birthday,omitempty"`
	Preference       *contact.Preference  `json:"preference,omitempty"`
	LanguageCode     string               `json:"languageCode,omitempty"`
	RegionCode       string               `json:"regionCode,omitempty"`
	Note             string               `json:"note,omitempty"`
	Owner            string               `json:"owner,omitempty"`
	Team             string               `json:"team,omitempty"`
	Source           string               `json:"source,omitempty"`
	NoThirdParties   bool                 `json:"noThirdParties,omitempty"`
	RestrictTime     *time.Time           `json:"restrictTime,omitempty"`
	Identifiers      []contact.Identifier `json:"identifiers,omitempty"`
	Addresses        []contact.Address    `json:"addresses,omitempty"`
	Roles            []contact.Role       `json:"roles,omitempty"`
	Absorbed         []contact.Handle     `json:"absorbed,omitempty"`
	ExternalIDs      map[string]string    `json:"externalIds,omitempty"`
	Labels           map[string]string    `json:"labels,omitempty"`
	CustomFields     map[string]any       `json:"customFields,omitempty"`
}

// Name is all of a contact's own names.
type Name struct {
	Display string `json:"display"`
	Given   string `json:"given,omitempty"`
	Family  string `json:"family,omitempty"`
}

// Of answers the snapshot of a contact.
func Of(c *contact.Contact) Snapshot {
	return Snapshot{
		Name:             Name{c.DisplayName, c.GivenName, c.FamilyName},
		OrganisationName: c.OrganisationName, JobTitle: c.JobTitle, Birthday: c.Birthday, Preference: c.Preference,
		LanguageCode: c.LanguageCode, RegionCode: c.RegionCode, Note: c.Note, Owner: c.Owner, Team: c.Team, Source: c.Source,
		NoThirdParties: c.NoThirdPartySharing, RestrictTime: inUTC(c.RestrictTime),
		Identifiers: slices.Clone(c.Identifiers), Addresses: slices.Clone(c.Addresses), Roles: slices.Clone(c.Roles), Absorbed: slices.Clone(c.Absorbed),
		ExternalIDs: maps.Clone(c.ExternalIDs), Labels: maps.Clone(c.Labels), CustomFields: maps.Clone(c.CustomFields),
	}
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}

// Put writes the snapshot into a contact. What searches read of its names is the
// caller's to renew.
func (s *Snapshot) Put(c *contact.Contact) {
	c.DisplayName, c.GivenName, c.FamilyName = s.Name.Display, s.Name.Given, s.Name.Family
	c.OrganisationName, c.JobTitle, c.Birthday, c.Preference = s.OrganisationName, s.JobTitle, s.Birthday, s.Preference
	c.LanguageCode, c.RegionCode, c.Note, c.Owner, c.Team, c.Source = s.LanguageCode, s.RegionCode, s.Note, s.Owner, s.Team, s.Source
	c.NoThirdPartySharing, c.RestrictTime = s.NoThirdParties, s.RestrictTime
	c.Identifiers, c.Addresses, c.Absorbed = s.Identifiers, s.Addresses, s.Absorbed
	c.ExternalIDs, c.Labels, c.CustomFields = s.ExternalIDs, s.Labels, s.CustomFields
	c.Play(s.Roles)
}

// field is one of which a merge takes the value of one contact.
type field struct {
	name string
	// at answers where a snapshot keeps it.
	at func(*Snapshot) any
}

// values are the fields of one value; maps are chosen key by key.
var (
	values = []field{
		{"name", func(s *Snapshot) any { return &s.Name }},
		{"organisation_name", func(s *Snapshot) any { return &s.OrganisationName }},
		{"job_title", func(s *Snapshot) any { return &s.JobTitle }},
		{"birthday", func(s *Snapshot) any { return &s.Birthday }},
		{"preference", func(s *Snapshot) any { return &s.Preference }},
		{"language_code", func(s *Snapshot) any { return &s.LanguageCode }},
		{"region_code", func(s *Snapshot) any { return &s.RegionCode }},
		{"note", func(s *Snapshot) any { return &s.Note }},
		{"owner", func(s *Snapshot) any { return &s.Owner }},
		{"team", func(s *Snapshot) any { return &s.Team }},
		{"source", func(s *Snapshot) any { return &s.Source }},
	}
	// settled are fields of one value that no rule chooses.
	settled = []field{
		{"no_third_party_sharing", func(s *Snapshot) any { return &s.NoThirdParties }},
		{"restrict_time", func(s *Snapshot) any { return &s.RestrictTime }},
	}
	lists = []field{
		{"identifiers", func(s *Snapshot) any { return &s.Identifiers }},
		{"addresses", func(s *Snapshot) any { return &s.Addresses }},
		{"roles", func(s *Snapshot) any { return &s.Roles }},
		{"absorbed", func(s *Snapshot) any { return &s.Absorbed }},
	}
	mapped = []field{
		{"external_ids", func(s *Snapshot) any { return &s.ExternalIDs }},
		{"labels", func(s *Snapshot) any { return &s.Labels }},
		{"custom_fields", func(s *Snapshot) any { return &s.CustomFields }},
	}
)

// customField begins the name of one custom field.
const customField = "custom_fields."

// custom is one custom field.
func custom(name string) field {
	key := strings.TrimPrefix(name, customField)
	return field{name, func(s *Snapshot) any {
		value := s.CustomFields[key]
		return &value
	}}
}

// Fields are the names that a rule or a choice may use.
func Fields() []string {
	var names []string
	for _, f := range choosable() {
		names = append(names, f.name)
	}
	return names
}

// choosable are the fields of which the value of one contact can be chosen.
func choosable() []field { return slices.Concat(values, mapped) }

// same reports whether two values say the same: an empty list says what none says.
func same(a, b any) bool { return said(a) == said(b) }

func said(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("identity: a stored value is no JSON: %v", err))
	}
	switch s := string(text); s {
	case "[]", "{}":
		return "null"
	default:
		return s
	}
}

func (f field) value(s *Snapshot) reflect.Value { return reflect.ValueOf(f.at(s)).Elem() }

func (f field) empty(s *Snapshot) bool { return f.value(s).IsZero() }

func (f field) same(a, b *Snapshot) bool {
	return same(f.at(a), f.at(b))
}

func (f field) take(to, from *Snapshot) { f.value(to).Set(f.value(from)) }

// size is how much a value says, in letters.
func (f field) size(s *Snapshot) int { return utf8.RuneCountInString(f.text(s)) }

// text is the value for a person to read.
func (f field) text(s *Snapshot) string {
	if f.empty(s) {
		return ""
	}
	switch v := f.value(s).Interface().(type) {
	case string:
		return v
	case Name:
		if v.Given+v.Family == "" {
			return v.Display
		}
		return fmt.Sprintf("%s (%s, %s)", v.Display, v.Given, v.Family)
	default:
		return readable(v)
	}
}

func readable(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return said(v)
}
