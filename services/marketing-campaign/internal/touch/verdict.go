package touch

import (
	"time"

	"github.com/google/uuid"
)

// Standing is what the consent ledger says about marketing to a contact.
type Standing int

// The standings.
const (
	// Silent: the contact never said anything, or what it said ran out.
	Silent Standing = iota
	// Granted: it agreed.
	Granted
	// Refused: it withdrew its agreement, or refused.
	Refused
	// Gone: it is deleted, or not known any more.
	Gone
	// Restricted: its data is kept, and not used.
	Restricted
)

// Reason is why a touch is withheld. The numbers are those of the contract.
type Reason int32

// The reasons; 0 is none.
const (
	ConsentRevoked Reason = iota + 1
	ConsentMissing
	OtherChannelPreferred
	ContactDeleted
	ProcessingRestricted
)

// Verdict is whether a contact may be touched, and by which entry of the ledger.
type Verdict struct {
	// Reason is why not; 0 where it may be touched.
	Reason Reason
	// Consent is the entry of the ledger that was looked at, if there was one.
	Consent *uuid.UUID
	// Later is until when the touch waits, where it may be sent but not at this hour.
	Later *time.Time
}

// Case is what decides whether a contact may be touched.
type Case struct {
	Standing Standing
	// Proof is the entry of the ledger behind the standing, if there is one.
	Proof *uuid.UUID
	// RequiresConsent is what the campaign asks for.
	RequiresConsent bool
	// Channel is that of the campaign, Preferred that of the contact; 0 where it
	// prefers none.
	Channel, Preferred int32
	// HoursBegin is when the contact may be reached again on the channel; nil where
	// it may be now.
	HoursBegin *time.Time
}

// Decide answers whether a contact may be touched. What the contact refused
// counts before what it prefers.
func Decide(c Case) Verdict {
	v := Verdict{Consent: c.Proof}
	switch {
	case c.Standing == Gone:
		v.Reason = ContactDeleted
	case c.Standing == Restricted:
		v.Reason = ProcessingRestricted
	case c.Standing == Refused:
		v.Reason = ConsentRevoked
	case c.RequiresConsent && c.Standing != Granted:
		v.Reason = ConsentMissing
	case c.Preferred != 0 && c.Preferred != c.Channel:
		v.Reason = OtherChannelPreferred
	default:
		v.Later = c.HoursBegin
	}
	return v
}
