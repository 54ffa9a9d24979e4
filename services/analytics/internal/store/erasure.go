package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// erasureBatch is how many events of an erased contact are projected again at a time.
const erasureBatch = 1000

// EraseContact takes from the projections what an erased contact's events say no more
// without its key: what they hold afterwards is what a rebuild would give. The store
// itself holds the events sealed, and stays as it is. The tables are those first on the
// search path.
func EraseContact(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	if err := eraseBodies(ctx, tx, tenant, contact); err != nil {
		return err
	}
	return eraseNames(ctx, tx, tenant, contact)
}

const selectConcerning = `
SELECT e.arrival, e.event
FROM event_contact c
JOIN event_store e ON e.tenant = c.tenant AND e.event_id = c.event_id AND e.recorded_at = c.recorded_at
WHERE c.tenant = $1 AND c.contact = $2 AND c.arrival > $3
ORDER BY c.arrival
LIMIT $4`

// eraseBodies replaces what the timeline and the states say of events that are sealed
// under the contact's key.
func eraseBodies(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	for after := int64(0); ; {
		rows, err := tx.Query(ctx, selectConcerning, tenant, contact, after, erasureBatch)
		if err != nil {
			return err
		}
		stored, err := pgx.CollectRows(rows, scanStored)
		if err != nil || len(stored) == 0 {
			return err
		}
		var sealed []*eventv1.Event
		for _, s := range stored {
			after = s.Arrival
			if eventlog.Blank(s.Event, contact) {
				sealed = append(sealed, s.Event)
			}
		}
		blank, err := projection.Of(sealed)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		queueBodies(b, blank)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
	}
}

const replaceEntries = `
UPDATE timeline AS t
SET entry = e.entry
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::bytea[]) AS e (tenant, contact, occurred_at, event_id, entry)
WHERE t.tenant = e.tenant AND t.contact = e.contact AND t.occurred_at = e.occurred_at AND t.event_id = e.event_id`

const replaceBodies = `
UPDATE aggregate_state AS s
SET state = v.state
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::bytea[]) AS v (tenant, aggregate, seq, contact, state)
WHERE s.tenant = v.tenant AND s.aggregate = v.aggregate AND s.seq = v.seq AND s.contact = v.contact`

func queueBodies(b *pgx.Batch, blank *projection.Rows) {
	entries, states := blank.Timeline, blank.States
	b.Queue(replaceEntries,
		column(entries, func(r projection.Entry) uuid.UUID { return r.Tenant }),
		column(entries, func(r projection.Entry) uuid.UUID { return r.Contact }),
		column(entries, func(r projection.Entry) time.Time { return r.OccurredAt }),
		column(entries, func(r projection.Entry) uuid.UUID { return r.EventID }),
		column(entries, func(r projection.Entry) []byte { return r.Body }))
	b.Queue(replaceBodies,
		column(states, func(r projection.State) uuid.UUID { return r.Tenant }),
		column(states, func(r projection.State) string { return r.Aggregate }),
		column(states, func(r projection.State) int64 { return r.Seq }),
		column(states, func(r projection.State) uuid.UUID { return r.Contact }),
		column(states, func(r projection.State) []byte { return r.Body }))
}

// eraseNames makes the versions of who the customer is anew: without its name some of
// them mean the same as the one before.
func eraseNames(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	aggregate := "contacts/" + contact.String()
	if _, err := tx.Exec(ctx, "DELETE FROM customer WHERE tenant = $1 AND aggregate = $2", tenant, aggregate); err != nil {
		return err
	}
	for after := int64(0); ; {
		rows, err := tx.Query(ctx, selectConcerning, tenant, contact, after, erasureBatch)
		if err != nil {
			return err
		}
		stored, err := pgx.CollectRows(rows, scanStored)
		if err != nil || len(stored) == 0 {
			return err
		}
		var own []*eventv1.Event
		for _, s := range stored {
			after = s.Arrival
			if s.GetAggregate() == aggregate {
				eventlog.Blank(s.Event, contact)
				own = append(own, s.Event)
			}
		}
		blank, err := projection.Of(own)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		queueCustomers(b, blank.Customers)
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
	}
}

// eraseAgain erases the contacts of whose erasure the events tell: in a rebuild, whose
// shadows may have been filled before.
func eraseAgain(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	for _, e := range events {
		if e.GetType() != eventlog.ErasedType {
			continue
		}
		tenant, _, contacts, err := projection.Ids(e)
		if err != nil {
			return err
		}
		for _, contact := range contacts {
			if err := EraseContact(ctx, tx, tenant, contact); err != nil {
				return err
			}
		}
	}
	return nil
}
