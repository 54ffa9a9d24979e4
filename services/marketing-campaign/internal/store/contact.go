package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/template"
)

// Contact is what a message needs to know of a contact.
type Contact struct {
	Deleted bool
	Names   template.Names
	// PreferredChannel is 0 where the contact prefers none.
	PreferredChannel int32
}

// ReadContact answers what a message needs to know of a contact. Of a deleted one
// that is nothing.
func ReadContact(c *contactv1.Contact) Contact {
	if c.GetDeleteTime() != nil {
		return Contact{Deleted: true}
	}
	return Contact{
		Names: template.Names{
			Given: c.GetGivenName(), Family: c.GetFamilyName(),
			Display: c.GetDisplayName(), Organisation: c.GetOrganisationName(),
		},
		PreferredChannel: int32(c.GetPreference().GetChannel()),
	}
}

// Contacts answers those of some contacts that an event has told of. It may be a
// moment late.
func (s *Store) Contacts(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Contact, error) {
	known := make(map[uuid.UUID]Contact, len(ids))
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT contact, deleted, given_name, family_name, display_name, organisation_name, preferred_channel
		FROM known_contact
		WHERE tenant = $1 AND contact = ANY ($2)`, tenant, ids).Query(func(rows pgx.Rows) error {
		var (
			id uuid.UUID
			c  Contact
		)
		_, err := pgx.ForEachRow(rows, []any{
			&id, &c.Deleted, &c.Names.Given, &c.Names.Family, &c.Names.Display, &c.Names.Organisation, &c.PreferredChannel,
		}, func() error {
			known[id] = c
			return nil
		})
		return err
	})
	if err := postgres.Run(ctx, s.DB, b); err != nil {
		return nil, fmt.Errorf("read what is known of contacts: %w", err)
	}
	return known, nil
}

// ContactProjection follows what there is to know of contacts.
func ContactProjection() eventlog.Projection {
	return eventlog.Projection{
		Name: "known_contact", Areas: []string{"contact"}, Apply: applyContacts, Linger: 50 * time.Millisecond,
		Erase: eraseContact,
	}
}

type contactKey struct{ tenant, contact uuid.UUID }

// applyContacts keeps the newest state of each contact that the events tell of.
func applyContacts(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	if err := survivor.Apply(ctx, tx, events); err != nil {
		return err
	}
	newest := map[contactKey]Contact{}
	for _, e := range events {
		id, ok := strings.CutPrefix(e.GetAggregate(), "contacts/")
		if !ok {
			continue
		}
		key, c, err := readContactEvent(e, id)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
		newest[key] = c
	}
	return putContacts(ctx, tx, newest)
}

func readContactEvent(e *eventv1.Event, id string) (key contactKey, c Contact, err error) {
	if key.contact, err = uuid.Parse(id); err != nil {
		return key, c, err
	}
	if key.tenant, err = uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/")); err != nil {
		return key, c, err
	}
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return key, c, err
	}
	tells, ok := payload.(interface{ GetContact() *contactv1.Contact })
	if !ok {
		return key, c, fmt.Errorf("%s tells no contact", e.GetType())
	}
	return key, ReadContact(tells.GetContact()), nil
}

func putContacts(ctx context.Context, tx pgx.Tx, known map[contactKey]Contact) error {
	if len(known) == 0 {
		return nil
	}
	var (
		tenants, contacts                     = make([]uuid.UUID, 0, len(known)), make([]uuid.UUID, 0, len(known))
		deleted                               = make([]bool, 0, len(known))
		given, family, display, organisations = make([]string, 0, len(known)), make([]string, 0, len(known)), make([]string, 0, len(known)), make([]string, 0, len(known))
		channels                              = make([]int32, 0, len(known))
	)
	for k, c := range known {
		tenants, contacts, deleted = append(tenants, k.tenant), append(contacts, k.contact), append(deleted, c.Deleted)
		given, family = append(given, c.Names.Given), append(family, c.Names.Family)
		display, organisations = append(display, c.Names.Display), append(organisations, c.Names.Organisation)
		channels = append(channels, c.PreferredChannel)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO known_contact (tenant, contact, deleted, given_name, family_name, display_name, organisation_name, preferred_channel)
		SELECT k.tenant, k.contact, k.deleted, k.given, k.family, k.display, k.organisation, k.channel
		FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[])
			AS k (tenant, contact, deleted, given, family, display, organisation, channel)
		ORDER BY k.tenant, k.contact
		ON CONFLICT (tenant, contact) DO UPDATE
		SET deleted = excluded.deleted,
		    given_name = excluded.given_name,
		    family_name = excluded.family_name,
		    display_name = excluded.display_name,
		    organisation_name = excluded.organisation_name,
		    preferred_channel = excluded.preferred_channel`,
		tenants, contacts, deleted, given, family, display, organisations, channels)
	if err != nil {
		return fmt.Errorf("write what is known of contacts: %w", err)
	}
	return nil
}
