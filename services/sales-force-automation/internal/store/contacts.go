package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Contacts is the projection of which contacts exist, and of the custom fields that area
// contact keeps for all.
func Contacts() eventlog.Projection {
	return eventlog.Projection{
		Name: "contacts", Areas: []string{"contact"}, Apply: applyContacts,
		Personal: eventlog.Unread, Linger: 50 * time.Millisecond, Erase: eraseContact,
	}
}

// contactDeleted says what a contact's event means here: alive or deleted.
var contactDeleted = map[string]bool{
	"lingkar.contact.v1.ContactCreated":   false,
	"lingkar.contact.v1.ContactUndeleted": false,
	"lingkar.contact.v1.ContactDeleted":   true,
	eventlog.ErasedType:                   true,
}

// contactKey names a contact of a tenant.
type contactKey struct{ tenant, id uuid.UUID }

func applyContacts(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	if err := survivor.Apply(ctx, tx, events); err != nil {
		return err
	}
	if err := customfield.Follow(ctx, tx, events, CustomTables); err != nil {
		return err
	}
	last := map[contactKey]*eventv1.Event{}
	for _, e := range events {
		if _, counts := contactDeleted[e.GetType()]; !counts {
			continue
		}
		key, err := contactOf(e)
		if err != nil {
			return err
		}
		last[key] = e
	}
	if len(last) == 0 {
		return nil
	}
	var (
		tenants, ids []uuid.UUID
		seqs         []int64
		deleted      []bool
	)
	for _, key := range slices.SortedFunc(maps.Keys(last), contactKey.compare) {
		e := last[key]
		tenants, ids = append(tenants, key.tenant), append(ids, key.id)
		seqs, deleted = append(seqs, e.GetAggregateSeq()), append(deleted, contactDeleted[e.GetType()])
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO contact_state (tenant, id, seq, deleted)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::boolean[])
		ON CONFLICT (tenant, id) DO UPDATE
		SET seq = excluded.seq, deleted = excluded.deleted
		WHERE contact_state.seq < excluded.seq`, tenants, ids, seqs, deleted)
	return err
}

// compare orders keys, so that two transactions lock rows in one order.
func (k contactKey) compare(other contactKey) int {
	return cmp.Or(bytes.Compare(k.tenant[:], other.tenant[:]), bytes.Compare(k.id[:], other.id[:]))
}

func contactOf(e *eventv1.Event) (key contactKey, err error) {
	if key.tenant, err = uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/")); err != nil {
		return key, fmt.Errorf("tenant of the event %s: %w", e.GetId(), err)
	}
	if key.id, err = uuid.Parse(strings.TrimPrefix(e.GetAggregate(), contacts+"/")); err != nil {
		return key, fmt.Errorf("aggregate of the event %s: %w", e.GetId(), err)
	}
	return key, nil
}

// Introduce notes contacts that exist, before their events come. What the events
// said already stays.
func (s *Store) Introduce(ctx context.Context, tenant uuid.UUID, ids ...uuid.UUID) error {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		INSERT INTO contact_state (tenant, id, seq, deleted)
		SELECT $1, id, 0, false FROM unnest($2::uuid[]) AS c (id) ORDER BY id
		ON CONFLICT DO NOTHING`, tenant, ids)
	return postgres.Run(ctx, s.DB, b)
}

// ContactStates answers those of the contacts that are known: whether each is
// deleted.
func (s *Store) ContactStates(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	deleted := map[uuid.UUID]bool{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT id, deleted FROM contact_state WHERE tenant = $1 AND id = ANY ($2)", tenant, ids).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var (
				id   uuid.UUID
				gone bool
			)
			if err := rows.Scan(&id, &gone); err != nil {
				return err
			}
			deleted[id] = gone
		}
		return rows.Err()
	})
	return deleted, postgres.Run(ctx, s.DB, b)
}
