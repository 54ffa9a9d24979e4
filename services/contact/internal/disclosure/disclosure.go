// Package disclosure decides whether data of a contact may leave the suite: to whom,
// and which of it.
//
// It promises that a contact that forbids passing on its data is passed on to nobody
// but itself, the company that keeps the data, and those who work for it under a
// contract on file; that a processor gets what its contract names and nothing else;
// and that what is not known is withheld.
package disclosure

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
)

// Class is what a recipient is to the contact and to us, numbered as in the contract.
type Class int32

// The classes.
const (
	Self       Class = 1
	FirstParty Class = 2
	Processor  Class = 3
	ThirdParty Class = 4
)

// String answers the name that the audit log uses.
func (c Class) String() string {
	switch c {
	case Self:
		return "SUBJECT"
	case FirstParty:
		return "FIRST_PARTY"
	case Processor:
		return "PROCESSOR"
	default:
		return "THIRD_PARTY"
	}
}

// Recipient is somebody outside who gets data of contacts.
type Recipient struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	Class       Class  `db:"recipient_class"`
	// Contract is the one by which a processor works for us, until ContractEnd; nil is
	// without end.
	Contract    string     `db:"contract"`
	ContractEnd *time.Time `db:"contract_end_time"`
	// Fields are those that the contract needs, such as "contacts.display_name".
	Fields      []string `db:"fields,json"`
	Description string   `db:"description"`
}

// Check answers what is wrong with a recipient as a whole.
func (r *Recipient) Check() []errs.Violation {
	var violations []errs.Violation
	missing := func(field string) {
		violations = append(violations, errs.Violation{Field: field, Description: "must be given of a processor"})
	}
	if r.Class == Processor && r.Contract == "" {
		missing("contract")
	}
	if r.Class == Processor && len(r.Fields) == 0 {
		missing("fields")
	}
	return violations
}

// ClassAt is what the recipient counts as at a time: a processor whose contract has
// ended, or that was taken off the file, is a third party.
func (r *Recipient) ClassAt(at time.Time) Class {
	if r.Class == Processor && !r.Deleted() && (r.ContractEnd == nil || at.Before(*r.ContractEnd)) {
		return Processor
	}
	return ThirdParty
}

// Outside is whether the class is that of somebody other than the contact and us.
func (c Class) Outside() bool { return c != Self && c != FirstParty }

// Reason is why data is withheld, numbered as in the contract; 0 where it is not.
type Reason int32

// The reasons.
const (
	NoThirdPartySharing Reason = 1
	ConsentRevoked      Reason = 2
	Restricted          Reason = 3
	ContactUnknown      Reason = 4
)

// String answers the name that the audit log uses.
func (r Reason) String() string {
	switch r {
	case NoThirdPartySharing:
		return "NO_THIRD_PARTY_SHARING"
	case ConsentRevoked:
		return "CONSENT_REVOKED"
	case Restricted:
		return "RESTRICTED"
	default:
		return "CONTACT_UNKNOWN"
	}
}

// Subject is what the rule must know of the contact.
type Subject struct {
	// Deleted, Restricted and NoThirdPartySharing are the contact's own.
	Deleted, Restricted, NoThirdPartySharing bool
	// Sharing is what the ledger says of passing data to third parties.
	Sharing consent.Reason
	// Erased is whether the contact was erased, Received whether something of it went to
	// the recipient before.
	Erased, Received bool
}

// Decide answers why data of the contact is withheld from a recipient of the class;
// 0 where it may go. A nil subject is a contact that is not known.
func Decide(to Class, s *Subject) Reason {
	switch {
	case !to.Outside():
		return 0
	case s == nil || s.Deleted:
		return ContactUnknown
	case s.Restricted:
		return Restricted
	case to == Processor:
		return 0
	case s.NoThirdPartySharing:
		return NoThirdPartySharing
	case s.Sharing == consent.ByRevocation || s.Sharing == consent.ByObjection || s.Sharing == consent.Expired:
		return ConsentRevoked
	}
	return 0
}

// DecideErasure answers why a recipient of the class is not told that the contact was
// erased; 0 where it is. Outside those are told who got something of it: they have
// something to erase (GDPR, article 19), and learn nothing that they did not know. What
// the contact allowed does not matter any more.
func DecideErasure(to Class, s *Subject) Reason {
	if to.Outside() && (s == nil || !s.Erased || !s.Received) {
		return ContactUnknown
	}
	return 0
}
