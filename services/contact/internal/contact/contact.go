// Package contact is the one record of a person or an organisation: its names,
// what identifies it, where it lives and the roles it plays, several at once.
//
// It promises that a contact can always be shown by a name, that a role is never
// held twice at the same time and never ends before it starts, and that roles
// which ended stay with their dates. Whether an identifier belongs to another
// contact already is for the database to say.
//
// Values arrive normalised: the package compares, it does not parse.
package contact

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Kind says what a contact is. It never changes.
type Kind int16

// The kinds of contacts, numbered as in the contract.
const (
	Person       Kind = 1
	Organisation Kind = 2
)

// Contact is a person or an organisation.
type Contact struct {
	entity.Meta
	// CustomerID is the number people use, such as "C-000123".
	CustomerID string `db:"customer_id"`
	// KeyID names the key under which its personal fields are sealed in events.
	KeyID uuid.UUID `db:"key_id"`
	Kind  Kind      `db:"kind"`
	// DisplayName is what lists show, NameKey what they are sorted by. SearchKey
	// holds all names in the form that search reads.
	DisplayName string `db:"display_name"`
	NameKey     string `db:"name_key"`
	SearchKey   string `db:"search_key"`
	GivenName   string `db:"given_name"`
	FamilyName  string `db:"family_name"`
	// OrganisationName is the employer's name where nothing more is known.
	OrganisationName string `db:"organisation_name"`
	JobTitle         string `db:"job_title"`
	// Birthday is "1990-04-12", or "--04-12" where the year is unknown.
	Birthday    string       `db:"birthday"`
	Identifiers []Identifier `db:"identifiers,json"`
	Addresses   []Address    `db:"addresses,json"`
	Preference  *Preference  `db:"preference,json"`
	Roles       []Role       `db:"roles,json"`
	// RolesHeld says of each role in Roles by name whether it is "open" or
	// "ended"; lists are filtered by it.
	RolesHeld map[string]string `db:"roles_held,json"`
	// LanguageCode is a BCP 47 tag, RegionCode an ISO 3166-1 alpha-2 code.
	LanguageCode string `db:"language_code"`
	RegionCode   string `db:"region_code"`
	Note         string `db:"note"`
	// NoThirdPartySharing forbids passing its data to third parties (A18).
	NoThirdPartySharing bool `db:"no_third_party_sharing"`
	// RestrictTime is when the processing of its data was restricted; nil where it is
	// not.
	RestrictTime *time.Time `db:"restrict_time"`
	// EraseTime is when it was erased; nil while it is not.
	EraseTime *time.Time `db:"erase_time"`
	// MergedInto is the contact that this one was merged into; nil where it was not.
	MergedInto *uuid.UUID `db:"merged_into"`
	// Absorbed are what contacts that were merged into this one can be found by, as far
	// as its own lists do not hold it.
	Absorbed []Handle `db:"absorbed,json"`
	// Guard says how its creation looks for duplicates. It is not stored.
	Guard Guard `db:"-"`
}

// Guard is how the creation of a contact looks for duplicates.
type Guard int8

// The guards. Compared stands for a contact that was compared with all that may be
// its duplicates before.
const (
	Unguarded Guard = iota
	Guarded
	Compared
)

// Address is a postal address.
type Address struct {
	Label              string   `json:"label,omitempty"`
	Lines              []string `json:"lines,omitempty"`
	Locality           string   `json:"locality,omitempty"`
	AdministrativeArea string   `json:"administrativeArea,omitempty"`
	PostalCode         string   `json:"postalCode,omitempty"`
	RegionCode         string   `json:"regionCode,omitempty"`
	Country            string   `json:"country,omitempty"`
}

// RoleKind is a role that a contact plays towards the company.
type RoleKind int16

// The roles, numbered as in the contract.
const (
	Customer RoleKind = 1
	Employee RoleKind = 2
	Partner  RoleKind = 3
	Supplier RoleKind = 4
	Investor RoleKind = 5
)

// String answers the name that filters use.
func (k RoleKind) String() string {
	switch k {
	case Customer:
		return "CUSTOMER"
	case Employee:
		return "EMPLOYEE"
	case Partner:
		return "PARTNER"
	case Supplier:
		return "SUPPLIER"
	case Investor:
		return "INVESTOR"
	default:
		return "UNKNOWN"
	}
}

// Role is a role held from Start until before End.
type Role struct {
	Kind  RoleKind  `json:"kind"`
	Start time.Time `json:"start"`
	// End is nil while nobody knows of an end.
	End *time.Time `json:"end,omitempty"`
	// Details is what this role knows beside what has a field of its own.
	Details map[string]any `json:"details,omitempty"`
	// Employee is what an employee is and can; nil in other roles.
	Employee *EmployeeProfile `json:"employee,omitempty"`
}

// AllowedActions names the calls that the contact's state allows next.
func (c *Contact) AllowedActions() []string {
	switch {
	case c.EraseTime != nil:
		return nil
	case c.MergedInto != nil:
		return []string{"UnmergeContact"}
	case c.Deleted():
		return []string{"UndeleteContact", "EraseContact"}
	}
	actions := []string{"UpdateContact", "DeleteContact", "AssignRole", "EraseContact", "RestrictContact", "MergeContacts"}
	if c.RestrictTime != nil {
		actions[4] = "LiftRestriction"
	}
	if len(c.Roles) > 0 {
		actions = append(actions, "ReviseRole")
	}
	for _, r := range c.Roles {
		if r.End == nil {
			return append(actions, "EndRole")
		}
	}
	return actions
}
