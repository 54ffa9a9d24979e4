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
	Asking
	Purchased
	Registered
	Other
)

// clockSkew is how far the clock of a caller may run ahead of ours.
const clockSkew = time.Minute

// Response is what a contact answered to a touch. It never changes.
type Response struct {
	ID   uuid.UUID
	Kind Kind
	// Channel is a number of lingkar.event.v1.Channel; 0 stands for the touch's.
	Channel int32
	Body    string
	// Value is what it is worth; zero where that was not said.
	Value money.Money
	// RespondTime is when it was given; zero stands for now. CreateTime is when it
	// was recorded.
	RespondTime, CreateTime time.Time
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
	r.ID, r.CreateTime = entity.NewID(), now
	if t.AnswerTime == nil || r.RespondTime.Before(*t.AnswerTime) {
		t.AnswerTime = &r.RespondTime
	}
	t.Status = Answered
	t.ResponseCount++
	t.heard = append(t.heard, r)
	return []entity.Event{Received{Response: r}}, nil
}
