package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// DeliveryState says where a delivery stands.
type DeliveryState int32

// The states, numbered as in the contract.
const (
	Pending   DeliveryState = 1
	Delivered DeliveryState = 2
	Failed    DeliveryState = 3
	Blocked   DeliveryState = 4
)

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID         uuid.UUID `db:"id"`
	CreateTime time.Time `db:"create_time"`
	UpdateTime time.Time `db:"update_time"`
	Endpoint   uuid.UUID `db:"endpoint"`
	// Event is the id of the event, EventType its type.
	Event     uuid.UUID     `db:"event"`
	EventType string        `db:"event_type"`
	State     DeliveryState `db:"state"`
	// BlockReason is why it is Blocked.
	BlockReason string `db:"block_reason"`
	// Tries is how often it was tried since it was last asked for.
	Tries int32 `db:"tries"`
	// NextTime is when the next attempt is due; while one is under way, when it is
	// taken for lost. Nil where no attempt is due.
	NextTime *time.Time `db:"next_attempt_time"`
	Attempts []Attempt  `db:"attempts,json"`
}

// Attempt is one try.
type Attempt struct {
	Time time.Time `json:"time"`
	// Duration is in nanoseconds.
	Duration time.Duration `json:"duration"`
	// Status is the HTTP status; 0 where none was answered.
	Status int `json:"status,omitempty"`
	// Answer is how the answer begins, up to AnswerKept bytes.
	Answer string `json:"answer,omitempty"`
	// Failure is why there was no complete answer.
	Failure string `json:"failure,omitempty"`
}

const (
	// AnswerKept is how much of an answer is kept, in bytes.
	AnswerKept = 1024
	// AttemptsKept is how many attempts are.
	AttemptsKept = 20
	// Lease is after what time an attempt is taken for lost, because the process that
	// made it ended: longer than any attempt lasts.
	Lease = time.Minute
	// Postponed is how long an event waits that could not be asked about, or not be read.
	Postponed = 30 * time.Second
	// Kept is how long deliveries and their events are kept.
	Kept = 30 * 24 * time.Hour
	// MaxReplay is how many deliveries one replay sends at most.
	MaxReplay = 10_000
)

// waits are the pauses after the first attempt, the second and so on: in all close to
// three days.
var waits = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour,
	3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// Span is how long a delivery is tried at the least.
func Span() (all time.Duration) {
	for _, w := range waits {
		all += w
	}
	return all
}

// Wait answers how long to wait after so many attempts that failed, or false where that
// was the last. Jitter, from 0 to 1, adds up to a tenth, so that those who failed
// together do not come back together.
func Wait(tries int32, jitter float64) (time.Duration, bool) {
	if tries < 1 || int(tries) > len(waits) {
		return 0, false
	}
	w := waits[tries-1]
	return w + time.Duration(jitter*float64(w)/10), true
}

// Asked answers for how long a receiver wants to be left alone, by the field Retry-After of
// its answer (RFC 9110, section 10.2.3): seconds, or a date. It is no longer than the
// longest pause between attempts, and 0 where the field is missing or says neither.
func Asked(retryAfter string, now time.Time) time.Duration {
	longest := waits[len(waits)-1]
	if seconds, err := strconv.ParseUint(retryAfter, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longest/time.Second))) * time.Second
	}
	date, err := http.ParseTime(retryAfter)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), longest)
}

// AllowedActions names the calls that the state allows next.
func (d *Delivery) AllowedActions() []string {
	if d.State == Pending {
		return nil
	}
	return []string{"RedeliverWebhookDelivery"}
}

var errPending = errs.Refused("DELIVERY_PENDING", "the delivery is under way")

// Redeliver has it sent again, from the first attempt.
func (d *Delivery) Redeliver(now time.Time) error {
	if d.State == Pending {
		return errPending
	}
	d.State, d.BlockReason, d.Tries, d.NextTime, d.UpdateTime = Pending, "", 0, &now, now
	return nil
}
