// Package touch holds the rules of one message to one contact: whether it may be
// sent, and what was answered.
//
// A touch is planned first, then either sent or withheld, and only once. To send
// means here to hand it over to its channel: nothing is said about its arrival.
package touch

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Status is where a touch stands. The numbers are those of the contract.
type Status int32

// The statuses.
const (
	Planned Status = iota + 1
	Sent
	Delivered
	Answered
	Suppressed
)

// Touch is one message of a campaign to one contact.
type Touch struct {
	entity.Meta
	Campaign uuid.UUID `db:"campaign"`
	Contact  uuid.UUID `db:"contact"`
	// Channel is a number of lingkar.event.v1.Channel.
	Channel        int32  `db:"channel"`
	Status         Status `db:"status"`
	SuppressReason Reason `db:"suppress_reason"`
	// Consent is the entry of the consent ledger that decided, if one did.
	Consent *uuid.UUID `db:"consent"`
	// Subject and Body are as they were sent.
	Subject       string     `db:"subject"`
	Body          string     `db:"body"`
	SendTime      *time.Time `db:"send_time"`
	AnswerTime    *time.Time `db:"answer_time"`
	ResponseCount int32      `db:"response_count"`

	heard []Response
}

// Name answers the touch's resource name, which is that of its conversation too.
func (t *Touch) Name() string { return "touches/" + t.ID.String() }

// Heard answers the responses that came since the touch was read: they are yet to
// be stored.
func (t *Touch) Heard() []Response { return t.heard }

// Foreseen says that a contact is to be touched.
type Foreseen struct{}

// EventName implements entity.Event.
func (Foreseen) EventName() string { return "TouchPlanned" }

// Plan foresees a touch.
func Plan(campaign, contact uuid.UUID, channel int32, owner, team string) (*Touch, entity.Event) {
	t := &Touch{Campaign: campaign, Contact: contact, Channel: channel, Status: Planned}
	t.ID, t.Owner, t.Team = entity.NewID(), owner, team
	return t, Foreseen{}
}

// Dispatched says that the message was handed over to its channel.
type Dispatched struct{}

// EventName implements entity.Event.
func (Dispatched) EventName() string { return "TouchSent" }

// Withheld says that the message is not sent.
type Withheld struct{}

// EventName implements entity.Event.
func (Withheld) EventName() string { return "TouchSuppressed" }

// Message is a text made for one contact.
type Message struct{ Subject, Body string }

// Send hands the message over where the verdict allows it, and withholds it
// otherwise. A touch that is no longer planned stays as it is, and so does one that
// has to wait.
func (t *Touch) Send(m Message, v Verdict, now time.Time) []entity.Event {
	if t.Status != Planned || v.Later != nil {
		return nil
	}
	t.Consent = v.Consent
	if v.Reason != 0 {
		t.Status, t.SuppressReason = Suppressed, v.Reason
		return []entity.Event{Withheld{}}
	}
	t.Status, t.SendTime = Sent, &now
	t.Subject, t.Body = m.Subject, m.Body
	return []entity.Event{Dispatched{}}
}

var errNotSent = errs.Refused("TOUCH_NOT_SENT", "the touch was not sent, so nothing can answer it")

// Actions answers what may be done next, as the names of RPCs.
func (t *Touch) Actions() []string {
	switch t.Status {
	case Planned:
		return []string{"SendTouch"}
	case Sent, Delivered, Answered:
		return []string{"RecordResponse"}
	default:
		return nil
	}
}
