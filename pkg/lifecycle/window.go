package lifecycle

import "time"

// DefaultMonths is how many calendar months a window reaches back unless the
// caller says otherwise.
const DefaultMonths = 12

// Window is the time in which a purchase makes its customer active: whole days
// of the tenant's zone. It holds Start and every later instant before End.
type Window struct {
	// Start is the first instant of the day that lies so many calendar months
	// before the last one, clipped to the month's end: that day still counts.
	Start time.Time
	// End is the first instant after the last day.
	End time.Time
}

// WindowAt answers the window that ends with the day of an instant in the zone.
func WindowAt(at time.Time, months int, zone *time.Location) Window {
	local := at.In(zone)
	year, month, day := local.Date()
	first := time.Date(year, month-time.Month(months), 1, 12, 0, 0, 0, time.UTC)
	return Window{
		Start: startOfDay(first.Year(), first.Month(), min(day, daysIn(first)), zone),
		End:   startOfDay(year, month, day+1, zone),
	}
}

// Holds says whether a purchase at this instant lies within the window.
func (w Window) Holds(purchase time.Time) bool {
	return !purchase.Before(w.Start) && purchase.Before(w.End)
}

func daysIn(month time.Time) int {
	return time.Date(month.Year(), month.Month()+1, 0, 12, 0, 0, 0, time.UTC).Day()
}

// startOfDay answers the first instant of a day, and that of the next where a zone left
// the day out (Samoa, 30 December 2011). Where clocks are changed at midnight that instant
// may be 01:00, or the first of two midnights: time.Date promises neither.
func startOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	want := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	earlier := func(at time.Time) bool {
		year, month, day := at.Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Before(want)
	}
	start := time.Date(year, month, day, 0, 0, 0, 0, zone)
	for earlier(start) {
		start = start.Add(time.Hour)
	}
	for before := start.Add(-time.Hour); !earlier(before); before = start.Add(-time.Hour) {
		start = before
	}
	return start
}
