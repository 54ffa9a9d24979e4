package lifecycle_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
)

func instant(t testing.TB, zone *time.Location, local string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", local, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// CON-14, CON-15, CON-16: where a contact stands, and when time moves it next.
func TestKnown(t *testing.T) {
	t.Parallel()
	jakarta := zone(t, "Asia/Jakarta")
	cases := map[string]struct {
		bought          []string
		related, noNeed bool
		at              string
		class           lifecycle.Class
		phase           lifecycle.Phase
		next            string
	}{
		"nothing":            {nil, false, false, "2026-05-01 10:00", lifecycle.Suspect, lifecycle.Identification, ""},
		"without need":       {nil, true, true, "2026-05-01 10:00", lifecycle.RestOfWorld, lifecycle.Identification, ""},
		"related":            {nil, true, false, "2026-05-01 10:00", lifecycle.Prospect, lifecycle.Acquisition, ""},
		"bought once":        {[]string{"2026-05-01 09:00"}, true, false, "2026-05-01 10:00", lifecycle.Active, lifecycle.Retention, "2027-05-02 00:00"},
		"on the last day":    {[]string{"2026-05-01 09:00"}, true, false, "2027-05-01 23:59", lifecycle.Active, lifecycle.Retention, "2027-05-02 00:00"},
		"a day later":        {[]string{"2026-05-01 09:00"}, true, false, "2027-05-02 00:00", lifecycle.Inactive, lifecycle.Retention, ""},
		"in a leap day":      {[]string{"2028-02-29 09:00"}, true, false, "2028-03-01 00:00", lifecycle.Active, lifecycle.Retention, "2029-03-01 00:00"},
		"before a leap day":  {[]string{"2027-02-28 09:00"}, true, false, "2027-03-01 00:00", lifecycle.Active, lifecycle.Retention, "2028-03-01 00:00"},
		"bought twice":       {[]string{"2026-05-01 09:00", "2025-11-01 09:00"}, true, false, "2026-05-01 10:00", lifecycle.Active, lifecycle.Development, "2026-11-02 00:00"},
		"often":              {[]string{"2026-05-01 09:00", "2026-04-01 09:00", "2026-03-01 09:00"}, true, false, "2026-05-01 10:00", lifecycle.Active, lifecycle.Development, "2027-04-02 00:00"},
		"dated ahead":        {[]string{"2026-05-03 09:00"}, true, false, "2026-05-01 10:00", lifecycle.Prospect, lifecycle.Acquisition, "2026-05-03 00:00"},
		"again, dated ahead": {[]string{"2025-05-02 09:00", "2026-06-01 09:00"}, true, false, "2026-05-01 10:00", lifecycle.Active, lifecycle.Retention, "2026-05-03 00:00"},
		"long ago":           {[]string{"2020-05-01 09:00"}, true, false, "2026-05-01 10:00", lifecycle.Inactive, lifecycle.Retention, ""},
	}
	for name, c := range cases {
		k := lifecycle.Known{Related: c.related, NoNeed: c.noNeed}
		for _, b := range c.bought {
			k.Purchases = append(k.Purchases, instant(t, jakarta, b))
		}
		by := lifecycle.Definition{Months: 12, Zone: jakarta}
		at := instant(t, jakarta, c.at)
		if got := k.At(at, by); got.Class != c.class || got.Phase != c.phase {
			t.Errorf("%s: %v, want %d, %d", name, got, c.class, c.phase)
		}
		next := ""
		if got := k.Next(at, by); !got.IsZero() {
			next = got.In(jakarta).Format("2006-01-02 15:04")
		}
		if next != c.next {
			t.Errorf("%s: moves next at %q, want %q", name, next, c.next)
		}
	}
}

// Between an instant and the next move nothing changes, and at it something does: no
// boundary is left out, whatever the zone, the window and the purchases.
func TestKnown_nextIsTheFirst(t *testing.T) {
	t.Parallel()
	zones := []string{"Asia/Jakarta", "America/Sao_Paulo", "Pacific/Apia", "UTC"}
	rapid.Check(t, func(r *rapid.T) {
		by := lifecycle.Definition{Months: rapid.IntRange(1, 14).Draw(r, "months"), Zone: zone(t, rapid.SampledFrom(zones).Draw(r, "zone"))}
		began := time.Date(2010, 12, 1, 12, 0, 0, 0, time.UTC)
		k := lifecycle.Known{Related: true}
		for range rapid.IntRange(0, 5).Draw(r, "purchases") {
			k.Purchases = append(k.Purchases, began.Add(time.Duration(rapid.IntRange(-800, 800).Draw(r, "day"))*24*time.Hour))
		}
		at := began.Add(time.Duration(rapid.IntRange(-500, 500).Draw(r, "at")) * 24 * time.Hour)
		place, next := k.At(at, by), k.Next(at, by)
		end := next
		if next.IsZero() {
			end = at.AddDate(6, 0, 0)
		} else if k.At(next, by) == place {
			r.Fatalf("nothing changes at %s", next)
		}
		for step := at; step.Before(end); step = step.Add(7 * time.Hour) {
			if k.At(step, by) != place {
				r.Fatalf("%v at %s became %v by %s, before %s", place, at, k.At(step, by), step, next)
			}
		}
	})
}
