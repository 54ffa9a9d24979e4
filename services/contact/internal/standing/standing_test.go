package standing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/services/contact/internal/standing"
)

var by = lifecycle.Definition{Months: 12, Zone: time.UTC}

func day(year, month, d int) time.Time {
	return time.Date(year, time.Month(month), d, 12, 0, 0, 0, time.UTC)
}

// CON-14: whoever looks once after years tells the moves that whoever looks each week
// does, each as of its own boundary.
func TestState_Pass_leavesNothingOut(t *testing.T) {
	t.Parallel()
	begin := func() *standing.State {
		s := &standing.State{Place: standing.Unmoved, Known: lifecycle.Known{Related: true, Purchases: []time.Time{day(2024, 1, 10), day(2024, 6, 10), day(2026, 1, 1)}}}
		s.Settle(day(2024, 6, 11), standing.Why{Cause: standing.Fact}, by)
		return s
	}
	late, weekly := begin(), begin()
	once := late.Pass(day(2028, 1, 1), by)
	var often []standing.Move
	for at := day(2024, 6, 12); at.Before(day(2028, 1, 2)); at = at.AddDate(0, 0, 7) {
		often = append(often, weekly.Pass(at, by)...)
	}
	want := []lifecycle.Class{lifecycle.Active, lifecycle.Inactive, lifecycle.Active, lifecycle.Inactive}
	var classes []lifecycle.Class
	for i, m := range once {
		classes = append(classes, m.To.Class)
		if m.Cause != standing.Time || !m.At.Equal(often[i].At) || m.To != often[i].To {
			t.Errorf("move %d is %v, and %v to those who look each week", i, m, often[i])
		}
	}
	if !slices.Equal(classes, want) || len(often) != len(once) {
		t.Errorf("moved to %v and %d, want %v", classes, len(often), want)
	}
	if again := late.Pass(day(2028, 1, 1), by); len(again) != 0 {
		t.Errorf("told again: %v", again)
	}
}

func TestState_Settle(t *testing.T) {
	t.Parallel()
	why := standing.Why{Cause: standing.Fact, Event: "e", Occurred: day(2026, 1, 2)}
	s := &standing.State{Place: standing.Unmoved, Known: lifecycle.Known{Related: true}}
	moves := s.Settle(day(2026, 1, 3), why, by)
	if len(moves) != 1 || moves[0].From != standing.Unmoved || moves[0].To.Class != lifecycle.Prospect || !moves[0].At.Equal(why.Occurred) || moves[0].Event != "e" {
		t.Errorf("moved by %v", moves)
	}
	if moves := s.Settle(day(2026, 1, 4), why, by); len(moves) != 0 {
		t.Errorf("moved again by %v", moves)
	}
	for name, occurred := range map[string]time.Time{"before it came here": day(2025, 1, 1), "ahead": day(2027, 1, 1), "no time": {}} {
		s := &standing.State{Place: standing.Unmoved, Since: day(2026, 1, 1), Known: lifecycle.Known{Related: true}}
		if moves := s.Settle(day(2026, 1, 5), standing.Why{Occurred: occurred}, by); !moves[0].At.Equal(day(2026, 1, 5)) {
			t.Errorf("%s: moved at %s", name, moves[0].At)
		}
	}
	gone := &standing.State{Place: standing.Unmoved, Gone: true, Known: lifecycle.Known{Related: true, Purchases: []time.Time{day(2026, 1, 1)}}}
	if moves := gone.Settle(day(2026, 1, 2), why, by); len(moves) != 0 || !gone.Next.IsZero() || len(gone.Pass(day(2030, 1, 1), by)) != 0 {
		t.Errorf("one that is gone moved by %v", moves)
	}
}
