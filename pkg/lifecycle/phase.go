package lifecycle

import (
	"slices"
	"time"
)

// Phase is the part of a customer relation that a contact is in (CON-14): the four parts
// of Parvatiyar and Sheth ("Customer Relationship Management", 2001), as Ngai, Xiu and
// Chau order them (2009).
type Phase int

// The phases, in the order in which a relation grows.
const (
	// Identification: we know who it could be, and have nothing to do with it yet.
	Identification Phase = iota + 1
	// Acquisition: it has to do with us, and has not bought.
	Acquisition
	// Retention: it bought, once lately or longer ago, and is to be kept or won back.
	Retention
	// Development: it bought more than once within the window, and can grow.
	Development
)

// PhaseOf answers the phase of a class, of a contact that bought so often within the
// window.
func PhaseOf(c Class, lately int) Phase {
	switch {
	case lately > 1:
		return Development
	case c == Active || c == Inactive:
		return Retention
	case c == Prospect:
		return Acquisition
	default:
		return Identification
	}
}

// Definition is what a tenant counts by.
type Definition struct {
	// Months is how many calendar months the window reaches back.
	Months int
	// Zone is where days begin.
	Zone *time.Location
}

// Known is what the place of a contact follows from.
type Known struct {
	// Purchases are when it bought, in any order.
	Purchases []time.Time
	// Related and NoNeed are those of Facts.
	Related, NoNeed bool
}

// Place is where a contact stands.
type Place struct {
	Class Class
	Phase Phase
}

// At answers where a contact stands at an instant. Purchases of later days do not count
// yet.
func (k Known) At(at time.Time, by Definition) Place {
	window := WindowAt(at, by.Months, by.Zone)
	facts, lately := Facts{Related: k.Related, NoNeed: k.NoNeed}, 0
	for _, bought := range k.Purchases {
		facts.Bought = facts.Bought || bought.Before(window.End)
		if window.Holds(bought) {
			lately++
		}
	}
	facts.BoughtLately = lately > 0
	class := facts.Class()
	return Place{Class: class, Phase: PhaseOf(class, lately)}
}

// Next answers the first instant after another at which time alone moves the contact:
// when a purchase leaves the window, or the day of one begins. The zero time where there
// is none.
func (k Known) Next(after time.Time, by Definition) time.Time {
	place := k.At(after, by)
	for _, at := range k.boundaries(after, by) {
		if k.At(at, by) != place {
			return at
		}
	}
	return time.Time{}
}

// boundaries are the instants after another at which the place may change, in order. Of
// the purchases that count by then, the leaving of the two latest makes a difference.
func (k Known) boundaries(after time.Time, by Definition) (all []time.Time) {
	sorted := slices.SortedFunc(slices.Values(k.Purchases), func(a, b time.Time) int { return b.Compare(a) })
	began := 0
	for _, bought := range sorted {
		year, month, day := bought.In(by.Zone).Date()
		if begins := startOfDay(year, month, day, by.Zone); begins.After(after) {
			all = append(all, begins)
		} else if began++; began > 2 {
			break
		}
		if at := leaves(bought, by); at.After(after) {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// slack is how many days before a purchase leaves the window it is looked for, because
// months end differently.
const slack = 4

// leaves answers the first instant at which the window holds a purchase no more.
func leaves(bought time.Time, by Definition) time.Time {
	year, month, day := bought.In(by.Zone).Date()
	at := startOfDay(year, month+time.Month(by.Months), day-slack, by.Zone)
	for !bought.Before(WindowAt(at, by.Months, by.Zone).Start) {
		year, month, day := at.Date()
		at = startOfDay(year, month, day+1, by.Zone)
	}
	return at
}
