package consent

import "time"

// Reason says why something is allowed or not, numbered as in the contract.
type Reason int32

// The reasons.
const (
	ByGrant             Reason = 1
	ByContract          Reason = 2
	NeverGranted        Reason = 3
	ByRevocation        Reason = 4
	Expired             Reason = 5
	NoThirdPartySharing Reason = 6
	ContactDeleted      Reason = 7
)

// Subject is what the rule must know of the contact itself.
type Subject struct{ Deleted, NoThirdPartySharing bool }

// Decision is whether something is allowed.
type Decision struct {
	Allowed bool
	Reason  Reason
	// Proof is the entry that decided; nil where none did.
	Proof *Entry
}

// Decide answers whether the purpose is allowed on the channel at that time. Of
// the entries that speak of both, the latest counts: for every channel (0) or for
// this one. At the same instant a revocation outweighs a grant.
func Decide(entries []*Entry, s Subject, purpose string, channel int32, at time.Time) Decision {
	if s.Deleted {
		return Decision{Reason: ContactDeleted}
	}
	if s.NoThirdPartySharing && purpose == ThirdPartySharing {
		return Decision{Reason: NoThirdPartySharing}
	}
	latest := latestEntry(entries, purpose, channel, at)
	expired := latest != nil && latest.State == Granted && latest.ExpireTime != nil && !at.Before(*latest.ExpireTime)
	switch {
	case purpose == Transactional && (latest == nil || expired):
		return Decision{Allowed: true, Reason: ByContract}
	case latest == nil:
		return Decision{Reason: NeverGranted}
	case latest.State == Revoked:
		return Decision{Reason: ByRevocation, Proof: latest}
	case expired:
		return Decision{Reason: Expired, Proof: latest}
	default:
		return Decision{Allowed: true, Reason: ByGrant, Proof: latest}
	}
}

func latestEntry(entries []*Entry, purpose string, channel int32, at time.Time) *Entry {
	var latest *Entry
	for _, e := range entries {
		if e.Purpose != purpose || e.Channel != 0 && e.Channel != channel || e.OccurredAt.After(at.Add(clockSkew)) {
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
		return a.State == Revoked
	}
	return a.ID.String() > b.ID.String()
}
