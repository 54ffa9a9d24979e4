package lifecycle_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A9: a purchase exactly 12 months before counts, one day older does not, and
// both days are those of the tenant's zone.
func TestWindow(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		at, first, last string // local dates and times
		months          int
		zone            string
	}{
		"twelve months":              {"2026-11-21 10:00", "2025-11-21", "2026-11-21", 12, "Asia/Jakarta"},
		"just before midnight":       {"2026-11-21 23:59", "2025-11-21", "2026-11-21", 12, "Asia/Jakarta"},
		"just after midnight":        {"2026-11-22 00:00", "2025-11-22", "2026-11-22", 12, "Asia/Jakarta"},
		"from a leap day":            {"2028-02-29 12:00", "2027-02-28", "2028-02-29", 12, "Asia/Jakarta"},
		"to a leap day":              {"2025-02-28 12:00", "2024-02-28", "2025-02-28", 12, "Asia/Jakarta"},
		"clipped to the month's end": {"2026-05-31 12:00", "2026-02-28", "2026-05-31", 3, "Asia/Jakarta"},
		"clipped across the year":    {"2026-12-31 12:00", "2026-11-30", "2026-12-31", 1, "Asia/Jakarta"},
		"no midnight on that day":    {"2019-11-04 12:00", "2018-11-04", "2019-11-04", 12, "America/Sao_Paulo"},
		"two midnights on that day":  {"2026-11-01 12:00", "2025-11-01", "2026-11-01", 12, "America/Havana"},
		"from a day that never was":  {"2012-12-30 12:00", "2011-12-31", "2012-12-30", 12, "Pacific/Apia"},
		"before one that never was":  {"2011-12-29 12:00", "2010-12-29", "2011-12-29", 12, "Pacific/Apia"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			z := zone(t, c.zone)
			at, err := time.ParseInLocation("2006-01-02 15:04", c.at, z)
			if err != nil {
				t.Fatal(err)
			}
			w := lifecycle.WindowAt(at, c.months, z)
			for _, edge := range []struct {
				instant time.Time
				holds   bool
			}{
				{w.Start.Add(-time.Nanosecond), false}, {w.Start, true},
				{w.End.Add(-time.Nanosecond), true}, {w.End, false},
			} {
				if got := w.Holds(edge.instant); got != edge.holds {
					t.Errorf("holds %s: %t, want %t", edge.instant, got, edge.holds)
				}
			}
			if got := w.Start.In(z).Format(time.DateOnly); got != c.first {
				t.Errorf("first day %s, want %s", got, c.first)
			}
			if before := w.Start.Add(-time.Nanosecond).In(z).Format(time.DateOnly); before == c.first {
				t.Errorf("the window begins at %s, in the middle of its first day", w.Start.In(z))
			}
			if last := w.End.Add(-time.Nanosecond).In(z).Format(time.DateOnly); last != c.last {
				t.Errorf("last day %s, want %s", last, c.last)
			}
		})
	}
}

// Whatever the zone, the instant and the months: the instant itself lies in its
// window, and the window begins and ends where a local day does.
func TestWindow_wholeDays(t *testing.T) {
	t.Parallel()
	names := []string{"Asia/Jakarta", "UTC", "America/Sao_Paulo", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Berlin"}
	rapid.Check(t, func(r *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(names).Draw(r, "zone"))
		if err != nil {
			r.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1_000_000_000, 2_000_000_000).Draw(r, "at"), 0)
		w := lifecycle.WindowAt(at, rapid.IntRange(1, 120).Draw(r, "months"), z)
		if !w.Holds(at) {
			r.Fatalf("%s is not in its window %v", at.In(z), w)
		}
		for _, edge := range []time.Time{w.Start, w.End} {
			if edge.In(z).Day() == edge.Add(-time.Nanosecond).In(z).Day() {
				r.Fatalf("%s is not where a day begins", edge.In(z))
			}
		}
	})
}
