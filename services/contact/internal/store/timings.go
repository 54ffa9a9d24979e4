package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/timing"
)

const (
	// ownMeetings and baseMeetings are how many of the latest meetings are counted, of
	// the contact and of its tenant.
	ownMeetings  = 500
	baseMeetings = 5000
)

// Timing answers when, where and on which channel a contact is best reached. A meeting
// counts where the contact took part in it when it happened: what came from it, and
// talks; mail that was sent to it tells nothing of its hours.
func (s *Store) Timing(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.ContactTiming, error) {
	c, err := s.Contacts.Get(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	zone := c.Preference.Zone()
	var own, base timing.Week
	channels := map[int32]int{}
	resp := &contactv1.ContactTiming{
		Name: name + "/timing", LanguageCode: c.LanguageCode, TimeZone: zone.String(), BaseWeight: timing.BaseWeight,
		Preference: contactProto(c).GetPreference(),
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT occurred_at, channel
		FROM interaction
		WHERE tenant = $1 AND contact = ANY (contact_family($1, $2)) AND (direction = 1 OR direction = 2 AND channel IN (1, 2, 5, 10))
		ORDER BY occurred_at DESC
		LIMIT $3`, tenant, c.ID, ownMeetings).
		Query(meetings(func(at time.Time, channel int32) {
			own[timing.HourOf(at.In(zone))]++
			channels[channel]++
			resp.ObservationCount++
		}))
	b.Queue(`
		SELECT occurred_at, channel
		FROM interaction
		WHERE tenant = $1
		ORDER BY occurred_at DESC, id DESC
		LIMIT $2`, tenant, baseMeetings).
		Query(meetings(func(at time.Time, _ int32) {
			base[timing.HourOf(at.In(zone))]++
			resp.BaseObservationCount++
		}))
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	for _, span := range timing.Best(own, base, hoursOf(c, s.Now())) {
		resp.BestTimes = append(resp.BestTimes, &contactv1.TimeSpan{
			DayOfWeek: int32(span.Start/24) + 1, StartHour: int32(span.Start % 24), Hours: int32(span.Length),
			Lift: span.Lift, ObservationCount: int32(span.Observed),
		})
	}
	resp.BestChannel, resp.BestPlace = eventv1.Channel(bestChannel(c, channels)), bestPlace(c)
	return resp, nil
}

func meetings(count func(at time.Time, channel int32)) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		var at time.Time
		var channel int32
		_, err := pgx.ForEachRow(rows, []any{&at, &channel}, func() error {
			count(at, channel)
			return nil
		})
		return err
	}
}

// hoursOf says of an hour of the week whether all of it lies within those that the
// contact prefers, as its zone's clock stands this week.
func hoursOf(c *contact.Contact, now time.Time) func(hour int) bool {
	local := now.In(c.Preference.Zone())
	monday := local.Day() - (int(local.Weekday())+6)%7
	return func(hour int) bool {
		begin := time.Date(local.Year(), local.Month(), monday+hour/24, hour%24, 0, 0, 0, local.Location())
		end := begin.Add(time.Hour - time.Minute)
		return c.Preference.Opens(begin).Equal(begin) && c.Preference.Opens(end).Equal(end)
	}
}

// bestChannel is the one that the contact prefers, else the one it was met on most; of
// several the first in the contract's order.
func bestChannel(c *contact.Contact, met map[int32]int) int32 {
	if c.Preference != nil && c.Preference.Channel != 0 {
		return c.Preference.Channel
	}
	best := int32(0)
	for channel := range int32(len(eventv1.Channel_name)) {
		if met[channel] > met[best] {
			best = channel
		}
	}
	return best
}

// bestPlace is the one that the contact prefers, else the town of its first address.
func bestPlace(c *contact.Contact) string {
	if c.Preference != nil && c.Preference.Place != "" {
		return c.Preference.Place
	}
	if len(c.Addresses) > 0 {
		return c.Addresses[0].Locality
	}
	return ""
}
