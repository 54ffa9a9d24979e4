package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// Apply stores a batch of events as they were published, and adds what they mean
// to the projections, in the runner's transaction.
func (s *Store) Apply(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	b := &pgx.Batch{}
	if err := queueEvents(b, events); err != nil {
		return err
	}
	rows, err := readRows(ctx, s.keys, events)
	if err != nil {
		return err
	}
	queueRows(b, rows)
	return tx.SendBatch(ctx, b).Close()
}

// readRows unseals copies of the events and reads their rows.
func readRows(ctx context.Context, keys eventlog.Keys, events []*eventv1.Event) (*projection.Rows, error) {
	open := make([]*eventv1.Event, len(events))
	for i, e := range events {
		open[i] = e
		if e.GetSealed() == nil {
			continue
		}
		open[i] = proto.CloneOf(e)
		if err := eventlog.Unseal(ctx, keys, open[i]); err != nil {
			return nil, err
		}
	}
	return projection.Of(open)
}

// Batches are stored one at a time: only so does a reader that goes by arrival
// miss none. The lock is that of no other purpose, and ends with the transaction.
const lockArrivals = `SELECT pg_advisory_xact_lock(hashtext('event_arrival')), nextval('event_arrival')`

const makeMonths = `SELECT event_store_month(m) FROM unnest($1::timestamptz[]) AS m`

// An arrival is the number of the batch, and the place in it in the lower bits.
const insertEvents = `
INSERT INTO event_store (tenant, event_id, recorded_at, arrival, area, partition, position, type, event)
SELECT e.tenant, e.event_id, e.recorded_at, (currval('event_arrival') << 20) + e.n,
       e.area, e.partition, e.position, e.type, e.event
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::smallint[], $6::bigint[], $7::text[], $8::bytea[])
	WITH ORDINALITY AS e (tenant, event_id, recorded_at, area, partition, position, type, event, n)`

const insertContacts = `
INSERT INTO event_contact (tenant, contact, recorded_at, event_id, arrival)
SELECT c.tenant, c.contact, c.recorded_at, c.event_id, (currval('event_arrival') << 20) + c.n
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::bigint[])
	AS c (tenant, contact, recorded_at, event_id, n)`

type storedEvent struct {
	*eventv1.Event
	tenant, id uuid.UUID
	recorded   time.Time
	body       []byte
}

type eventContact struct {
	storedEvent
	contact uuid.UUID
	n       int64
}

// queueEvents adds the events, and whom they concern, to the store.
func queueEvents(b *pgx.Batch, events []*eventv1.Event) error {
	rows := make([]storedEvent, len(events))
	var concerned []eventContact
	months := map[time.Time]bool{}
	for i, e := range events {
		tenant, id, contacts, err := projection.Ids(e)
		if err != nil {
			return err
		}
		body, err := proto.Marshal(e)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
		rows[i] = storedEvent{Event: e, tenant: tenant, id: id, recorded: e.GetRecordedAt().AsTime(), body: body}
		months[monthOf(rows[i].recorded)] = true
		for _, c := range contacts {
			concerned = append(concerned, eventContact{storedEvent: rows[i], contact: c, n: int64(i) + 1})
		}
	}
	b.Queue(lockArrivals)
	b.Queue(makeMonths, keysOf(months))
	b.Queue(insertEvents,
		column(rows, func(r storedEvent) uuid.UUID { return r.tenant }),
		column(rows, func(r storedEvent) uuid.UUID { return r.id }),
		column(rows, func(r storedEvent) time.Time { return r.recorded }),
		column(rows, func(r storedEvent) string { return r.GetArea() }),
		column(rows, func(r storedEvent) int16 { return int16(r.GetPartition()) }),
		column(rows, func(r storedEvent) int64 { return r.GetPosition() }),
		column(rows, func(r storedEvent) string { return r.GetType() }),
		column(rows, func(r storedEvent) []byte { return r.body }))
	if len(concerned) > 0 {
		b.Queue(insertContacts,
			column(concerned, func(r eventContact) uuid.UUID { return r.tenant }),
			column(concerned, func(r eventContact) uuid.UUID { return r.contact }),
			column(concerned, func(r eventContact) time.Time { return r.recorded }),
			column(concerned, func(r eventContact) uuid.UUID { return r.id }),
			column(concerned, func(r eventContact) int64 { return r.n }))
	}
	return nil
}

func monthOf(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

func keysOf(set map[time.Time]bool) []time.Time {
	var all []time.Time
	for k := range set {
		all = append(all, k)
	}
	return all
}

// column answers one column of rows, for unnest.
func column[R, V any](rows []R, value func(R) V) []V {
	values := make([]V, len(rows))
	for i, r := range rows {
		values[i] = value(r)
	}
	return values
}
