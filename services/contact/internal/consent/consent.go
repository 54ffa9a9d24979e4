// Package consent is the ledger of what a contact allows: entries that are only
// ever added, and the one rule that reads them.
//
// It promises default deny: without an entry nothing is allowed, unless the purpose
// rests on another right than consent. It decides for one instant; who sends later
// asks again.
package consent

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// The purposes that mean something to the rules. All others are the tenant's own
// words.
const (
	// Transactional is what a contract cannot be fulfilled without. It is allowed
	// until it is revoked.
	Transactional = "transactional"
	// ThirdPartySharing is denied to everybody who forbade it on the contact,
	// whatever the ledger says.
	ThirdPartySharing = "third-party-sharing"
)

// State says what an entry says.
type State int32

// The states, numbered as in the contract.
const (
	Granted State = 1
	Revoked State = 2
	// Objected says no to a purpose whatever right it rests on but a law's demand.
	Objected State = 3
)

// clockSkew is how far ahead of ours a caller's clock may be.
const clockSkew = 5 * time.Minute

// Entry is one line of the ledger.
type Entry struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	Purpose string    `db:"purpose"`
	// Channel is numbered as in the contract; 0 stands for every channel.
	Channel int32 `db:"channel"`
	State   State `db:"state"`
	// TextVersion is what the contact was shown, Evidence how that can be proven.
	TextVersion string    `db:"text_version"`
	Evidence    string    `db:"evidence"`
	IPAddress   string    `db:"ip_address"`
	OccurredAt  time.Time `db:"occurred_at"`
	// ExpireTime is nil where a grant holds without end.
	ExpireTime *time.Time `db:"expire_time"`
	// Actor recorded it.
	Actor string `db:"actor"`
}

// Recorded says that the contact granted or revoked its consent or objected, by the
// entry's state.
type Recorded struct{}

// EventName implements entity.Event.
func (Recorded) EventName() string { return "Recorded" }

// Record completes and checks an entry that is about to be added.
func (e *Entry) Record(now time.Time) error {
	if e.OccurredAt.IsZero() {
		e.OccurredAt = now
	}
	var violations []errs.Violation
	if e.OccurredAt.After(now.Add(clockSkew)) {
		violations = append(violations, errs.Violation{Field: "consent.occurred_at", Description: "lies in the future"})
	}
	if e.ExpireTime != nil && e.State != Granted {
		violations = append(violations, errs.Violation{Field: "consent.expire_time", Description: "is for grants only: a no does not end"})
	}
	if e.ExpireTime != nil && e.ExpireTime.Before(e.OccurredAt) {
		violations = append(violations, errs.Violation{Field: "consent.expire_time", Description: "lies before occurred_at"})
	}
	return errs.Check(violations)
}
