package contact_test

import (
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// CON-47: the hours are those of the contact's own zone, over midnight and over the
// change of the clock.
func TestPreference_Opens(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		t.Helper()
		instant, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	for name, c := range map[string]struct{ hours, zone, at, want string }{
		"no hours":              {"", "Asia/Jakarta", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
		"within":                {"09:00-17:00", "Asia/Jakarta", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
		"before":                {"09:00-17:00", "Asia/Jakarta", "2026-11-22T01:59:59Z", "2026-11-22T02:00:00Z"},
		"after":                 {"09:00-17:00", "Asia/Jakarta", "2026-11-22T10:00:00Z", "2026-11-23T02:00:00Z"},
		"no zone is UTC":        {"09:00-17:00", "", "2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z"},
		"over midnight, late":   {"22:00-06:00", "", "2026-11-22T23:00:00Z", "2026-11-22T23:00:00Z"},
		"over midnight, early":  {"22:00-06:00", "", "2026-11-22T05:59:00Z", "2026-11-22T05:59:00Z"},
		"over midnight, at day": {"22:00-06:00", "", "2026-11-22T06:00:00Z", "2026-11-22T22:00:00Z"},
		"until the day's end":   {"18:00-24:00", "", "2026-11-22T23:59:00Z", "2026-11-22T23:59:00Z"},
		"the whole day":         {"00:00-24:00", "", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"},
		"nothing at all":        {"09:00-09:00", "", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"},
		"the clock goes back":   {"09:00-17:00", "Europe/Berlin", "2026-10-24T18:00:00Z", "2026-10-25T08:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &contact.Preference{Hours: c.hours, TimeZone: c.zone}
			if got := p.Opens(at(c.at)); !got.Equal(at(c.want)) {
				t.Errorf("opens %s, want %s", got.UTC(), c.want)
			}
		})
	}
	var nothing *contact.Preference
	if got := nothing.Opens(at("2026-11-22T03:00:00Z")); !got.Equal(at("2026-11-22T03:00:00Z")) {
		t.Errorf("without a preference: %s", got)
	}
}
