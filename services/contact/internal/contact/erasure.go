package contact

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// ErasureReason is why a contact is erased, numbered as in the contract.
type ErasureReason int32

// Erased says that nothing personal is left of the contact.
type Erased struct{ Reason ErasureReason }

// EventName implements entity.Event.
func (Erased) EventName() string { return "Erased" }

// Erase takes from the contact all that tells who it was. Its number, its kind, its
// owner and its dates stay, so that whatever counts it goes on counting it; its number
// stands where its name did. A contact that was not deleted before is deleted at the
// instant of its erasure.
func (c *Contact) Erase(reason ErasureReason, now time.Time) []entity.Event {
	if c.EraseTime != nil {
		return nil
	}
	meta := c.Meta
	meta.ExternalIDs, meta.Labels, meta.CustomFields = map[string]string{}, map[string]string{}, map[string]any{}
	if meta.DeleteTime == nil {
		meta.DeleteTime = &now
	}
	*c = Contact{
		Meta: meta, CustomerID: c.CustomerID, KeyID: c.KeyID, Kind: c.Kind, DisplayName: c.CustomerID,
		Identifiers: []Identifier{}, Addresses: []Address{}, Roles: []Role{}, RolesHeld: map[string]string{},
		LanguageCode: c.LanguageCode, RegionCode: c.RegionCode, NoThirdPartySharing: c.NoThirdPartySharing,
		RestrictTime: c.RestrictTime, EraseTime: &now, MergedInto: c.MergedInto, Absorbed: []Handle{},
	}
	return []entity.Event{Erased{Reason: reason}}
}
