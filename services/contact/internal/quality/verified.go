package quality

import (
	"slices"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Verified says that somebody made sure that a field of a contact is right.
type Verified struct {
	Field string
	// Method is how, numbered as in the contract.
	Method int32
	// At is when; Actor who noted it.
	At    time.Time
	Actor string
}

// EventName implements entity.Event.
func (Verified) EventName() string { return "FieldVerified" }

// Verify notes that a field of a contact is right.
func Verify(c *contact.Contact, v Verified, now time.Time) ([]entity.Event, error) {
	switch {
	case !slices.Contains(Fields, v.Field):
		return nil, errs.Invalid("field", "FIELD_UNKNOWN", "is none of "+strings.Join(Fields, ", "))
	case v.At.After(now):
		return nil, errs.Invalid("verify_time", "", "must not be in the future")
	case !Present(c).Has(SetOf(v.Field)):
		return nil, errs.Refused("FIELD_EMPTY", "the field is empty: there is nothing to verify")
	}
	return []entity.Event{v}, nil
}
