// Package standing follows where a contact stands in its relation with us, and tells of
// each move (CON-14).
//
// What a contact did moves it at once; the passing of time moves it at a boundary that is
// known before. Between two looks no boundary is left out: each move is told as of its
// own instant, however late somebody looks, and a look that changes nothing tells nothing.
// So moves do not depend on when or how often somebody looked.
package standing

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
)

// Cause is why a contact moved.
type Cause int16

// The causes, numbered as in the contract.
const (
	Fact       Cause = 1
	Time       Cause = 2
	Merge      Cause = 3
	Definition Cause = 4
)

// Why says what led to a look at a contact.
type Why struct {
	Cause Cause
	// Event, Type and Resource are those of an event; empty without one.
	Event, Type, Resource string
	// Occurred is when it happened.
	Occurred time.Time
}

// Move is one from a place to another.
type Move struct {
	From, To lifecycle.Place
	// At is when it happened.
	At time.Time
	Why
	// By is the definition that was used.
	By lifecycle.Definition
}

// Unmoved is where a contact stands of which nothing is known.
var Unmoved = lifecycle.Place{Class: lifecycle.Suspect, Phase: lifecycle.Identification}

// State is where a contact stands.
type State struct {
	lifecycle.Known
	lifecycle.Place
	// Gone is true while it is deleted, and for ever once it was erased: it does not move
	// then. One that is brought back makes up for what it missed.
	Gone bool
	// Since is when it came here; zero where it has never moved.
	Since time.Time
	// AsOf is the latest instant at which somebody looked, Next when time alone moves it;
	// zero where nobody has, and where it does not.
	AsOf, Next time.Time
}

// Pass moves the contact across the boundaries of time up to an instant.
func (s *State) Pass(until time.Time, by lifecycle.Definition) (moves []Move) {
	if s.Gone || s.AsOf.IsZero() {
		return nil
	}
	for next := s.Known.Next(s.AsOf, by); !next.IsZero() && !next.After(until); next = s.Known.Next(next, by) {
		s.AsOf = next
		moves = append(moves, s.to(s.At(next, by), next, Why{Cause: Time}, by)...)
	}
	return moves
}

// Settle moves the contact to where it stands by what is known of it now. Pass comes
// first, by what was known before.
func (s *State) Settle(at time.Time, why Why, by lifecycle.Definition) (moves []Move) {
	if s.Gone {
		s.Next = time.Time{}
		return nil
	}
	if at.After(s.AsOf) {
		s.AsOf = at
	}
	occurred := why.Occurred
	if occurred.IsZero() || occurred.After(s.AsOf) || occurred.Before(s.Since) {
		occurred = s.AsOf
	}
	moves = s.to(s.At(s.AsOf, by), occurred, why, by)
	s.Next = s.Known.Next(s.AsOf, by)
	return moves
}

func (s *State) to(place lifecycle.Place, at time.Time, why Why, by lifecycle.Definition) []Move {
	if place == s.Place {
		return nil
	}
	from := s.Place
	s.Place, s.Since = place, at
	return []Move{{From: from, To: place, At: at, Why: why, By: by}}
}
