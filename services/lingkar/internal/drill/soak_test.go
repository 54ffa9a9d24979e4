package drill

import (
	"strings"
	"testing"
	"time"
)

// A process that grows is found, one that breathes is not (F50).
func TestFlat(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	series := func(goroutines func(n int) float64) []Use {
		var all []Use
		for n := range 30 {
			all = append(all, Use{Time: begin.Add(time.Duration(n) * time.Minute), Goroutines: goroutines(n), Descriptors: 40, Resident: 100 << 20})
		}
		return all
	}
	breathing := flat(map[string][]Use{"contact-1": series(func(n int) float64 { return 200 + float64(n%5) })})
	if !breathing.Holds() {
		t.Errorf("a process that breathes: %v", breathing.Broken)
	}
	growing := flat(map[string][]Use{"contact-1": series(func(n int) float64 { return 200 + 20*float64(n) })})
	if growing.Holds() || !strings.Contains(growing.Evidence, "+1200.0 an hour") {
		t.Errorf("a process that grows: %+v", growing)
	}
	if short := flat(map[string][]Use{"contact-1": series(func(int) float64 { return 1 })[:5]}); short.Holds() {
		t.Error("five samples are enough")
	}
}
