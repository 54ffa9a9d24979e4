package contact

import (
	"strings"
	"time"
	_ "time/tzdata" // the zones of contacts, also where the machine has none
)

// Preference is how a contact wishes to be reached (CON-47).
type Preference struct {
	// Channel is numbered as in the contract; 0 where it has no preference.
	Channel int32 `json:"channel,omitempty"`
	// Hours is "18:00-20:00", in the IANA zone TimeZone; "22:00-06:00" goes over
	// midnight.
	Hours    string `json:"hours,omitempty"`
	TimeZone string `json:"timeZone,omitempty"`
	Place    string `json:"place,omitempty"`
}

// Zone is the zone of the contact's hours: UTC where it named none.
func (p *Preference) Zone() *time.Location {
	if p == nil {
		return time.UTC
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Opens answers the first instant from at on that lies within the hours in which the
// contact may be called: at itself where it does, or where it named no hours.
func (p *Preference) Opens(at time.Time) time.Time {
	from, until, ok := p.span()
	if !ok {
		return at
	}
	local := at.In(p.Zone())
	now := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	switch {
	case from <= until && now >= from && now < until, from > until && (now >= from || now < until):
		return at
	}
	day := local.Day()
	if now >= from {
		day++
	}
	return time.Date(local.Year(), local.Month(), day, int(from/time.Hour), int(from%time.Hour/time.Minute), 0, 0, local.Location())
}

// span reads the hours as times of the day; false where there are none.
func (p *Preference) span() (from, until time.Duration, ok bool) {
	if p == nil || p.Hours == "" {
		return 0, 0, false
	}
	first, last, _ := strings.Cut(p.Hours, "-")
	from, until = clockTime(first), clockTime(last)
	return from, until, from != until
}

// clockTime reads "18:30"; "24:00" is the end of the day.
func clockTime(s string) time.Duration {
	hour, minute, _ := strings.Cut(s, ":")
	d, err := time.ParseDuration(hour + "h" + minute + "m")
	if err != nil {
		return 0 // what is stored was read by the pattern of the contract
	}
	return d
}
