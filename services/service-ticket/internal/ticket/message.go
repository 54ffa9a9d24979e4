package ticket

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Author is the side of a conversation that speaks.
type Author int32

// The authors.
const (
	Customer Author = iota + 1
	Staff
)

// clockSkew is how far the clock of a caller may run ahead of ours.
const clockSkew = time.Minute

// Message is one thing said in a ticket's conversation. It never changes.
type Message struct {
	ID         uuid.UUID `db:"id"`
	Ticket     uuid.UUID `db:"ticket"`
	AuthorKind Author    `db:"author_kind"`
	// Author is the resource name of who said it.
	Author  string  `db:"author"`
	Channel Channel `db:"channel"`
	// Direction follows from the author and from whether it is internal.
	Direction Direction `db:"direction"`
	Internal  bool      `db:"internal"`
	Body      string    `db:"body"`
	// SayTime is when it was said; zero stands for now.
	SayTime time.Time `db:"say_time"`
	// CreateTime is when it was recorded.
	CreateTime time.Time `db:"create_time"`
}

func (m *Message) direction() Direction {
	switch {
	case m.Internal:
		return Internal
	case m.AuthorKind == Customer:
		return Inbound
	default:
		return Outbound
	}
}

// Replied says that something was said in the conversation.
type Replied struct{ Message Message }

// EventName implements entity.Event.
func (Replied) EventName() string { return "TicketReplied" }

// Reply adds a message to the conversation. With wait, the ticket waits for the
// customer from now on. A message of the customer opens a pending ticket and
// reopens a resolved one.
func (t *Ticket) Reply(m Message, wait bool, now time.Time) ([]entity.Event, error) {
	if t.Status == Closed {
		return nil, errClosed
	}
	if wait && m.direction() != Outbound {
		return nil, errs.Invalid("wait_for_customer", "WAIT_WITHOUT_QUESTION",
			"only a message of staff to the customer can wait for an answer")
	}
	if wait && t.Status == Resolved {
		return nil, errResolved
	}
	if err := t.say(&m, now); err != nil {
		return nil, err
	}
	events := []entity.Event{Replied{Message: m}}
	switch {
	case m.Direction == Outbound:
		t.answered(m)
		if wait && t.Status != Pending {
			t.enter(Pending, now)
		}
	case m.Direction == Inbound && t.Status == Pending:
		t.enter(Open, now)
	case m.Direction == Inbound && t.Status == Resolved:
		t.reopen(now)
		events = append(events, Reopened{})
	}
	return events, nil
}

// say checks and completes a message and keeps it for the store.
func (t *Ticket) say(m *Message, now time.Time) error {
	if m.Internal && m.AuthorKind == Customer {
		return errs.Invalid("message.internal", "NOTE_BY_CUSTOMER", "a customer does not write internal notes")
	}
	if m.SayTime.After(now.Add(clockSkew)) {
		return errs.Invalid("message.say_time", "TIME_IN_FUTURE", "must not be in the future")
	}
	if m.SayTime.IsZero() || m.SayTime.After(now) {
		m.SayTime = now
	}
	if m.Channel == 0 {
		m.Channel = t.Channel
	}
	if m.AuthorKind == Customer {
		m.Author = "contacts/" + t.Contact.String()
	}
	m.ID, m.Ticket, m.Direction, m.CreateTime = entity.NewID(), t.ID, m.direction(), now
	t.said = append(t.said, *m)
	return nil
}

// answered notes the first response of staff. One that was said before the
// ticket was opened, and recorded later, counts from the opening.
func (t *Ticket) answered(m Message) {
	if t.FirstResponseTime != nil {
		return
	}
	at := m.SayTime
	if at.Before(t.OpenTime) {
		at = t.OpenTime
	}
	t.FirstResponseTime = &at
}
