package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Changes is the projection of the order in which contacts last changed, a part of one.
func Changes() eventlog.Projection {
	return eventlog.Projection{
		Name: "contact_change", Areas: []string{"contact"}, Apply: applyChanges, Personal: eventlog.Unread,
	}
}

// changesLock lets one transaction at a time give numbers, so that they become
// visible in their order.
const changesLock = int64(0x6c6b_6368_616e_6765)

// holders are those who had a contact, by the events of one batch.
type holders struct{ owners, teams []string }

// separator joins the owners of one contact; none of them holds it.
const separator = "\x1f"

func applyChanges(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	changed, err := changedBy(events)
	if err != nil || len(changed) == 0 {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("SELECT pg_advisory_xact_lock($1)", changesLock)
	for tenant, of := range changed {
		var ids []uuid.UUID
		var owners, teams []string
		for id, held := range of {
			ids = append(ids, id)
			owners, teams = append(owners, strings.Join(held.owners, separator)), append(teams, strings.Join(held.teams, separator))
		}
		b.Queue(`
			INSERT INTO contact_change AS held (tenant, contact, number, owners, teams)
			SELECT $1, c.contact, COALESCE((SELECT max(number) FROM contact_change WHERE tenant = $1), 0) + c.n,
				string_to_array(c.owners, $5), string_to_array(c.teams, $5)
			FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS c (contact, owners, teams, n)
			ON CONFLICT (tenant, contact) DO UPDATE SET
				number = excluded.number,
				owners = ARRAY(SELECT unnest(held.owners) UNION SELECT unnest(excluded.owners)),
				teams  = ARRAY(SELECT unnest(held.teams) UNION SELECT unnest(excluded.teams))`,
			tenant, ids, owners, teams, separator)
	}
	return tx.SendBatch(ctx, b).Close()
}

// changedBy answers the contacts that events are of, by tenant.
func changedBy(events []*eventv1.Event) (map[uuid.UUID]map[uuid.UUID]*holders, error) {
	changed := map[uuid.UUID]map[uuid.UUID]*holders{}
	for _, e := range events {
		name, ok := strings.CutPrefix(e.GetAggregate(), contacts+"/")
		if !ok {
			continue
		}
		id, err := uuid.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("aggregate of an event: %w", err)
		}
		tenant, err := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
		if err != nil {
			return nil, fmt.Errorf("tenant of an event: %w", err)
		}
		of, err := contactIn(e)
		if err != nil {
			return nil, err
		}
		if changed[tenant] == nil {
			changed[tenant] = map[uuid.UUID]*holders{}
		}
		if changed[tenant][id] == nil {
			changed[tenant][id] = &holders{}
		}
		changed[tenant][id].add(of)
	}
	return changed, nil
}

func (h *holders) add(c *contactv1.Contact) {
	if owner := c.GetOwner(); owner != "" && !slices.Contains(h.owners, owner) {
		h.owners = append(h.owners, owner)
	}
	if team := c.GetTeam(); team != "" && !slices.Contains(h.teams, team) {
		h.teams = append(h.teams, team)
	}
}

// contactIn answers the contact as an event of it holds it; nil where it holds none.
func contactIn(e *eventv1.Event) (*contactv1.Contact, error) {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return nil, fmt.Errorf("payload of an event: %w", err)
	}
	of, _ := payload.(interface{ GetContact() *contactv1.Contact })
	if of == nil {
		return nil, nil
	}
	return of.GetContact(), nil
}

// ChangesQuery asks for what changed after a number.
type ChangesQuery struct {
	After  int64
	Limit  int
	Filter string
	// Begin tells that the caller holds no contact yet: what it need not forget is
	// not told.
	Begin bool
}

// LastChange answers the number of the tenant's last change.
func (s *Store) LastChange(ctx context.Context, tenant uuid.UUID) (last int64, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT COALESCE(max(number), 0) FROM contact_change WHERE tenant = $1", tenant).
		QueryRow(func(row pgx.Row) error { return row.Scan(&last) })
	return last, postgres.Run(ctx, s.db, b)
}

// change is a contact that changed, and whether the caller may have held it.
type change struct {
	number int64
	id     uuid.UUID
	held   bool
}

// NumberedChange is what became of a contact, and the number up to which all changes
// are told with it.
type NumberedChange struct {
	Number int64
	Change *contactv1.ContactChange
}

// ChangesAfter answers what became of the contacts that changed after a number, in
// their order, and the number up to which that holds; it is the one asked for where
// nothing more changed.
func (s *Store) ChangesAfter(ctx context.Context, tenant uuid.UUID, q ChangesQuery) ([]NumberedChange, int64, error) {
	changes, err := s.changed(ctx, tenant, q)
	if err != nil || len(changes) == 0 {
		return nil, q.After, err
	}
	for {
		told, whole, err := s.tell(ctx, tenant, q, changes)
		if err != nil || whole || len(changes) == 1 {
			return told, changes[len(changes)-1].number, err
		}
		changes = changes[:(len(changes)+1)/2] // they are more than one answer holds
	}
}

func (s *Store) changed(ctx context.Context, tenant uuid.UUID, q ChangesQuery) ([]change, error) {
	var changes []change
	all, owner, teams := record.Reach(ctx)
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT number, contact, $4 OR $5 = ANY (owners) OR teams && $6
		FROM contact_change
		WHERE tenant = $1 AND number > $2
		ORDER BY number
		LIMIT $3`, tenant, q.After, q.Limit, all, owner, teams).Query(func(rows pgx.Rows) (err error) {
		changes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (change, error) {
			var c change
			return c, row.Scan(&c.number, &c.id, &c.held)
		})
		return err
	})
	return changes, postgres.Run(ctx, s.db, b)
}

// tell says what became of each contact; whole is false where it did not find out of
// all of them.
func (s *Store) tell(ctx context.Context, tenant uuid.UUID, q ChangesQuery, changes []change) (told []NumberedChange, whole bool, err error) {
	ids := make([]uuid.UUID, len(changes))
	for i, c := range changes {
		ids[i] = c.id
	}
	size := int32(len(ids))
	matching, next, err := s.Contacts.List(ctx, tenant, &contactv1.ListContactsRequest{PageSize: size, Filter: q.Filter, OrderBy: "create_time"}, postgres.In("id", ids))
	if err != nil || next != "" {
		return nil, false, err
	}
	now := map[string]*contactv1.Contact{}
	for _, c := range matching {
		now[c.GetName()] = c
	}
	gone, err := s.unmatched(ctx, tenant, q, changes, now)
	if err != nil {
		return nil, false, err
	}
	for _, c := range changes {
		name := named(contacts, c.id)
		if there := now[name]; there != nil {
			told = append(told, NumberedChange{c.number, &contactv1.ContactChange{Name: name, Kind: contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_CHANGED, Contact: there}})
		} else if lost := gone[c.id]; lost != nil {
			told = append(told, NumberedChange{c.number, lost})
		}
	}
	return told, true, nil
}

// unmatched says what became of the contacts that the caller may have held and that
// are not among those it gets now.
func (s *Store) unmatched(ctx context.Context, tenant uuid.UUID, q ChangesQuery, changes []change, now map[string]*contactv1.Contact) (map[uuid.UUID]*contactv1.ContactChange, error) {
	var ids []uuid.UUID
	for _, c := range changes {
		if c.held && !q.Begin && now[named(contacts, c.id)] == nil {
			ids = append(ids, c.id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return nil, err
	}
	gone := map[uuid.UUID]*contactv1.ContactChange{}
	for _, row := range rows {
		gone[row.ID] = forgotten(row)
	}
	return gone, nil
}

// forgotten says why a contact is to be forgotten. Whoever had it may know what it is
// one with now.
func forgotten(c *contact.Contact) *contactv1.ContactChange {
	told := &contactv1.ContactChange{Name: named(contacts, c.ID), Kind: contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_REMOVED}
	switch {
	case c.MergedInto != nil:
		told.Kind, told.MergedInto = contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_MERGED, named(contacts, *c.MergedInto)
	case c.Deleted() || c.EraseTime != nil:
		told.Kind = contactv1.ContactChangeKind_CONTACT_CHANGE_KIND_DELETED
	}
	return told
}

// CheckFilter answers an error where contacts cannot be filtered so.
func (s *Store) CheckFilter(ctx context.Context, tenant uuid.UUID, filter string) error {
	_, _, err := s.Contacts.List(ctx, tenant, &contactv1.ListContactsRequest{PageSize: 1, Filter: filter, OrderBy: "create_time"}, postgres.In("id", []uuid.UUID{}))
	return err
}
