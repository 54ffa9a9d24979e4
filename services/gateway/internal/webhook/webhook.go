// Package webhook says when events are sent to a receiver outside: the states of an
// endpoint, its secrets, and the attempts of a delivery.
//
// It promises that a delivery is tried for more than two days before it is given up, and
// that what is sent can be verified with either secret for a day after a rotation.
package webhook

import (
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// State says whether events are sent to an endpoint.
type State int32

// The states, numbered as in the contract.
const (
	Active   State = 1
	Paused   State = 2
	Disabled State = 3
)

// Class is what whoever receives is to the contacts and to us.
type Class int32

// The classes, numbered as in the contract.
const (
	FirstParty Class = 2
	Processor  Class = 3
	ThirdParty Class = 4
)

// Overlap is how long the secret before a rotation signs too.
const Overlap = 24 * time.Hour

// Endpoint is a URL that events are sent to.
type Endpoint struct {
	entity.Meta
	URL string `db:"url"`
	// EventTypes are those that it gets; all where empty.
	EventTypes []string `db:"event_types,json"`
	Class      Class    `db:"recipient_class"`
	// Recipient is the one on file, as a resource name; it may be empty.
	Recipient   string `db:"recipient"`
	Description string `db:"description"`
	State       State  `db:"state"`
	// Reason is why it is Disabled.
	Reason string `db:"state_reason"`
	// Secret is encrypted, Suffix its last four characters in the open.
	Secret []byte `db:"secret"`
	Suffix string `db:"secret_suffix"`
	// Previous is the secret before it, encrypted; it signs too until PreviousEnd.
	Previous    []byte     `db:"previous_secret"`
	PreviousEnd *time.Time `db:"previous_secret_end_time"`
}

// What happened to an endpoint beyond the standard events.
type (
	// WasPaused says that nothing is sent for now.
	WasPaused struct{}
	// Resumed says that it is sent to again.
	Resumed struct{}
	// GivenUp says that it is Disabled.
	GivenUp struct{}
	// Rotated says that it has a new secret.
	Rotated struct{}
	// Tested says that somebody wants to see whether events arrive.
	Tested struct{}
)

// EventName implements entity.Event.
func (WasPaused) EventName() string { return "WebhookEndpointPaused" }

// EventName implements entity.Event.
func (Resumed) EventName() string { return "WebhookEndpointResumed" }

// EventName implements entity.Event.
func (GivenUp) EventName() string { return "WebhookEndpointDisabled" }

// EventName implements entity.Event.
func (Rotated) EventName() string { return "WebhookEndpointSecretRotated" }

// EventName implements entity.Event.
func (Tested) EventName() string { return "WebhookEndpointTested" }

var (
	errNotActive = errs.Refused("WEBHOOK_NOT_ACTIVE", "the webhook endpoint is paused or disabled")
	errActive    = errs.Refused("WEBHOOK_ACTIVE", "the webhook endpoint is active")
)

// Check answers what is wrong, after it has set what has a default.
func (e *Endpoint) Check() []errs.Violation {
	if e.Class == 0 {
		e.Class = ThirdParty
	}
	if e.State == 0 {
		e.State = Active
	}
	switch {
	case e.Class == Processor && e.Recipient == "":
		return []errs.Violation{{Field: "recipient", Description: "a processor needs a recipient with a contract on file"}}
	case e.Class == FirstParty && e.Recipient != "":
		return []errs.Violation{{Field: "recipient", Description: "must be empty of a first party: recipients on file are others"}}
	}
	return nil
}

// Wants says whether the endpoint is sent events of a type.
func (e *Endpoint) Wants(kind string) bool {
	if len(e.EventTypes) == 0 {
		return true
	}
	for _, t := range e.EventTypes {
		if t == kind {
			return true
		}
	}
	return false
}

// Pause stops sending.
func (e *Endpoint) Pause() ([]entity.Event, error) {
	if e.State != Active {
		return nil, errNotActive
	}
	e.State = Paused
	return []entity.Event{WasPaused{}}, nil
}

// Resume sends again.
func (e *Endpoint) Resume() ([]entity.Event, error) {
	if e.State == Active {
		return nil, errActive
	}
	e.State, e.Reason = Active, ""
	return []entity.Event{Resumed{}}, nil
}

// Disable gives up on an endpoint that is active. Another one stays as it is.
func (e *Endpoint) Disable(reason string) ([]entity.Event, error) {
	if e.State != Active {
		return nil, nil
	}
	e.State, e.Reason = Disabled, reason
	return []entity.Event{GivenUp{}}, nil
}

// Rotate replaces the secret by a new one, which is sealed.
func (e *Endpoint) Rotate(sealed []byte, suffix string, now time.Time) ([]entity.Event, error) {
	end := now.Add(Overlap)
	e.Previous, e.PreviousEnd = e.Secret, &end
	e.Secret, e.Suffix = sealed, suffix
	return []entity.Event{Rotated{}}, nil
}

// Secrets answers the sealed secrets that sign now, the newest first.
func (e *Endpoint) Secrets(now time.Time) [][]byte {
	if e.PreviousEnd != nil && now.Before(*e.PreviousEnd) {
		return [][]byte{e.Secret, e.Previous}
	}
	return [][]byte{e.Secret}
}

// Test asks for an event to try an endpoint with.
func (e *Endpoint) Test() ([]entity.Event, error) {
	if e.State != Active {
		return nil, errNotActive
	}
	return []entity.Event{Tested{}}, nil
}

// AllowedActions names the calls that the state allows next.
func (e *Endpoint) AllowedActions() []string {
	if e.Deleted() {
		return []string{"UndeleteWebhookEndpoint"}
	}
	actions := []string{"UpdateWebhookEndpoint", "DeleteWebhookEndpoint", "RotateWebhookEndpointSecret", "ReplayWebhookDeliveries"}
	if e.State == Active {
		return append(actions, "PauseWebhookEndpoint", "TestWebhookEndpoint")
	}
	return append(actions, "ResumeWebhookEndpoint")
}

// Host answers the scheme and the host of the URL: what events tell of it, because the
// rest may hold a secret of the receiver's.
func (e *Endpoint) Host() string {
	scheme, rest, _ := strings.Cut(e.URL, "://")
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest
}
