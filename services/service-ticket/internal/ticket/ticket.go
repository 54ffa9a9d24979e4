// Package ticket holds the rules of a customer's matter, from the first word to
// the confirmed closure.
//
// A rule checks whether it may, changes the ticket and says what happened; an
// error means that nothing changed. Times are given by the caller. The numbers of
// the enumerations are those of the contract (lingkar.ticket.v1), so that rows,
// filters and messages agree.
//
// Limits: the rules know one ticket. Whether its contact and queue exist is
// asked before.
package ticket

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Kind is what kind of matter a ticket is.
type Kind int32

// The kinds.
const (
	Request Kind = iota + 1
	Complaint
	Incident
	FieldWork
)

// String answers the kind as a person reads it.
func (k Kind) String() string {
	switch k {
	case Request:
		return "Request"
	case Complaint:
		return "Complaint"
	case Incident:
		return "Incident"
	case FieldWork:
		return "Field work"
	default:
		return "Ticket"
	}
}

// Severity is how much harm the matter does.
type Severity int32

// Normal is the severity of a ticket that was given none.
const Normal Severity = 2

// Status is where a ticket stands.
type Status int32

// The statuses.
const (
	Open Status = iota + 1
	Pending
	Resolved
	Closed
)

// Channel is a number of lingkar.event.v1.Channel; 0 where none is given.
type Channel int32

// Direction is a number of lingkar.event.v1.Direction.
type Direction int32

// The directions.
const (
	Inbound Direction = iota + 1
	Outbound
	Internal
)

// Ticket is one matter of one customer. Its Owner is the person it is assigned
// to.
type Ticket struct {
	entity.Meta
	Number       string     `db:"number"`
	Contact      uuid.UUID  `db:"contact"`
	Kind         Kind       `db:"kind"`
	Severity     Severity   `db:"severity"`
	Channel      Channel    `db:"channel"`
	Subject      string     `db:"subject"`
	CauseCode    string     `db:"cause_code"`
	Queue        *uuid.UUID `db:"queue"`
	Status       Status     `db:"status"`
	Conversation string     `db:"conversation"`
	Order        *uuid.UUID `db:"order_id"`
	Asset        *uuid.UUID `db:"asset_id"`

	ResolutionCode string `db:"resolution_code"`
	Resolution     string `db:"resolution"`
	// Satisfaction is 1 to 5, or 0 while the customer was not asked or did not
	// answer.
	Satisfaction        int32  `db:"satisfaction"`
	SatisfactionComment string `db:"satisfaction_comment"`
	CustomerConfirmed   bool   `db:"customer_confirmed"`

	OpenTime          time.Time  `db:"open_time"`
	FirstResponseTime *time.Time `db:"first_response_time"`
	ResolveTime       *time.Time `db:"resolve_time"`
	CloseTime         *time.Time `db:"close_time"`
	ReopenCount       int32      `db:"reopen_count"`
	// StatusTime is since when the ticket has its status; the four that follow are
	// the time it spent in each status before.
	StatusTime  time.Time     `db:"status_time"`
	OpenFor     time.Duration `db:"open_for"`
	PendingFor  time.Duration `db:"pending_for"`
	ResolvedFor time.Duration `db:"resolved_for"`
	ClosedFor   time.Duration `db:"closed_for"`

	said []Message
}

// FormatNumber answers the number people use for the n-th ticket of a tenant.
func FormatNumber(n int64) string { return fmt.Sprintf("T-%06d", n) }

// Said answers the messages that were said since the ticket was read: they are
// yet to be stored.
func (t *Ticket) Said() []Message { return t.said }

// Place is where a ticket waits: with a person, a team, in a queue, or nowhere.
type Place struct {
	Owner, Team string
	Queue       *uuid.UUID
}

// Place answers where the ticket waits.
func (t *Ticket) Place() Place {
	return Place{Owner: t.Owner, Team: t.Team, Queue: t.Queue}
}

// Actions answers what may be done next, as the names of RPCs.
func (t *Ticket) Actions() []string {
	if t.Deleted() {
		return []string{"UndeleteTicket"}
	}
	actions := []string{"UpdateTicket", "DeleteTicket"}
	if t.Status != Closed {
		actions = append(actions, "ReplyToTicket", "AssignTicket")
	}
	switch t.Status {
	case Open, Pending:
		return append(actions, "ResolveTicket")
	case Resolved:
		actions = append(actions, "ReopenTicket", "CloseTicket")
	case Closed:
		actions = append(actions, "ReopenTicket")
	}
	if t.Satisfaction == 0 {
		actions = append(actions, "RateTicket")
	}
	return actions
}

// enter puts the ticket into a status and books the time it spent in the one
// before.
func (t *Ticket) enter(s Status, now time.Time) {
	spent := max(now.Sub(t.StatusTime), 0)
	switch t.Status {
	case Open:
		t.OpenFor += spent
	case Pending:
		t.PendingFor += spent
	case Resolved:
		t.ResolvedFor += spent
	case Closed:
		t.ClosedFor += spent
	}
	t.Status, t.StatusTime = s, now
}
