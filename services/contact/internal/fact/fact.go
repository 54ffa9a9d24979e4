// Package fact is what sources tell of a contact: typed facts, each with its source, the
// number it has there and when it was observed.
//
// It promises that a fact is never changed once recorded, and that one that presupposes a
// role is told only of who has it or had it. There is no rule that changes a fact.
package fact

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// clockSkew is how far ahead of ours a source's clock may be.
const clockSkew = 5 * time.Minute

// Kind is what a fact is, numbered as in the contract.
type Kind int16

// The kinds of which rules speak.
const (
	lastCaptured     Kind = 9
	SupplierPurchase Kind = 10
	SupplierReceipt  Kind = 11
	SupplierPayment  Kind = 12
	MarketNote       Kind = 13
	InvestorFeedback Kind = 14
)

// Role answers the role that a fact of this kind presupposes; 0 where it is none.
func (k Kind) Role() contact.RoleKind {
	switch k {
	case SupplierPurchase, SupplierReceipt, SupplierPayment:
		return contact.Supplier
	case InvestorFeedback:
		return contact.Investor
	default:
		return 0
	}
}

// Meeting reports whether a fact of this kind comes about because a contact turned to
// the company: it is an entry of the contact's timeline with a channel.
func (k Kind) Meeting() bool { return k <= lastCaptured || k == InvestorFeedback }

// Fact is one.
type Fact struct {
	entity.Meta
	Contact uuid.UUID `db:"contact"`
	Kind    Kind      `db:"kind"`
	// SourceID is the number that the source (Meta.Source) gave it; empty where it gave
	// none.
	SourceID string `db:"source_id"`
	// Channel is numbered as in the contract.
	Channel    int32     `db:"channel"`
	ObservedAt time.Time `db:"observed_at"`
	// Title is one line made of the content.
	Title string `db:"title"`
	// Content is what was told: the message of the kind as JSON.
	Content json.RawMessage `db:"content,json"`
	// Attributes are what the fact says of the contact's record, and Told is true where
	// there are some.
	Attributes []Attribute `db:"attributes,json"`
	Told       bool        `db:"told"`
	// Note says what of a market note is counted.
	Note
	// Actor recorded it.
	Actor string `db:"actor"`
}

// Note is what of a market note is counted: the kind of note and the sentiment are
// numbered as in the contract, the keys are what topics and products are compared by.
type Note struct {
	Kind       int16  `db:"note_kind"`
	TopicKey   string `db:"topic_key"`
	ProductKey string `db:"product_key"`
	Sentiment  int16  `db:"sentiment"`
}

// Attribute is a field of a contact's record as a source told it.
type Attribute struct {
	Field   string  `json:"field"`
	Value   string  `json:"value"`
	Outcome Outcome `json:"outcome"`
}

// Outcome is what became of an attribute, numbered as in the contract.
type Outcome int16

// The outcomes: the record says it since then, it said so already, or it says something
// else.
const (
	Taken     Outcome = 1
	Confirmed Outcome = 2
	Lost      Outcome = 3
)

var errRoleNotHeld = errs.Refused("ROLE_NOT_HELD", "the contact does not have the role that such a fact presupposes, and never had it")

// Record completes a fact that is about to be recorded.
func (f *Fact) Record(now time.Time) error {
	if f.ObservedAt.IsZero() {
		f.ObservedAt = now
	}
	if f.ObservedAt.After(now.Add(clockSkew)) {
		return errs.Invalid("fact.observed_at", "", "lies in the future")
	}
	return nil
}

// Suits refuses a fact of a contact that never had the role it presupposes.
func (f *Fact) Suits(c *contact.Contact) error {
	if role := f.Kind.Role(); role != 0 && !c.Held(role) && c.EraseTime == nil {
		return errRoleNotHeld
	}
	return nil
}
