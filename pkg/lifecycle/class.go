// Package lifecycle says where a contact stands as a customer: the class and the phase it
// belongs to, the window in which a purchase counts as recent, and when that changes by
// the passing of time alone.
//
// Everything here is a pure function of facts and of the instant asked about, so that a
// class changes without any write when the window passes, and can be told for any instant
// of the past.
package lifecycle

// Class is where a contact stands as a customer.
type Class int

// The classes, from the top of the pyramid to its ground.
const (
	// Active bought within the window.
	Active Class = iota + 1
	// Inactive bought, but before the window.
	Inactive
	// Prospect never bought, but there is an interaction, a relation or a typed
	// fact.
	Prospect
	// Suspect could be served, but there is nothing yet.
	Suspect
	// RestOfWorld has no need or wish for what we sell.
	RestOfWorld
)

// Facts are what the class of a contact depends on.
type Facts struct {
	// Bought is true where there is a purchase on or before the day asked about.
	Bought bool
	// BoughtLately is true where one of them lies within the window.
	BoughtLately bool
	// Related is true where there is an interaction, a relation or a typed fact.
	Related bool
	// NoNeed is true where the contact is marked as having no need or wish for
	// what we sell.
	NoNeed bool
}

// Class answers where a contact of these facts stands. What it did counts before
// what is said of it: who buys is a customer, whatever the mark.
func (f Facts) Class() Class {
	switch {
	case f.BoughtLately:
		return Active
	case f.Bought:
		return Inactive
	case f.NoNeed:
		return RestOfWorld
	case f.Related:
		return Prospect
	default:
		return Suspect
	}
}

// FactsOf answers every combination of facts that makes a contact belong to the
// class: what a query looks for that lists it.
func FactsOf(c Class) []Facts {
	var all []Facts
	for bits := range 1 << 4 {
		f := Facts{Bought: bits&1 != 0, BoughtLately: bits&2 != 0, Related: bits&4 != 0, NoNeed: bits&8 != 0}
		if f.Class() == c && (f.Bought || !f.BoughtLately) {
			all = append(all, f)
		}
	}
	return all
}
