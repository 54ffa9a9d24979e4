// Package timing computes when a contact is best reached, from when it was met.
//
// The hours of a week are counted in the contact's own zone, and weighed against the
// history of the whole tenant: few meetings say little, so that a contact of whom
// nothing is known is best reached when others are (shrinkage towards the base).
package timing

import (
	"slices"
	"time"
)

const (
	// Hours is how many hours a week has; hour 0 begins Monday at midnight.
	Hours = 7 * 24
	// BaseWeight is how many meetings of its own make a contact's history weigh as
	// much as everybody's.
	BaseWeight = 10
	// span is how many hours a proposal lasts.
	span = 2
	// proposals is how many there are.
	proposals = 3
)

// Week counts something by the hour of the week.
type Week [Hours]float64

// HourOf is the hour of the week at an instant, in its zone.
func HourOf(t time.Time) int { return (int(t.Weekday())+6)%7*24 + t.Hour() }

// Span is a proposal.
type Span struct {
	// Start is the hour of the week at which it begins, Length how many it lasts.
	Start, Length int
	// Lift is how much likelier a meeting is then than at any time of the week.
	Lift float64
	// Observed is how many meetings of the contact fell into it.
	Observed int
}

// Best proposes the best spans, the best first: none overlaps another, and each begins
// and ends within the hours allowed. The own week counts the contact's meetings, the
// base those of its tenant.
func Best(own, base Week, allowed func(hour int) bool) []Span {
	weights := blend(own, base)
	var all []Span
	for start := range Hours {
		s := Span{Start: start, Length: span}
		free := true
		for h := start; h < start+span; h++ {
			s.Lift += weights[h%Hours] * Hours / span
			s.Observed += int(own[h%Hours])
			free = free && allowed(h%Hours)
		}
		if free {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Span) int {
		switch {
		case a.Lift > b.Lift:
			return -1
		case a.Lift < b.Lift:
			return 1
		}
		return 0
	})
	var best []Span
	for _, s := range all {
		if len(best) == proposals {
			break
		}
		if !slices.ContainsFunc(best, s.overlaps) {
			best = append(best, s)
		}
	}
	return best
}

func (s Span) overlaps(other Span) bool {
	apart := (s.Start - other.Start + Hours) % Hours
	return apart < other.Length || Hours-apart < s.Length
}

// blend is the share of each hour: the own meetings, smoothed over the hours beside
// them, and the base with the weight of BaseWeight meetings. The base itself leans on
// an even week, with the weight of one meeting an hour.
func blend(own, base Week) Week {
	var total, seen float64
	for h := range Hours {
		total += base[h] + 1
		seen += own[h]
	}
	var shares Week
	for h := range Hours {
		before, after := own[(h+Hours-1)%Hours], own[(h+1)%Hours]
		smooth := 0.5*own[h] + 0.25*(before+after)
		shares[h] = (smooth + BaseWeight*(base[h]+1)/total) / (seen + BaseWeight)
	}
	return shares
}
