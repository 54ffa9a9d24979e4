package entity

// Event is what a domain rule returns: something that happened, named in the
// past tense.
type Event interface {
	// EventName is the short name, such as "Created" or "OpportunityWon".
	EventName() string
}

// Created says that the aggregate came into being.
type Created struct{}

// EventName implements Event.
func (Created) EventName() string { return "Created" }

// Updated says that fields were changed by a standard update.
type Updated struct {
	// Paths are the changed fields, as proto paths.
	Paths []string
}

// EventName implements Event.
func (Updated) EventName() string { return "Updated" }

// Deleted says that the aggregate was soft deleted.
type Deleted struct{}

// EventName implements Event.
func (Deleted) EventName() string { return "Deleted" }

// Undeleted says that a soft deleted aggregate was brought back.
type Undeleted struct{}

// EventName implements Event.
func (Undeleted) EventName() string { return "Undeleted" }
