package imports

import (
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// errNobody says that a row belongs to no contact that is known or named.
var errNobody = errs.Invalid("contact", "CONTACT_MISSING", "the row names no contact, or only the id of one that is not here: bring the contacts first")

// party is whose record a row is, as far as the row says.
type party struct {
	// references are ids, in the other system, of contacts that must be here.
	references []string
	// number is the customer's own number there. It names the customer.
	number string
	// email is the address as contact compares it; unread is one that is none.
	email, unread string
	phone         string
	display       string
	given, family string
	account       string
	country       string
}

func partyOf(row bulk.Row) party {
	p := party{
		number:  row.First(fieldCustomerID),
		phone:   row.First(fieldPhone),
		display: row.First(fieldContactName),
		given:   row.First(fieldGivenName),
		family:  row.First(fieldFamilyName),
		account: row.First(fieldAccountName),
	}
	for _, field := range []string{fieldContactID, fieldAccountID} {
		p.references = append(p.references, list(row.First(field))...)
	}
	if v := strings.TrimSpace(row.First(fieldEmail)); v != "" {
		if address, err := text.ParseEmail(v); err == nil {
			p.email = address.Key
		} else {
			p.unread = v
		}
	}
	if code, ok := text.Country(row.First(fieldCountry)); ok {
		p.country = code
	}
	return p
}

// key is equal for rows of the same party.
func (p party) key() string {
	switch {
	case len(p.references) > 0:
		return "reference\x00" + strings.Join(p.references, "\x00") + "\x00" + text.SearchKey(p.name())
	case p.number != "":
		return "number\x00" + p.number
	case p.email != "":
		return "email\x00" + p.email
	}
	return "name\x00" + text.SearchKey(p.name())
}

// person tells a person from an account.
func (p party) person() bool { return p.display != "" || p.given != "" || p.family != "" }

// name is how it is called; empty where the row does not say.
func (p party) name() string {
	if p.person() {
		return firstOf(p.display, text.DisplayName(p.given, p.family))
	}
	return p.account
}

// named tells whether a contact can be made of it: ids of another system's contacts
// alone are nobody.
func (p party) named() bool { return p.name() != "" || p.email != "" || p.number != "" }

// byName tells whether it is known by its name: an account, or a person of whom the
// row says nothing better.
func (p party) byName() bool {
	return p.name() != "" && (!p.person() || p.email == "" && p.number == "" && len(p.references) == 0)
}

func (p party) kind() contactv1.ContactKind {
	if !p.person() && p.account != "" {
		return contactv1.ContactKind_CONTACT_KIND_ORGANISATION
	}
	return contactv1.ContactKind_CONTACT_KIND_PERSON
}

// contact is what is created where nobody is the party yet. A phone number that
// cannot be read is kept as text, better than losing the contact.
func (p party) contact(system string) *contactv1.Contact {
	c := &contactv1.Contact{
		Kind: p.kind(), DisplayName: firstOf(p.name(), p.email), Source: anySystem, RegionCode: p.country,
		GivenName: p.given, FamilyName: p.family,
	}
	if p.person() {
		c.OrganisationName = p.account
	}
	if c.DisplayName == "" {
		c.DisplayName = "Customer " + p.number
	}
	if id := firstOf(append([]string{p.number}, p.references...)...); id != "" {
		c.ExternalIds = map[string]string{system: id}
	}
	unread := map[string]*structpb.Value{}
	if p.unread != "" {
		unread["unread_email"] = structpb.NewStringValue(p.unread)
	}
	if p.email != "" {
		c.Identifiers = append(c.Identifiers, &contactv1.Identifier{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: p.email, Primary: true})
	}
	if p.phone != "" {
		if phone, err := text.ParsePhone(p.phone, p.country); err == nil {
			c.Identifiers = append(c.Identifiers, &contactv1.Identifier{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: phone.E164, Extension: phone.Extension})
		} else {
			unread["unread_phone"] = structpb.NewStringValue(p.phone)
		}
	}
	if len(unread) > 0 {
		c.CustomFields = &structpb.Struct{Fields: unread}
	}
	return c
}
