package server

import (
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	"github.com/lingkar-crm/lingkar/pkg/vcard"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

var (
	errGroup    = errs.Invalid("row", "CARD_IS_GROUP", "the vCard is of a group or a thing, not of a person or an organisation")
	errCardSays = errs.Invalid("row", "NAME_MISSING", "the vCard names nobody: it has no name, e-mail address, phone number or organisation")
)

// cardRead are the properties of a vCard that become part of a contact, or say nothing
// of it.
var cardRead = []string{
	"FN", "N", "KIND", "ORG", "TITLE", "ROLE", "LANG", "NOTE", "BDAY", "EMAIL", "TEL", "URL", "ADR", "LABEL", "CATEGORIES", "UID", "PRODID", "REV",
}

// cardDates are how vCards write a birthday: ISO 8601 in both forms, with or without
// a year.
var cardDates = []string{"2006-01-02", "20060102", "--01-02", "--0102"}

// contactOfCard reads the contact that a vCard is of. What a contact has no place for
// is named in the report on it.
func contactOfCard(content string, spec *bulkv1.Import) (*incoming, error) {
	card, err := vcard.Parse(content)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(card.Text("KIND")) {
	case "group", "location", "application", "device":
		return nil, errGroup
	}
	c := &incoming{Contact: &contactv1.Contact{Source: "import", ExternalIds: map[string]string{}, Labels: map[string]string{}}}
	readCardNames(card, c.Contact)
	readCardAddresses(card, c.Contact)
	readCardIdentifiers(card, c, firstOf(c.GetRegionCode(), spec.GetRegionCode()))
	if c.GetDisplayName() == "" && c.GetGivenName() == "" && c.GetFamilyName() == "" && !readSelf(c.Contact) {
		return nil, errCardSays
	}
	if day, _, _ := strings.Cut(card.Text("BDAY"), "T"); day != "" {
		c.setBirthday(day, cardDates)
	}
	readCardRest(card, c.Contact)
	identifyCard(card, c.Contact, spec.GetSystem())
	for _, p := range card.Properties {
		if !slices.Contains(cardRead, p.Name) {
			card.Drop(p.Name)
		}
	}
	c.remarks.Dropped = card.Dropped[:min(len(card.Dropped), 20)]
	return c, nil
}

// readCardNames tells an organisation by its KIND, or by having no name but that.
func readCardNames(card *vcard.Card, c *contactv1.Contact) {
	c.Kind = contactv1.ContactKind_CONTACT_KIND_PERSON
	if names := card.All("N"); len(names) > 0 {
		parts := append(names[0].Parts(), "", "", "")
		c.FamilyName, c.GivenName = oneLine(parts[0]), strings.TrimSpace(oneLine(parts[1]+" "+parts[2]))
	}
	c.DisplayName = oneLine(card.Text("FN"))
	if orgs := card.All("ORG"); len(orgs) > 0 {
		parts := orgs[0].Parts()
		c.OrganisationName = oneLine(parts[0])
		if strings.Join(parts[1:], "") != "" {
			card.Drop("ORG (unit)")
		}
	}
	c.JobTitle = oneLine(firstOf(card.Text("TITLE"), card.Text("ROLE")))
	unnamed := c.GivenName == "" && c.FamilyName == "" && (c.DisplayName == "" || c.DisplayName == c.OrganisationName)
	if strings.EqualFold(card.Text("KIND"), "org") || (unnamed && c.OrganisationName != "") {
		c.Kind = contactv1.ContactKind_CONTACT_KIND_ORGANISATION
		c.DisplayName = firstOf(c.DisplayName, c.OrganisationName)
	}
}

// readCardIdentifiers reads e-mail addresses, phone numbers and pages; of pages only
// those that a browser fetches, for a link to run is none.
func readCardIdentifiers(card *vcard.Card, c *incoming, region string) {
	for _, p := range card.All("EMAIL") {
		describe(c, c.addEmail(strings.TrimPrefix(p.Text(), "mailto:")), p)
	}
	for _, p := range card.All("TEL") {
		describe(c, c.addPhone(p.Text(), region), p)
	}
	for _, p := range card.All("URL") {
		page := p.Text()
		if scheme, _, ok := strings.Cut(page, ":"); ok && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			card.Drop("URL")
			continue
		}
		describe(c, c.addPage(page), p)
	}
}

// describe gives an identifier the label and the rank that its property has.
func describe(c *incoming, id *contactv1.Identifier, p vcard.Property) {
	if id == nil {
		return
	}
	id.Label = firstOf(id.GetLabel(), labelOf(p))
	if p.Preferred() {
		id.Primary = !slices.ContainsFunc(c.Identifiers, func(other *contactv1.Identifier) bool {
			return other != id && other.GetKind() == id.GetKind() && other.GetPrimary()
		})
	}
}

func labelOf(p vcard.Property) string {
	for _, kind := range vcard.Types {
		if p.Is(kind) {
			return kind
		}
	}
	return ""
}

func readCardAddresses(card *vcard.Card, c *contactv1.Contact) {
	for _, p := range card.All("ADR") {
		parts := append(p.Parts(), make([]string, 7)...)
		a := &contactv1.Address{Label: labelOf(p), Locality: oneLine(parts[3]), AdministrativeArea: oneLine(parts[4]), PostalCode: oneLine(parts[5])}
		for _, line := range strings.Split(parts[0]+"\n"+parts[1]+"\n"+parts[2], "\n") {
			if line = oneLine(line); line != "" && len(a.Lines) < 6 {
				a.Lines = append(a.Lines, line)
			}
		}
		if code, ok := text.Country(oneLine(parts[6])); ok {
			a.RegionCode, c.RegionCode = code, firstOf(c.RegionCode, code)
		} else {
			a.Country = oneLine(parts[6])
		}
		if len(c.Addresses) < 20 {
			c.Addresses = append(c.Addresses, a)
		}
	}
}

func readCardRest(card *vcard.Card, c *contactv1.Contact) {
	var notes []string
	for _, p := range card.All("NOTE") {
		notes = append(notes, p.Text())
	}
	c.Note = strings.Join(notes, "\n\n")
	if lang, err := text.Language(card.Text("LANG")); err == nil {
		c.LanguageCode = lang
	}
	for _, p := range card.All("CATEGORIES") {
		for _, name := range p.List() {
			if name = oneLine(name); name != "" && len(name) <= 63 && len(c.Labels) < 64 {
				c.Labels[name] = "true"
			}
		}
	}
}

// identifyCard gives the contact its id in the address book that the card comes from;
// a card that Lingkar wrote names a contact by it.
func identifyCard(card *vcard.Card, c *contactv1.Contact, system string) {
	uid := oneLine(card.Text("UID"))
	switch {
	case uid == "" || len(uid) > 255:
		identifyBySaying(c, system)
	case card.Text("PRODID") == vcard.Product:
		c.ExternalIds[store.Ourselves] = strings.TrimPrefix(uid, "urn:uuid:")
	default:
		c.ExternalIds[system] = uid
	}
}

// oneLine makes one line of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
