package touch

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// Kind is what kind of answer a response is. The numbers are those of the
// contract.
type Kind int32

// The kinds of responses.
const (
	Interested Kind = iota + 1
	NotInterested
	Question
	Purchased
	Registered
	Other
)

// String answers the kind as a person reads it.
func (k Kind) String() string {
	switch k {
	case Interested:
		return "interested"
	case NotInterested:
		return "not interested"
	case Question:
		return "question"
	case Purchased:
		return "purchased"
	case Registered:
		return "registered"
	default:
		return "other"
	}
}

// clockSkew is how far the clock of a caller may run ahead of ours.
const clockSkew = time.Minute

// Response is what a contact answered to a touch. It never changes.
type Response struct {
	ID       uuid.UUID `db:"id"`
	Touch    uuid.UUID `db:"touch"`
	Campaign uuid.UUID `db:"campaign"`
	Contact  uuid.UUID `db:"contact"`
	Kind     Kind      `db:"kind"`
	// Channel is a number of lingkar.event.v1.Channel; 0 stands for the touch's.
	Channel int32  `db:"channel"`
	Body    string `db:"body"`
	// ValueCurrency is empty where nobody said what the response is worth.
	ValueCurrency string        `db:"value_currency"`
	ValueAmount   money.Decimal `db:"value_amount"`
	// RespondTime is when it was given; zero stands for now.
	RespondTime time.Time `db:"respond_time"`
	// CreateTime is when it was recorded.
	CreateTime time.Time `db:"create_time"`
}

// Value answers what the response is worth; zero where that was not said.
func (r *Response) Value() money.Money { return money.Of(r.ValueCurrency, r.ValueAmount) }

// SetValue sets what the response is worth.
func (r *Response) SetValue(m money.Money) {
	r.ValueCurrency, r.ValueAmount = m.Currency, m.Decimal()
}

// Received says that a contact answered.
type Received struct{ Response Response }

// EventName implements entity.Event.
func (Received) EventName() string { return "ResponseReceived" }

// Respond records what the contact answered.
func (t *Touch) Respond(r Response, now time.Time) ([]entity.Event, error) {
	if t.SendTime == nil {
		return nil, errNotSent
	}
	if r.RespondTime.After(now.Add(clockSkew)) {
		return nil, errs.Invalid("response.respond_time", "TIME_IN_FUTURE", "must not be in the future")
	}
	if r.RespondTime.IsZero() || r.RespondTime.After(now) {
		r.RespondTime = now
	}
	if r.RespondTime.Before(*t.SendTime) {
		return nil, errs.Invalid("response.respond_time", "TIME_BEFORE_TOUCH", "must not be before the touch was sent")
	}
	if r.Channel == 0 {
		r.Channel = t.Channel
	}
	r.ID, r.Touch, r.Campaign, r.Contact, r.CreateTime = entity.NewID(), t.ID, t.Campaign, t.Contact, now
	if t.AnswerTime == nil || r.RespondTime.Before(*t.AnswerTime) {
		t.AnswerTime = &r.RespondTime
	}
	t.Status = Answered
	t.ResponseCount++
	t.heard = append(t.heard, r)
	return []entity.Event{Received{Response: r}}, nil
}
