package consent

import (
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Reason says why something is allowed or not, numbered as in the contract.
type Reason int32

// The reasons.
const (
	ByGrant              Reason = 1
	ByContract           Reason = 2
	NeverGranted         Reason = 3
	ByRevocation         Reason = 4
	Expired              Reason = 5
	NoThirdPartySharing  Reason = 6
	ContactDeleted       Reason = 7
	ByLegalObligation    Reason = 8
	ByLegitimateInterest Reason = 9
	ByObjection          Reason = 10
	ByRestriction        Reason = 11
	ContactErased        Reason = 12
	QuietHours           Reason = 13
)

// Subject is what the rule must know of the contact itself.
type Subject struct {
	Deleted, Erased, Restricted, NoThirdPartySharing bool
	// Preference is how it wishes to be reached; nil where it said nothing.
	Preference *contact.Preference
}

// Question is whether a purpose is allowed on a channel at an instant.
type Question struct {
	// Entries are those of the ledger that may speak of it, in any order.
	Entries []*Entry
	Subject Subject
	Purpose Purpose
	// Channel is numbered as in the contract; 0 asks for a purpose without any.
	Channel int32
	At      time.Time
}

// Decision is whether something is allowed.
type Decision struct {
	Allowed bool
	Reason  Reason
	// Proof is the entry that decided; nil where none did.
	Proof *Entry
	// HoursBegin is when the hours begin in which the contact may be reached, where it
	// is not the hour; nil elsewhere.
	HoursBegin *time.Time
}

// Decide answers a question. What the contact is counts before what it said, and
// what it said before what it prefers. Of the entries that speak of the purpose, the
// latest counts: for every channel (0) or for this one. At the same instant an
// objection outweighs a revocation, and a revocation a grant.
func Decide(q Question) Decision {
	switch {
	case q.Subject.Erased:
		return Decision{Reason: ContactErased}
	case q.Subject.Deleted:
		return Decision{Reason: ContactDeleted}
	case q.Subject.Restricted:
		return Decision{Reason: ByRestriction}
	case q.Subject.NoThirdPartySharing && q.Purpose.Code == ThirdPartySharing:
		return Decision{Reason: NoThirdPartySharing}
	}
	d := q.byLedger()
	if !q.Purpose.courts() || !ringsAtOnce[q.Channel] {
		return d
	}
	begin := q.Subject.Preference.Opens(q.At)
	if !begin.After(q.At) {
		return d
	}
	d.HoursBegin = &begin
	if d.Allowed {
		d.Allowed, d.Reason = false, QuietHours
	}
	return d
}

// byLedger answers what the ledger and the purpose's right say.
func (q *Question) byLedger() Decision {
	if q.Purpose.Basis == LegalObligation {
		return Decision{Allowed: true, Reason: ByLegalObligation}
	}
	latest := q.latest()
	if latest != nil && latest.State == Granted && q.expired(latest) {
		if q.Purpose.Basis == Agreement {
			return Decision{Reason: Expired, Proof: latest}
		}
		latest = nil
	}
	if latest != nil {
		return Decision{Allowed: latest.State == Granted, Reason: reasons[latest.State], Proof: latest}
	}
	switch q.Purpose.Basis {
	case Contract:
		return Decision{Allowed: true, Reason: ByContract}
	case LegitimateInterest:
		return Decision{Allowed: true, Reason: ByLegitimateInterest}
	}
	return Decision{Reason: NeverGranted}
}

var reasons = map[State]Reason{Granted: ByGrant, Revoked: ByRevocation, Objected: ByObjection}

// ringsAtOnce are the channels, numbered as in the contract, that reach a person at
// the moment of use: in person, by phone, chat, mobile and field work. Mail waits.
var ringsAtOnce = map[int32]bool{1: true, 2: true, 5: true, 6: true, 10: true}

func (q *Question) expired(grant *Entry) bool {
	end := q.Purpose.ends(grant)
	return end != nil && !q.At.Before(*end)
}

func (q *Question) latest() *Entry {
	var latest *Entry
	for _, e := range q.Entries {
		if e.Purpose != q.Purpose.Code || e.Channel != 0 && e.Channel != q.Channel || e.OccurredAt.After(q.At.Add(clockSkew)) {
			continue
		}
		if latest == nil || later(e, latest) {
			latest = e
		}
	}
	return latest
}

// later orders entries by when they happened, then by what they say, then by when
// they were recorded: ids are UUIDv7.
func later(a, b *Entry) bool {
	if !a.OccurredAt.Equal(b.OccurredAt) {
		return a.OccurredAt.After(b.OccurredAt)
	}
	if a.State != b.State {
		return a.State > b.State
	}
	return a.ID.String() > b.ID.String()
}
