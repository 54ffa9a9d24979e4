package server

import (
	"fmt"
	"strings"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// vcardLine is the longest line of a vCard, in bytes without its end (RFC 6350, 3.2).
const vcardLine = 75

// vcard writes a contact as vCard 4.0 (RFC 6350): what a vCard has a property for.
func vcard(c *contactv1.Contact) []byte {
	v := &cardWriter{}
	v.raw("BEGIN:VCARD")
	v.raw("VERSION:4.0")
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
		v.structured("ADR", "", "", strings.Join(a.GetLines(), ", "), a.GetLocality(), a.GetAdministrativeArea(), a.GetPostalCode(), country)
	}
	v.raw("REV:" + c.GetUpdateTime().AsTime().Format("20060102T150405Z"))
	v.raw("END:VCARD")
	return []byte(v.out.String())
}

type cardWriter struct{ out strings.Builder }

// identifier writes what a vCard has a property for; cards and devices have none.
func (v *cardWriter) identifier(i *contactv1.Identifier) {
	preferred := ""
	if i.GetPrimary() {
		preferred = ";PREF=1"
	}
	switch i.GetKind() {
	case contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL:
		v.property("EMAIL"+preferred, i.GetValue())
	case contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE:
		number := "tel:" + i.GetValue()
		if i.GetExtension() != "" {
			number += ";ext=" + i.GetExtension()
		}
		v.raw("TEL;VALUE=uri" + preferred + ":" + number)
	case contactv1.IdentifierKind_IDENTIFIER_KIND_WEB:
		v.raw("URL" + preferred + ":" + i.GetValue())
	}
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

// raw writes a line, folded where it is long and never within a character.
func (v *cardWriter) raw(line string) {
	room := vcardLine
	for _, r := range line {
		size := len(string(r))
		if size > room {
			v.out.WriteString("\r\n ")
			room = vcardLine - 1
		}
		v.out.WriteRune(r)
		room -= size
	}
	v.out.WriteString("\r\n")
}
