package ticket

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// What a status does not allow.
var (
	errClosed      = errs.Refused("TICKET_CLOSED", "the ticket is closed: reopen it, or open another")
	errResolved    = errs.Refused("TICKET_RESOLVED", "the ticket is resolved already")
	errNotResolved = errs.Refused("TICKET_NOT_RESOLVED", "the ticket is not resolved")
	errRated       = errs.Refused("TICKET_ALREADY_RATED", "the customer has rated this resolution already")
)

// Opened says that a matter was taken up.
type Opened struct {
	// Message is the first of the conversation, or nil.
	Message *Message
}

// EventName implements entity.Event.
func (Opened) EventName() string { return "TicketOpened" }

// Start opens a new ticket under its number, with a first message or without.
func (t *Ticket) Start(number string, first *Message, now time.Time) ([]entity.Event, error) {
	if t.ID == uuid.Nil {
		t.ID = entity.NewID()
	}
	if t.Severity == 0 {
		t.Severity = Normal
	}
	if t.Conversation == "" {
		t.Conversation = "tickets/" + t.ID.String()
	}
	t.Number, t.Status = number, Open
	t.OpenTime, t.StatusTime = now, now
	if first == nil {
		return []entity.Event{Opened{}}, nil
	}
	m := *first
	if err := t.say(&m, now); err != nil {
		return nil, err
	}
	return []entity.Event{Opened{Message: &m}}, nil
}

// Assigned says that the ticket was given to somebody.
type Assigned struct {
	// Previous is where it waited before.
	Previous Place
}

// EventName implements entity.Event.
func (Assigned) EventName() string { return "TicketAssigned" }

// Assign gives the ticket to somebody. Where it waits there already, nothing
// happens.
func (t *Ticket) Assign(to Place) ([]entity.Event, error) {
	if t.Status == Closed {
		return nil, errClosed
	}
	from := t.Place()
	if from.Owner == to.Owner && from.Team == to.Team && sameQueue(from.Queue, to.Queue) {
		return nil, nil
	}
	t.Owner, t.Team, t.Queue = to.Owner, to.Team, to.Queue
	return []entity.Event{Assigned{Previous: from}}, nil
}

func sameQueue(a, b *uuid.UUID) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// Settled says that staff considers the matter settled.
type Settled struct{}

// EventName implements entity.Event.
func (Settled) EventName() string { return "TicketResolved" }

// Resolve says how the matter was settled, as a code of the tenant and in words.
func (t *Ticket) Resolve(code, words string, now time.Time) ([]entity.Event, error) {
	switch t.Status {
	case Closed:
		return nil, errClosed
	case Resolved:
		return nil, errResolved
	}
	t.enter(Resolved, now)
	t.ResolutionCode, t.Resolution, t.ResolveTime = code, words, &now
	return []entity.Event{Settled{}}, nil
}

// Reopened says that a settled matter was taken up again.
type Reopened struct {
	// Reason is why; empty where a message of the customer did it.
	Reason string
}

// EventName implements entity.Event.
func (Reopened) EventName() string { return "TicketReopened" }

// Reopen takes a resolved or closed ticket up again.
func (t *Ticket) Reopen(reason string, now time.Time) ([]entity.Event, error) {
	if t.Status != Resolved && t.Status != Closed {
		return nil, errNotResolved
	}
	t.reopen(now)
	return []entity.Event{Reopened{Reason: reason}}, nil
}

// reopen takes back what belongs to a resolution: the next one is confirmed and
// rated anew.
func (t *Ticket) reopen(now time.Time) {
	t.enter(Open, now)
	t.ReopenCount++
	t.ResolutionCode, t.Resolution = "", ""
	t.ResolveTime, t.CloseTime = nil, nil
	t.Satisfaction, t.SatisfactionComment, t.CustomerConfirmed = 0, "", false
}

// Finished says that the matter was settled for good.
type Finished struct{}

// EventName implements entity.Event.
func (Finished) EventName() string { return "TicketClosed" }

// Close ends a resolved ticket, with the customer's agreement or without.
func (t *Ticket) Close(confirmed bool, now time.Time) ([]entity.Event, error) {
	switch t.Status {
	case Closed:
		return nil, errClosed
	case Open, Pending:
		return nil, errNotResolved
	}
	t.enter(Closed, now)
	t.CloseTime, t.CustomerConfirmed = &now, confirmed
	return []entity.Event{Finished{}}, nil
}

// Rated says that the customer told how satisfied it is.
type Rated struct {
	// Channel is where it told so.
	Channel Channel
}

// EventName implements entity.Event.
func (Rated) EventName() string { return "TicketRated" }

// Rate records the customer's satisfaction with the resolution, 1 to 5, once.
func (t *Ticket) Rate(satisfaction int32, comment string, on Channel) ([]entity.Event, error) {
	if t.Status != Resolved && t.Status != Closed {
		return nil, errNotResolved
	}
	if t.Satisfaction != 0 {
		return nil, errRated
	}
	if on == 0 {
		on = t.Channel
	}
	t.Satisfaction, t.SatisfactionComment = satisfaction, comment
	return []entity.Event{Rated{Channel: on}}, nil
}
