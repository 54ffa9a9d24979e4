// Package pyramid says how the customers of a company are divided by what they bring:
// the layer and the value tier of an active customer among all others, and the layers
// of everyone else, by their class (package lifecycle).
package pyramid

import (
	"bytes"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
)

// Layer is a part of the pyramid: one of the four into which active customers
// are divided by revenue, or a class of everyone else.
type Layer int

// The layers, from the top to the ground.
const (
	Top Layer = iota + 1
	Large
	Medium
	Small
	LayerInactive
	LayerProspect
	LayerSuspect
	LayerRestOfWorld
)

// Layers are all layers, from the top to the ground.
var Layers = []Layer{Top, Large, Medium, Small, LayerInactive, LayerProspect, LayerSuspect, LayerRestOfWorld}

// LayerOf answers the layer of a class that is not divided; Small for Active,
// whose layer depends on the rank (see Borders).
func LayerOf(c lifecycle.Class) Layer {
	switch c {
	case lifecycle.Active:
		return Small
	case lifecycle.Inactive:
		return LayerInactive
	case lifecycle.Prospect:
		return LayerProspect
	case lifecycle.Suspect:
		return LayerSuspect
	default:
		return LayerRestOfWorld
	}
}

// Class answers the class a layer belongs to.
func (l Layer) Class() lifecycle.Class {
	switch l {
	case LayerInactive:
		return lifecycle.Inactive
	case LayerProspect:
		return lifecycle.Prospect
	case LayerSuspect:
		return lifecycle.Suspect
	case LayerRestOfWorld:
		return lifecycle.RestOfWorld
	default:
		return lifecycle.Active
	}
}

// Tier is what an active customer is worth.
type Tier int

// The tiers. Customers that are not active have none.
const (
	NoTier Tier = iota
	High
	MediumTier
	Low
)

// Tier answers the value tier of the customers in a layer.
func (l Layer) Tier() Tier {
	switch l {
	case Top, Large:
		return High
	case Medium:
		return MediumTier
	case Small:
		return Low
	default:
		return NoTier
	}
}

// Shares say how the active customers are divided: how many of ten thousand, in
// order of revenue, belong to the layer named or to one above it.
type Shares struct {
	Top, Large, Medium int64
}

// DefaultShares are Curry's: 1 %, 4 % and 15 % of the customers, the rest below.
var DefaultShares = Shares{Top: 100, Large: 500, Medium: 2000}

// Borders are the last ranks of the upper layers among the active customers,
// counted from 1 by revenue, the highest first, then by id.
type Borders struct {
	Top, Large, Medium int64
}

// Of answers the borders among so many active customers. Each is rounded up: one
// active customer alone is in the top layer.
func (s Shares) Of(active int64) Borders {
	ceil := func(share int64) int64 { return (active*share + 9999) / 10000 }
	return Borders{Top: ceil(s.Top), Large: ceil(s.Large), Medium: ceil(s.Medium)}
}

// Layer answers the layer of the active customer with this rank.
func (b Borders) Layer(rank int64) Layer {
	switch {
	case rank <= b.Top:
		return Top
	case rank <= b.Large:
		return Large
	case rank <= b.Medium:
		return Medium
	default:
		return Small
	}
}

// Ranks answers the first and last rank of a layer of active customers among so
// many: none where last is less than first.
func (b Borders) Ranks(l Layer, active int64) (first, last int64) {
	switch l {
	case Top:
		return 1, b.Top
	case Large:
		return b.Top + 1, b.Large
	case Medium:
		return b.Large + 1, b.Medium
	default:
		return b.Medium + 1, active
	}
}

// Place is where an active customer stands in the order of the pyramid.
type Place struct {
	Revenue money.Decimal
	Contact uuid.UUID
}

// Before says whether p comes before other: by revenue, the highest first, then
// by id.
func (p Place) Before(other Place) bool {
	if c := p.Revenue.Cmp(other.Revenue); c != 0 {
		return c > 0
	}
	return bytes.Compare(p.Contact[:], other.Contact[:]) < 0
}

// Marks are the last places of the upper layers, so that the layer of one
// customer can be told without ranking all. A zero mark stands for an empty
// layer.
type Marks struct {
	Top, Large, Medium Place
}

// With answers the marks after the customer of this rank, in order, was seen.
func (m Marks) With(p Place, rank int64, b Borders) Marks {
	if rank <= b.Top {
		m.Top = p
	}
	if rank <= b.Large {
		m.Large = p
	}
	if rank <= b.Medium {
		m.Medium = p
	}
	return m
}

// Layer answers the layer of an active customer by its place.
func (m Marks) Layer(p Place) Layer {
	switch {
	case !m.Top.Before(p):
		return Top
	case !m.Large.Before(p):
		return Large
	case !m.Medium.Before(p):
		return Medium
	default:
		return Small
	}
}
