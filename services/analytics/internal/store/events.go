package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// scanRows is how many events one statement looks at, and scans how many
	// statements one call makes: a filter that nothing meets must not read the
	// whole store.
	scanRows = 1000
	scans    = 10
	// pageBytes ends a page earlier.
	pageBytes = 4 << 20
)

// EventFilter says which events to read.
type EventFilter struct {
	// Types and Areas: only events of one of these; of any where nil.
	Types, Areas []string
	// Contact is the one they concern; any where uuid.Nil.
	Contact uuid.UUID
}

// Stored is an event in the store.
type Stored struct {
	// Arrival is its place in the order in which events were stored.
	Arrival int64
	*eventv1.Event
}

// EventPage is a page of stored events.
type EventPage struct {
	Events []Stored
	// Next continues after what was looked at, and More tells whether there is
	// anything.
	Next int64
	More bool
}

// wanted is true of an event that meets the filter.
const wanted = `($3::text[] IS NULL OR e.type = ANY ($3)) AND ($4::text[] IS NULL OR e.area = ANY ($4))`

const selectEvents = `
SELECT e.arrival, CASE WHEN ` + wanted + ` THEN e.event END
FROM event_store e
WHERE e.tenant = $1 AND e.arrival > $2 AND $6::uuid IS NOT NULL
ORDER BY e.arrival
LIMIT $5`

const selectContactEvents = `
SELECT e.arrival, CASE WHEN ` + wanted + ` THEN e.event END
FROM event_contact c
JOIN event_store e ON e.tenant = c.tenant AND e.event_id = c.event_id AND e.recorded_at = c.recorded_at
WHERE c.tenant = $1 AND c.contact = $6 AND c.arrival > $2
ORDER BY c.arrival
LIMIT $5`

// Events reads at most limit events of a tenant that arrived after the one given,
// their personal fields in their places.
func (s *Store) Events(ctx context.Context, tenant uuid.UUID, after int64, f EventFilter, limit int) (*EventPage, error) {
	page := &EventPage{Next: after, More: true}
	size := 0
	for range scans {
		rows, err := s.scanEvents(ctx, tenant, page.Next, f)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if len(page.Events) == limit || size > pageBytes {
				return page, s.unsealAll(ctx, page.Events)
			}
			page.Next = r.Arrival
			if r.Event != nil {
				size += proto.Size(r.Event)
				page.Events = append(page.Events, r)
			}
		}
		if len(rows) < scanRows {
			page.More = false
			break
		}
	}
	return page, s.unsealAll(ctx, page.Events)
}

// scanEvents looks at the next events; those that are not wanted are nil.
func (s *Store) scanEvents(ctx context.Context, tenant uuid.UUID, after int64, f EventFilter) (events []Stored, err error) {
	statement := selectEvents
	if f.Contact != uuid.Nil {
		statement = selectContactEvents
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(statement, tenant, after, f.Types, f.Areas, scanRows, f.Contact).Query(func(rows pgx.Rows) error {
		events, err = pgx.CollectRows(rows, scanStored)
		return err
	})
	return events, postgres.Run(ctx, s.db, b)
}

func scanStored(row pgx.CollectableRow) (Stored, error) {
	var stored Stored
	var body []byte
	if err := row.Scan(&stored.Arrival, &body); err != nil || body == nil {
		return stored, err
	}
	stored.Event = &eventv1.Event{}
	return stored, proto.Unmarshal(body, stored.Event)
}

// unsealAll puts the personal fields of events back, fetching the keys at once.
func (s *Store) unsealAll(ctx context.Context, stored []Stored) error {
	events := column(stored, func(s Stored) *eventv1.Event { return s.Event })
	if err := eventlog.FetchKeys(ctx, s.keys, events); err != nil {
		return err
	}
	for _, e := range events {
		if err := eventlog.Unseal(ctx, s.keys, e); err != nil {
			return err
		}
	}
	return nil
}

// Unsealed answers a copy of an event with its personal fields in their places.
func (s *Store) Unsealed(ctx context.Context, e Stored) (Stored, error) {
	e.Event = proto.CloneOf(e.Event)
	return e, eventlog.Unseal(ctx, s.keys, e.Event)
}

// Newest answers the arrival of a tenant's newest event; 0 where there is none.
func (s *Store) Newest(ctx context.Context, tenant uuid.UUID) (arrival int64, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT COALESCE(max(arrival), 0) FROM event_store WHERE tenant = $1", tenant).QueryRow(func(row pgx.Row) error {
		return row.Scan(&arrival)
	})
	return arrival, postgres.Run(ctx, s.db, b)
}
