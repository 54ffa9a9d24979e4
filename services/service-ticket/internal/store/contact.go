package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// LearnContact notes that a contact exists, before the event that tells of it has
// come. It changes nothing that an event has told.
func (s *Store) LearnContact(ctx context.Context, tenant, contact uuid.UUID) error {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		INSERT INTO known_contact (tenant, contact, deleted)
		VALUES ($1, $2, false)
		ON CONFLICT (tenant, contact) DO NOTHING`, tenant, contact)
	if err := postgres.Run(ctx, s.DB, b); err != nil {
		return fmt.Errorf("learn of a contact: %w", err)
	}
	return nil
}

// ContactProjection follows which contacts there are, and the custom fields that area
// contact keeps for all.
func ContactProjection() eventlog.Projection {
	return eventlog.Projection{
		Name: "known_contact", Areas: []string{"contact"}, Apply: applyContacts,
		Personal: eventlog.Unread, Linger: 50 * time.Millisecond, Erase: eraseContact,
	}
}

// applyContacts keeps the newest state of each contact that the events tell of.
func applyContacts(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	if err := survivor.Apply(ctx, tx, events); err != nil {
		return err
	}
	if err := customfield.Follow(ctx, tx, events, CustomTables); err != nil {
		return err
	}
	type key struct{ tenant, contact uuid.UUID }
	newest := map[key]bool{}
	for _, e := range events {
		id, ok := strings.CutPrefix(e.GetAggregate(), "contacts/")
		if !ok {
			continue
		}
		contact, err := uuid.Parse(id)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
		tenant, err := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
		if err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
		newest[key{tenant, contact}] = e.GetType() == contactDeleted || e.GetType() == eventlog.ErasedType
	}
	if len(newest) == 0 {
		return nil
	}
	var (
		tenants, contacts = make([]uuid.UUID, 0, len(newest)), make([]uuid.UUID, 0, len(newest))
		deleted           = make([]bool, 0, len(newest))
	)
	for k, d := range newest {
		tenants, contacts, deleted = append(tenants, k.tenant), append(contacts, k.contact), append(deleted, d)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO known_contact (tenant, contact, deleted)
		SELECT k.tenant, k.contact, k.deleted
		FROM unnest($1::uuid[], $2::uuid[], $3::boolean[]) AS k (tenant, contact, deleted)
		ORDER BY k.tenant, k.contact
		ON CONFLICT (tenant, contact) DO UPDATE SET deleted = excluded.deleted`, tenants, contacts, deleted)
	if err != nil {
		return fmt.Errorf("write what is known of contacts: %w", err)
	}
	return nil
}

var contactDeleted = string((&contactv1.ContactDeleted{}).ProtoReflect().Descriptor().FullName())
