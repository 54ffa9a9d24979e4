package store

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// CreateContact stores a new contact with its Customer ID and its key. The id is
// the one an offline client brought, or empty; the guard says whether a duplicate is
// refused.
func (s *Store) CreateContact(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.Contact, guard contact.Guard) (*contactv1.Contact, error) {
	rules, err := s.Contacts.CustomRules(ctx, tenant)
	if err != nil {
		return nil, err
	}
	row, err := s.newContact(id, p, rules)
	if err != nil {
		return nil, err
	}
	row.Guard = guard
	fresh, err := s.equip(ctx, tenant, row)
	if err != nil {
		return nil, err
	}
	created, err := guarded(ctx, s, tenant, []*contact.Contact{row}, func() (*contactv1.Contact, error) {
		return s.Contacts.Add(ctx, tenant, row)
	})
	fresh.release(ctx, created)
	return created, err
}

// BatchCreateContacts stores all contacts of the requests, or none.
func (s *Store) BatchCreateContacts(ctx context.Context, tenant uuid.UUID, reqs []*contactv1.CreateContactRequest) (*contactv1.BatchCreateContactsResponse, error) {
	rules, err := s.Contacts.CustomRules(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows := make([]*contact.Contact, len(reqs))
	for i, req := range reqs {
		row, err := s.newContact(req.GetContactId(), req.GetContact(), rules)
		if err != nil {
			return nil, within(fields.Index("requests", i)+".", err)
		}
		rows[i] = row
		if row.Guard = contact.Guarded; req.GetAllowDuplicates() {
			row.Guard = contact.Unguarded
		}
	}
	fresh, err := s.equip(ctx, tenant, rows...)
	if err != nil {
		return nil, err
	}
	created, err := guarded(ctx, s, tenant, rows, func() (*contactv1.BatchCreateContactsResponse, error) {
		return s.addAll(ctx, tenant, rows)
	})
	fresh.release(ctx, created.GetContacts()...)
	return created, err
}

func (s *Store) addAll(ctx context.Context, tenant uuid.UUID, rows []*contact.Contact) (*contactv1.BatchCreateContactsResponse, error) {
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.BatchCreateContactsResponse, error) {
		resp := &contactv1.BatchCreateContactsResponse{}
		for _, row := range rows {
			if err := s.Contacts.AddIn(u, row); err != nil {
				return nil, err
			}
			resp.Contacts = append(resp.Contacts, contactProto(row))
		}
		return resp, nil
	})
}

// newContact reads a contact that is about to be created.
func (s *Store) newContact(id string, p *contactv1.Contact, rules record.CustomRules) (*contact.Contact, error) {
	r := &fields.Reader{}
	row := &contact.Contact{Meta: entity.Meta{ID: r.ID("contact_id", id)}}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := s.fillContact(row, p); err != nil {
		return nil, err
	}
	return row, s.Contacts.CheckNew(rules, row)
}

// UpsertContact updates the living contact that holds the external id, or creates
// one. Of two calls that create it at once, the later one updates.
func (s *Store) UpsertContact(ctx context.Context, tenant uuid.UUID, req *contactv1.UpsertContactRequest) (*contactv1.Contact, error) {
	system, id := req.GetExternalId().GetSystem(), req.GetExternalId().GetId()
	p := req.GetContact()
	if p.ExternalIds == nil {
		p.ExternalIds = map[string]string{}
	}
	p.ExternalIds[system] = id
	handle := contact.Handle{Kind: contact.ExternalID, Key: contact.ExternalKey(system, id)}
	for attempt := 0; ; attempt++ {
		holders, err := s.candidates(ctx, tenant, handle, 1)
		if err != nil {
			return nil, err
		}
		if len(holders) == 1 {
			p.Name = named(contacts, holders[0])
			return s.Contacts.Update(ctx, tenant, p, req.GetUpdateMask())
		}
		created, err := s.CreateContact(ctx, tenant, "", p, contact.Unguarded)
		if attempt > 0 || !errors.Is(err, errExternalIDTaken) {
			return created, err
		}
	}
}

// maxCandidates is how many contacts a look-up answers.
const maxCandidates = 100

// Lookup answers the living contacts that hold the handle and that the caller may
// see, the latest changed first, and how many more there are. A unique kind
// answers exactly one, or NOT_FOUND.
func (s *Store) Lookup(ctx context.Context, tenant uuid.UUID, h contact.Handle) (found []*contactv1.Contact, hidden int, err error) {
	ids, err := s.candidates(ctx, tenant, h, maxCandidates)
	if err != nil {
		return nil, 0, err
	}
	found, err = s.Contacts.Among(ctx, tenant, ids)
	if err != nil {
		return nil, 0, err
	}
	if h.Kind.Unique() && len(found) == 0 {
		return nil, 0, errs.NotFound("contact", "")
	}
	slices.SortStableFunc(found, func(a, b *contactv1.Contact) int {
		return b.GetUpdateTime().AsTime().Compare(a.GetUpdateTime().AsTime())
	})
	return found, len(ids) - len(found), nil
}

// LookupCustomerID answers the living contact of a Customer ID, or of one that was
// merged into it.
func (s *Store) LookupCustomerID(ctx context.Context, tenant uuid.UUID, id string) (*contactv1.Contact, error) {
	ids, err := s.ids(ctx, tenant, `
		SELECT living.id
		FROM contact AS c
		LEFT JOIN merged_contact AS m ON m.tenant = c.tenant AND m.contact = c.id
		JOIN contact AS living ON living.tenant = c.tenant AND living.id = COALESCE(m.root, c.id)
		WHERE c.tenant = $1 AND c.customer_id = $2 AND living.delete_time IS NULL`, tenant, id)
	if err != nil {
		return nil, err
	}
	found, err := s.Contacts.Among(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errs.NotFound("contact", "")
	}
	return found[0], nil
}

// within names the fields of an input error from one level higher.
func within(prefix string, err error) error {
	var invalid *errs.Error
	if !errors.As(err, &invalid) || len(invalid.Violations()) == 0 {
		return err
	}
	violations := slices.Clone(invalid.Violations())
	for i := range violations {
		violations[i].Field = prefix + violations[i].Field
	}
	return errs.InvalidAll(violations...)
}
