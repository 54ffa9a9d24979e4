package contact

import (
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

var errNotAnonymous = errs.Refused("CONTACT_NOT_ANONYMOUS", "it is known already who the contact is")

// shown is how many characters of a key the name of an anonymous contact shows.
const shown = 4

// unnamed are the kinds of identifiers by which somebody without a name can be kept.
var unnamed = []IdentifierKind{Device, Card, Phone}

// NameAnonymous answers what a person without a name is called in lists: after the end of
// a device, card or phone number, of which it shows no more. Empty where it has none.
func (c *Contact) NameAnonymous() string {
	if c.Kind != Person || c.GivenName+c.FamilyName != "" {
		return ""
	}
	at := slices.IndexFunc(c.Identifiers, func(i Identifier) bool { return slices.Contains(unnamed, i.Kind) })
	if at < 0 {
		return ""
	}
	key := []rune(c.Identifiers[at].Key)
	return "Anonymous " + string(key[max(0, len(key)-shown):])
}

// Anonymous reports whether nothing says who the contact is.
func (c *Contact) Anonymous() bool { return c.DisplayName != "" && c.DisplayName == c.NameAnonymous() }

// Claimed says that it became known who an anonymous contact is.
type Claimed struct{}

// EventName implements entity.Event.
func (Claimed) EventName() string { return "Claimed" }

// RefuseKnown answers an error where it is known who the contact is.
func (c *Contact) RefuseKnown() error {
	if c.Anonymous() {
		return nil
	}
	return errNotAnonymous
}
