package contact

import (
	"fmt"
	"slices"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// IdentifierKind says what an identifier is.
type IdentifierKind int16

// The kinds of identifiers, numbered as in the contract. ExternalID is not among
// those a contact lists: it stands for an entry of its ExternalIDs.
const (
	Email      IdentifierKind = 1
	Phone      IdentifierKind = 2
	Card       IdentifierKind = 3
	Device     IdentifierKind = 4
	Web        IdentifierKind = 5
	ExternalID IdentifierKind = 100
)

// Unique reports whether only one living contact of a tenant may hold a value of
// this kind. The others are evidence, and may repeat.
func (k IdentifierKind) Unique() bool {
	return k == Card || k == Device || k == ExternalID
}

// Identifier points at one contact, or is evidence for it.
type Identifier struct {
	Kind IdentifierKind `json:"kind"`
	// Value is what is shown, Key what is compared.
	Value     string   `json:"value"`
	Key       string   `json:"key"`
	Label     string   `json:"label,omitempty"`
	Extension string   `json:"extension,omitempty"`
	Primary   bool     `json:"primary,omitempty"`
	Flags     []string `json:"flags,omitempty"`
}

// Handle is what a contact can be found by.
type Handle struct {
	Kind IdentifierKind `json:"kind"`
	Key  string         `json:"key"`
}

// ExternalKey is the key of an id in another system. The name of a system holds
// no colon, so that no two pairs share a key.
func ExternalKey(system, id string) string { return system + ":" + id }

// Handles lists what the contact can be found by: each identifier and each external
// id, its own and what it absorbed. A deleted contact has none, which frees them for
// others.
func (c *Contact) Handles() []Handle {
	if c.Deleted() {
		return nil
	}
	handles := make([]Handle, 0, len(c.Identifiers)+len(c.ExternalIDs))
	for _, i := range c.Identifiers {
		if h := (Handle{i.Kind, i.Key}); !slices.Contains(handles, h) {
			handles = append(handles, h)
		}
	}
	for system, id := range c.ExternalIDs {
		handles = append(handles, Handle{ExternalID, ExternalKey(system, id)})
	}
	for _, h := range c.Absorbed {
		if !slices.Contains(handles, h) {
			handles = append(handles, h)
		}
	}
	return handles
}

// checkIdentifiers refuses one that is listed twice, and two primary ones of a
// kind.
func (c *Contact) checkIdentifiers() []errs.Violation {
	var violations []errs.Violation
	type line struct {
		Handle
		extension string
	}
	seen := make(map[line]bool, len(c.Identifiers))
	primary := make(map[IdentifierKind]bool)
	for n, i := range c.Identifiers {
		l := line{Handle{i.Kind, i.Key}, i.Extension}
		if seen[l] {
			violations = append(violations, errs.Violation{
				Field: fmt.Sprintf("identifiers[%d].value", n), Reason: "IDENTIFIER_REPEATED", Description: "stands in this list already",
			})
		}
		if i.Primary && primary[i.Kind] {
			violations = append(violations, errs.Violation{
				Field: fmt.Sprintf("identifiers[%d].primary", n), Description: "is set for another one of this kind already",
			})
		}
		seen[l] = true
		primary[i.Kind] = primary[i.Kind] || i.Primary
	}
	return violations
}
