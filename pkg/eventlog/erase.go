package eventlog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// ErasedType is the type of the event that tells of a contact's erasure.
const ErasedType = "lingkar.contact.v1.ContactErased"

const (
	// settleAfter is how long after an erasure what is kept in the open is removed a
	// second time: a change that began before the erasure was known may have written
	// after it. It is longer than any transaction of a service may take.
	settleAfter = time.Minute
	// settleInterval is how often erasures are looked for that are to be settled.
	settleInterval = 20 * time.Second
)

// Erase removes what a projection's database holds of a contact in the open. It runs
// again for the same contact, and must leave everything that can be counted.
type Erase func(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error

// QueueErasure removes what the log's own tables hold of a contact in the open:
// the answers kept for repeated requests, and why its events could not be applied. A
// repetition is then answered FAILED_PRECONDITION CONTACT_ERASED. For a transaction
// of role relay.
func QueueErasure(b *pgx.Batch, tenant, contact uuid.UUID) {
	b.Queue("UPDATE idempotency SET response = NULL WHERE tenant = $1 AND $2 = ANY (contacts)", tenant, contact)
	b.Queue("UPDATE parked_event SET cause = 'the contact was erased' WHERE tenant = $1 AND key = $2 AND cause <> ''",
		tenant, "contacts/"+contact.String())
}

// Forget drops the key of a contact from the cache where the event tells that it was
// erased. Whoever keeps keys and reads events calls it with each of them.
func Forget(keys Keys, e *eventv1.Event) {
	if e.GetType() != ErasedType {
		return
	}
	cache, keeps := keys.(interface {
		Drop(tenant, contact uuid.UUID)
	})
	tenant, contact, err := owners(e.GetTenant(), e.GetAggregate())
	if keeps && err == nil {
		cache.Drop(tenant, contact)
	}
}

// erased are the contacts of which the events tell that they were erased.
func erased(items []item) (contacts []keyName, err error) {
	for _, i := range items {
		if i.event.GetType() != ErasedType {
			continue
		}
		tenant, contact, err := owners(i.event.GetTenant(), i.event.GetAggregate())
		if err != nil {
			return nil, err
		}
		contacts = append(contacts, keyName{tenant, contact})
	}
	return contacts, nil
}

// erase removes the contacts that were erased, in the transaction of the batch. It is
// done whatever becomes of their other events: no poison keeps a person's data.
func (a *attempt) erase(ctx context.Context, tx pgx.Tx, items []item) error {
	if a.Erase == nil {
		return nil
	}
	contacts, err := erased(items)
	if err != nil {
		return err
	}
	for _, c := range contacts {
		if err := a.remove(ctx, tx, c); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO erased_contact (projection, tenant, contact)
			VALUES ($1, $2, $3)
			ON CONFLICT (projection, tenant, contact) DO UPDATE SET apply_time = now(), settled = false`, a.Name, c.tenant, c.contact)
		if err != nil {
			return fmt.Errorf("eventlog: noting an erasure: %w", err)
		}
	}
	return nil
}

// remove removes one contact.
func (r *Runner) remove(ctx context.Context, tx pgx.Tx, c keyName) error {
	b := &pgx.Batch{}
	QueueErasure(b, c.tenant, c.contact)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("eventlog: erasing kept answers: %w", err)
	}
	if err := r.Erase(ctx, tx, c.tenant, c.contact); err != nil {
		return fmt.Errorf("projection %s: erasing a contact: %w", r.Name, err)
	}
	return nil
}

// Settle removes once more, a while later, what is kept in the open of contacts that
// were erased, until the context ends.
func (r *Runner) Settle(ctx context.Context) error {
	for {
		if err := r.settle(ctx, settleAfter); err != nil && ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "erasures cannot be settled now", "projection", r.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settleInterval):
		}
	}
}

// settle settles the erasures that were applied so long ago.
func (r *Runner) settle(ctx context.Context, after time.Duration) error {
	rows, err := r.DB.Query(ctx, `
		SELECT tenant, contact
		FROM erased_contact
		WHERE projection = $1 AND NOT settled AND apply_time < now() - $2::interval`, r.Name, after)
	if err != nil {
		return err
	}
	contacts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c keyName, err error) {
		return c, row.Scan(&c.tenant, &c.contact)
	})
	if err != nil {
		return err
	}
	for _, c := range contacts {
		err := pgx.BeginFunc(ctx, r.DB, func(tx pgx.Tx) error {
			if err := r.remove(ctx, tx, c); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `
				UPDATE erased_contact SET settled = true
				WHERE projection = $1 AND tenant = $2 AND contact = $3`, r.Name, c.tenant, c.contact)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Blank takes the personal fields out of events that are sealed under a contact's
// key, as if it were destroyed already, and answers whether the event was one.
func Blank(e *eventv1.Event, contact uuid.UUID) bool {
	if strings.TrimPrefix(e.GetSealed().GetContact(), "contacts/") != contact.String() {
		return false
	}
	e.Sealed = nil
	return true
}
