package lead

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Standing is how far a lead has come in another system.
type Standing struct {
	// Status is not Converted: what a lead became there is no opportunity here.
	Status Status
	// At is when it was closed; zero stands for now.
	At time.Time
	// Reason is why it was disqualified.
	Reason string
}

// Bring takes a lead as far as it is in another system, and never back: one that
// is closed here, or further on, stays as it is.
func (l *Lead) Bring(s Standing, now time.Time) []entity.Event {
	if l.Closed() || s.Status <= l.Status {
		return nil
	}
	if s.At.IsZero() || s.At.After(now) {
		s.At = now
	}
	l.Status = s.Status
	switch s.Status {
	case Working:
		return []entity.Event{Accepted{}}
	case Qualified:
		return []entity.Event{Real{}}
	case Disqualified:
		l.CloseTime, l.DisqualifyReason = &s.At, s.Reason
		return []entity.Event{Dropped{}}
	}
	return nil
}
