package eventlog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// causeBytes is the most of an error that is kept with a parked event.
const causeBytes = 2000

// parkingKey names what is parked together: the events of one customer in one
// partition.
type parkingKey struct {
	slot
	tenant uuid.UUID
	key    string
}

// parking is one event to be parked.
type parking struct {
	event *eventv1.Event
	key   parkingKey
	// cause is why; empty for one that waits behind another.
	cause string
}

// keyOfEvent answers under which key an event is parked: its primary contact,
// or its aggregate where it has none.
func keyOfEvent(e *eventv1.Event) parkingKey {
	k := parkingKey{slot: slotOf(e), key: e.GetAggregate()}
	if len(e.GetContacts()) > 0 {
		k.key = e.GetContacts()[0]
	}
	k.tenant, _ = uuid.Parse(e.GetTenant()[len("tenants/"):])
	return k
}

func scanKeys(rows pgx.Rows, into map[parkingKey]bool) error {
	var k parkingKey
	_, err := pgx.ForEachRow(rows, []any{&k.area, &k.partition, &k.tenant, &k.key}, func() error {
		into[k] = true
		return nil
	})
	return err
}

func hasSpoilt(items []item) bool {
	for _, i := range items {
		if i.spoilt != nil {
			return true
		}
	}
	return false
}

// sift applies the items under savepoints, in halves where they fail together,
// until each one that fails stands alone and is parked. Later events of the same
// customer are parked behind it, and all others go through.
func (a *attempt) sift(ctx context.Context, tx pgx.Tx, items []item) error {
	items = a.unblocked(items)
	if len(items) == 0 {
		return nil
	}
	err := a.savepoint(ctx, tx, items)
	switch {
	case err == nil:
		return nil
	case transient(err) || tx.Conn().IsClosed():
		return err
	case len(items) == 1:
		a.park(items[0].event, err)
		return nil
	}
	half := len(items) / 2
	if err := a.sift(ctx, tx, items[:half]); err != nil {
		return err
	}
	return a.sift(ctx, tx, items[half:])
}

func (a *attempt) savepoint(ctx context.Context, tx pgx.Tx, items []item) error {
	for _, i := range items {
		if i.spoilt != nil {
			return i.spoilt
		}
	}
	return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		if err := a.call(ctx, inner, items); err != nil {
			return err
		}
		// What is checked at COMMIT is checked here, where it tells whose it is.
		_, err := inner.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE")
		return err
	})
}

// unblocked parks the items that wait behind a parked event and answers the
// others.
func (a *attempt) unblocked(items []item) []item {
	if len(a.blocked) == 0 {
		return items
	}
	var free []item
	for _, i := range items {
		if k := keyOfEvent(i.event); a.blocked[k] {
			a.parked = append(a.parked, parking{event: i.event, key: k})
		} else {
			free = append(free, i)
		}
	}
	return free
}

func (a *attempt) park(e *eventv1.Event, cause error) {
	k := keyOfEvent(e)
	a.blocked[k] = true
	a.parked = append(a.parked, parking{event: e, key: k, cause: causeOf(cause)})
}

func causeOf(err error) string {
	text := err.Error()
	if len(text) > causeBytes {
		text = text[:causeBytes]
	}
	return text
}

func (a *attempt) queueParked(b *pgx.Batch) {
	for _, p := range a.parked {
		attempts := 0
		if p.cause != "" {
			attempts = 1
		}
		b.Queue(`
			INSERT INTO parked_event (projection, area, partition, seq, tenant, key, id, event, cause, attempts)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			a.Name, p.key.area, p.key.partition, p.event.GetPosition(), p.key.tenant, p.key.key,
			p.event.GetId(), encode(p.event), p.cause, attempts)
	}
}

// FetchKeys fetches what is needed to unseal the events, one call per tenant. Call
// it outside of transactions; Unseal needs no further call then, but for contacts
// that are gone.
func FetchKeys(ctx context.Context, keys Keys, events []*eventv1.Event) error {
	missing := map[uuid.UUID][]uuid.UUID{}
	asked := map[keyName]bool{}
	for _, e := range events {
		if e.GetSealed() == nil {
			continue
		}
		tenant, contact, err := owners(e.GetTenant(), e.GetSealed().GetContact())
		if err != nil || asked[keyName{tenant, contact}] {
			continue // an event that names nobody fails when it is opened
		}
		asked[keyName{tenant, contact}] = true
		if _, ok := keys.Cached(tenant, contact); !ok {
			missing[tenant] = append(missing[tenant], contact)
		}
	}
	for tenant, contacts := range missing {
		if err := keys.Fetch(ctx, tenant, contacts...); err != nil && !unknown(err) {
			return fmt.Errorf("eventlog: keys of tenants/%s: %w", tenant, err)
		}
	}
	return nil
}
