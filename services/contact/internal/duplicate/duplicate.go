// Package duplicate tells how likely it is that two records are of one person or
// organisation: which fields agree, how much that weighs, and under which keys
// records are looked for so that not every pair has to be compared.
//
// A weight is the binary logarithm of how much more often an observation is made of
// records of one person than of two (Fellegi and Sunter, "A Theory for Record
// Linkage", 1969); weights add up. Names are compared as Jaro and Winkler do,
// addresses by the edits between them (Damerau 1964).
//
// It promises that a comparison is symmetric, and that letters which only look alike
// weigh nothing (UTS #39). It decides nothing: the threshold is a policy.
package duplicate

import (
	"strings"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/text"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Record is what of a contact takes part in comparisons, in the form in which it is
// compared.
type Record struct {
	ID   uuid.UUID
	Kind contact.Kind
	// Name is the whole name; Given and Family its parts where they are known.
	Name, Given, Family string
	// Birthday is "1990-04-12", or "--04-12" where the year is unknown.
	Birthday  string
	Addresses []Address
	Handles   []contact.Handle
}

// Address is a postal address, in the form in which it is compared.
type Address struct {
	Street, Locality, Area, PostalCode string
}

// Of answers the record of a contact.
func Of(c *contact.Contact) Record {
	r := Record{
		ID: c.ID, Kind: c.Kind, Birthday: c.Birthday, Handles: c.Handles(),
		Name: name(c.Kind, c.DisplayName), Given: name(c.Kind, c.GivenName), Family: name(c.Kind, c.FamilyName),
	}
	if c.Anonymous() {
		r.Name = "" // it says nothing about who it is
	}
	if r.Given != "" && r.Family != "" {
		r.Name = r.Given + " " + r.Family
	}
	for _, a := range c.Addresses {
		r.Addresses = append(r.Addresses, Address{
			Street: text.SearchKey(strings.Join(a.Lines, " ")), Locality: text.SearchKey(a.Locality),
			Area: text.SearchKey(a.AdministrativeArea), PostalCode: strings.ReplaceAll(text.SearchKey(a.PostalCode), " ", ""),
		})
	}
	return r
}

// name is a name without the titles and legal forms that some write and others do
// not.
func name(kind contact.Kind, s string) string {
	dropped := titles
	if kind == contact.Organisation {
		dropped = forms
	}
	words := strings.Fields(text.SearchKey(s))
	kept := make([]string, 0, len(words))
	for _, w := range words {
		if !dropped[w] {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		kept = words
	}
	return strings.Join(kept, " ")
}

var (
	titles = set("mr mrs ms miss dr prof ir drs dra h hj bapak bpk ibu bu pak sdr sdri tuan nyonya")
	forms  = set("pt cv tbk ud persero ltd limited inc corp corporation co company llc plc gmbh ag bv nv sa srl sdn bhd pte")
)

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}
