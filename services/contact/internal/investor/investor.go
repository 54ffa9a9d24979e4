// Package investor is what the company publishes for those who hold a share of it, and
// what these ask.
//
// It promises that a request is of a contact that is or was an investor, and is answered
// once.
package investor

import (
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Publication is something that the company publishes, in one language. Kind is numbered
// as in the contract.
type Publication struct {
	entity.Meta
	Kind     int16            `db:"kind"`
	Audience contact.RoleKind `db:"audience"`
	// Code is what all its languages have in common.
	Code         string `db:"code"`
	LanguageCode string `db:"language_code"`
	Title        string `db:"title"`
	Body         string `db:"body"`
	URI          string `db:"uri"`
	Author       string `db:"author"`
	// StartDate and EndDate bound the period it speaks of: "2025-12-31", or empty.
	StartDate string `db:"start_date"`
	EndDate   string `db:"end_date"`
	// PublishTime is from when it may be shown; nil for a draft.
	PublishTime *time.Time `db:"publish_time"`
}

// State is where a request for information stands, numbered as in the contract.
type State int16

// The states.
const (
	Open     State = 1
	Answered State = 2
)

// Request is what an investor wants to know.
type Request struct {
	entity.Meta
	Contact      uuid.UUID   `db:"contact"`
	Channel      int32       `db:"channel"`
	Subject      string      `db:"subject"`
	Question     string      `db:"question"`
	State        State       `db:"state"`
	Answer       string      `db:"answer"`
	Publications []uuid.UUID `db:"publications,json"`
	AnswerTime   *time.Time  `db:"answer_time"`
	Answerer     string      `db:"answerer"`
}

var (
	errAnswered   = errs.Refused("INFORMATION_REQUEST_ANSWERED", "the request has an answer already")
	errNoInvestor = errs.Refused("ROLE_NOT_HELD", "the contact is no investor and never was")
)

// RequestAnswered says that a request has an answer.
type RequestAnswered struct{}

// EventName implements entity.Event.
func (RequestAnswered) EventName() string { return "RequestAnswered" }

// Reply answers the request.
func (r *Request) Reply(answer string, publications []uuid.UUID, by string, now time.Time) ([]entity.Event, error) {
	if r.State == Answered {
		return nil, errAnswered
	}
	r.State, r.Answer, r.Publications, r.Answerer, r.AnswerTime = Answered, answer, publications, by, &now
	return []entity.Event{RequestAnswered{}}, nil
}

// AllowedActions names the calls that the request's state allows next.
func (r *Request) AllowedActions() []string {
	switch {
	case r.Deleted():
		return []string{"UndeleteInformationRequest"}
	case r.State == Answered:
		return []string{"UpdateInformationRequest", "DeleteInformationRequest"}
	}
	return []string{"AnswerInformationRequest", "UpdateInformationRequest", "DeleteInformationRequest"}
}

// RefuseOthers refuses a request of a contact that was never an investor.
func RefuseOthers(c *contact.Contact) error {
	if !c.Held(contact.Investor) && c.EraseTime == nil {
		return errNoInvestor
	}
	return nil
}
