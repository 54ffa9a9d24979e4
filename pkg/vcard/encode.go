package vcard

import (
	"fmt"
	"slices"
	"strings"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// lineLength is the longest line of a vCard, in bytes without its end (RFC 6350, 3.2).
const lineLength = 75

// Product names the writer of the cards; whose UID is the id of a contact.
const Product = "-//Lingkar//Lingkar CRM//EN"

// Encode writes a contact as vCard 4.0 (RFC 6350): what a vCard has a property for.
// Several cards one after the other are a file of vCards.
func Encode(c *contactv1.Contact) []byte {
	v := &cardWriter{}
	v.raw("BEGIN:VCARD")
	v.raw("VERSION:4.0")
	v.raw("PRODID:" + Product)
	v.property("UID", "urn:uuid:"+strings.TrimPrefix(c.GetName(), "contacts/"))
	kind := "individual"
	if c.GetKind() == contactv1.ContactKind_CONTACT_KIND_ORGANISATION {
		kind = "org"
	}
	v.property("KIND", kind)
	v.property("FN", c.GetDisplayName())
	v.structured("N", c.GetFamilyName(), c.GetGivenName(), "", "", "")
	v.property("ORG", c.GetOrganisationName())
	v.property("TITLE", c.GetJobTitle())
	v.property("LANG", c.GetLanguageCode())
	v.property("NOTE", c.GetNote())
	if d := c.GetBirthday(); d != nil {
		year := "--"
		if d.GetYear() != 0 {
			year = fmt.Sprintf("%04d", d.GetYear())
		}
		v.property("BDAY", fmt.Sprintf("%s%02d%02d", year, d.GetMonth(), d.GetDay()))
	}
	for _, i := range c.GetIdentifiers() {
		v.identifier(i)
	}
	for _, a := range c.GetAddresses() {
		country := a.GetCountry()
		if country == "" {
			country = a.GetRegionCode()
		}
		v.structured("ADR"+kindOf(a.GetLabel()), "", "", strings.Join(a.GetLines(), "\n"), a.GetLocality(), a.GetAdministrativeArea(), a.GetPostalCode(), country)
	}
	v.list("CATEGORIES", categories(c.GetLabels()))
	v.raw("REV:" + c.GetUpdateTime().AsTime().Format("20060102T150405Z"))
	v.raw("END:VCARD")
	return []byte(v.out.String())
}

type cardWriter struct{ out strings.Builder }

// identifier writes what a vCard has a property for; cards and devices have none.
func (v *cardWriter) identifier(i *contactv1.Identifier) {
	params := kindOf(i.GetLabel())
	if i.GetPrimary() {
		params += ";PREF=1"
	}
	switch i.GetKind() {
	case contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
		v.property("EMAIL"+params, i.GetValue())
	case contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE:
		number := "tel:" + i.GetValue()
		if i.GetExtension() != "" {
			number += ";ext=" + i.GetExtension()
		}
		v.raw("TEL;VALUE=uri" + params + ":" + number)
	case contactv1.IdentifierKind_IDENTIFIER_KIND_WEB:
		v.raw("URL" + params + ":" + i.GetValue())
	}
}

// kindOf writes a label as the TYPE of a property, where it is one that vCard knows.
func kindOf(label string) string {
	if slices.Contains(Types, strings.ToLower(label)) {
		return ";TYPE=" + strings.ToLower(label)
	}
	return ""
}

// Types are the TYPEs that a label is read from and written to (RFC 6350, 5.6 and
// 6.4.1).
var Types = []string{"home", "work", "cell", "fax", "pager", "voice"}

// categories are the labels that say no more than that they are there.
func categories(labels map[string]string) []string {
	var all []string
	for name, value := range labels {
		if value == "true" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// escaper writes a value as RFC 6350, 3.4 wants it.
var escaper = strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\r\n", `\n`, "\n", `\n`, "\r", "")

// property writes a property that has a value.
func (v *cardWriter) property(name, value string) {
	if value != "" {
		v.raw(name + ":" + escaper.Replace(value))
	}
}

// structured writes a property of several parts, where one of them is given.
func (v *cardWriter) structured(name string, values ...string) {
	escaped := make([]string, len(values))
	for i, value := range values {
		escaped[i] = escaper.Replace(value)
	}
	if strings.Join(escaped, "") != "" {
		v.raw(name + ":" + strings.Join(escaped, ";"))
	}
}

// list writes a property of several values, where there are any.
func (v *cardWriter) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	escaped := make([]string, len(values))
	for i, value := range values {
		escaped[i] = escaper.Replace(value)
	}
	v.raw(name + ":" + strings.Join(escaped, ","))
}

// raw writes a line, folded where it is long and never within a character.
func (v *cardWriter) raw(line string) {
	room := lineLength
	for _, r := range line {
		size := len(string(r))
		if size > room {
			v.out.WriteString("\r\n ")
			room = lineLength - 1
		}
		v.out.WriteRune(r)
		room -= size
	}
	v.out.WriteString("\r\n")
}
