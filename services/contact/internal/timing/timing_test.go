package timing_test

import (
	"math"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/timing"
)

func always(int) bool { return true }

// CON-46: what is known of the contact outweighs the others the more there is of it.
func TestBest(t *testing.T) {
	t.Parallel()
	const tuesdayNine, fridayEvening = 24 + 9, 4*24 + 19
	var base, few, many timing.Week
	base[tuesdayNine] = 1000
	few[fridayEvening], many[fridayEvening] = 1, 30
	for name, c := range map[string]struct {
		own  timing.Week
		want int
	}{"nothing known": {timing.Week{}, tuesdayNine}, "one meeting": {few, tuesdayNine}, "many": {many, fridayEvening}} {
		best := timing.Best(c.own, base, always)
		if len(best) != 3 || c.want < best[0].Start || c.want >= best[0].Start+best[0].Length || best[0].Lift <= 1 {
			t.Errorf("%s: %v", name, best)
		}
		for i, a := range best {
			for _, b := range best[i+1:] {
				if d := (a.Start - b.Start + timing.Hours) % timing.Hours; d < 2 || d > timing.Hours-2 {
					t.Errorf("%s: %v overlaps %v", name, a, b)
				}
			}
		}
	}
	evenings := func(hour int) bool { return hour%24 >= 18 && hour%24 < 20 }
	for _, s := range timing.Best(timing.Week{}, base, evenings) {
		if s.Start%24 != 18 {
			t.Errorf("outside the hours: %v", s)
		}
	}
	if got := timing.Best(many, base, func(int) bool { return false }); len(got) != 0 {
		t.Errorf("where nothing is allowed: %v", got)
	}
}

// Without any history every hour is as good as another.
func TestBest_even(t *testing.T) {
	t.Parallel()
	for _, s := range timing.Best(timing.Week{}, timing.Week{}, always) {
		if math.Abs(s.Lift-1) > 1e-9 {
			t.Errorf("the lift is %v", s.Lift)
		}
	}
}

func TestHourOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"2026-11-23T00:30:00Z": 0, "2026-11-22T23:59:59Z": 167, "2026-11-27T19:00:00Z": 4*24 + 19} {
		at, err := time.Parse(time.RFC3339, text)
		if got := timing.HourOf(at); err != nil || got != want {
			t.Errorf("%s is hour %d, want %d", text, got, want)
		}
	}
}
