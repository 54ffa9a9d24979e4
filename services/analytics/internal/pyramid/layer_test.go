package pyramid_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/pyramid"
)

// A9: the first ceil(5 %) are HIGH, of whom the first ceil(1 %) are the top
// layer; MEDIUM reaches to ceil(20 %).
func TestBorders(t *testing.T) {
	t.Parallel()
	cases := []struct {
		active int64
		want   pyramid.Borders
	}{
		{0, pyramid.Borders{}},
		{1, pyramid.Borders{Top: 1, Large: 1, Medium: 1}},
		{5, pyramid.Borders{Top: 1, Large: 1, Medium: 1}},
		{6, pyramid.Borders{Top: 1, Large: 1, Medium: 2}},
		{20, pyramid.Borders{Top: 1, Large: 1, Medium: 4}},
		{21, pyramid.Borders{Top: 1, Large: 2, Medium: 5}},
		{100, pyramid.Borders{Top: 1, Large: 5, Medium: 20}},
		{101, pyramid.Borders{Top: 2, Large: 6, Medium: 21}},
		{1_000_000, pyramid.Borders{Top: 10_000, Large: 50_000, Medium: 200_000}},
	}
	for _, c := range cases {
		if got := pyramid.DefaultShares.Of(c.active); got != c.want {
			t.Errorf("borders of %d: %+v, want %+v", c.active, got, c.want)
		}
	}
}

// Each rank is in exactly one layer, layers are whole stretches of ranks from the
// top down, and tiers follow the layers.
func TestLayers_partitionTheRanks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		active := rapid.Int64Range(0, 3000).Draw(r, "active")
		shares := drawShares(r)
		borders := shares.Of(active)
		var counted, next int64 = 0, 1
		for _, layer := range pyramid.Layers[:4] {
			first, last := borders.Ranks(layer, active)
			if first != next {
				r.Fatalf("layer %d begins at %d, want %d", layer, first, next)
			}
			for rank := first; rank <= last; rank++ {
				if got := borders.Layer(rank); got != layer {
					r.Fatalf("rank %d is in layer %d, want %d", rank, got, layer)
				}
				counted++
			}
			next = last + 1
		}
		if counted != active {
			r.Fatalf("the layers hold %d ranks of %d", counted, active)
		}
	})
}

func drawShares(r *rapid.T) pyramid.Shares {
	cuts := rapid.SliceOfN(rapid.Int64Range(0, 10000), 3, 3).Draw(r, "shares")
	slices.Sort(cuts)
	return pyramid.Shares{Top: cuts[0], Large: cuts[1], Medium: cuts[2]}
}

// Telling a layer by the marks is the same as ranking everybody.
func TestMarks_agreeWithRanks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		places := rapid.SliceOfNDistinct(rapid.Custom(drawPlace), 1, 300, func(p pyramid.Place) uuid.UUID { return p.Contact }).Draw(r, "places")
		slices.SortFunc(places, func(a, b pyramid.Place) int {
			if a.Before(b) {
				return -1
			}
			return 1
		})
		borders := pyramid.Shares{Top: 100, Large: 500, Medium: 2000}.Of(int64(len(places)))
		var marks pyramid.Marks
		for i, p := range places {
			marks = marks.With(p, int64(i)+1, borders)
		}
		for i, p := range places {
			if got, want := marks.Layer(p), borders.Layer(int64(i)+1); got != want {
				r.Fatalf("rank %d: layer %d by its place, %d by its rank", i+1, got, want)
			}
		}
	})
}

// drawPlace draws few revenues, so that ids decide often.
func drawPlace(r *rapid.T) pyramid.Place {
	return pyramid.Place{
		Revenue: money.Decimal{Units: rapid.Int64Range(0, 4).Draw(r, "revenue")},
		Contact: uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(r, "id")),
	}
}

func TestLayer_classAndTier(t *testing.T) {
	t.Parallel()
	want := map[pyramid.Layer]struct {
		class lifecycle.Class
		tier  pyramid.Tier
	}{
		pyramid.Top:              {lifecycle.Active, pyramid.High},
		pyramid.Large:            {lifecycle.Active, pyramid.High},
		pyramid.Medium:           {lifecycle.Active, pyramid.MediumTier},
		pyramid.Small:            {lifecycle.Active, pyramid.Low},
		pyramid.LayerInactive:    {lifecycle.Inactive, pyramid.NoTier},
		pyramid.LayerProspect:    {lifecycle.Prospect, pyramid.NoTier},
		pyramid.LayerSuspect:     {lifecycle.Suspect, pyramid.NoTier},
		pyramid.LayerRestOfWorld: {lifecycle.RestOfWorld, pyramid.NoTier},
	}
	for _, layer := range pyramid.Layers {
		if got := layer.Class(); got != want[layer].class {
			t.Errorf("layer %d: class %d, want %d", layer, got, want[layer].class)
		}
		if got := layer.Tier(); got != want[layer].tier {
			t.Errorf("layer %d: tier %d, want %d", layer, got, want[layer].tier)
		}
		if layer > pyramid.Small && pyramid.LayerOf(layer.Class()) != layer {
			t.Errorf("layer %d is not the one of its class", layer)
		}
	}
}
