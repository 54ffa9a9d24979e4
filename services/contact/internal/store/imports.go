package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Incoming is a contact as a row of a file has it.
type Incoming struct {
	Line    int
	Contact *contactv1.Contact
	// Unread names the fields whose value could not be read and is kept as text.
	Unread []string
}

// matchOrder is by which identifier an incoming contact is recognised first. A
// phone number is not among them: households and companies share theirs.
var matchOrder = []contact.IdentifierKind{contact.ExternalID, contact.Card, contact.Device, contact.Email, contact.Web}

// ImportContacts brings contacts in within the unit: one whose identifier is
// known is put together with what is there, the others are new. All of them are
// looked up in one query.
func (s *Store) ImportContacts(ctx context.Context, u *record.Unit, job *bulk.Job, items []Incoming) ([]bulk.Outcome, error) {
	var outcomes []bulk.Outcome
	var rows []*contact.Contact
	var taken []Incoming
	for _, item := range items {
		row := &contact.Contact{}
		if err := s.fillContact(row, item.Contact); err != nil {
			outcomes = append(outcomes, bulk.Failed(item.Line, err))
			continue
		}
		rows, taken = append(rows, row), append(taken, item)
	}
	known, err := s.holders(u, job.Tenant, rows)
	if err != nil {
		return nil, err
	}
	if err := s.equipUnknown(ctx, job.Tenant, known, rows); err != nil {
		return nil, err
	}
	for i, row := range rows {
		o, err := s.importContact(u, job, known, row, taken[i])
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// holders answers who holds the identifiers of the rows.
func (s *Store) holders(u *record.Unit, tenant uuid.UUID, rows []*contact.Contact) (map[contact.Handle]uuid.UUID, error) {
	var handles []contact.Handle
	for _, row := range rows {
		handles = append(handles, row.Handles()...)
	}
	kinds, keys := columns(handles)
	known := map[contact.Handle]uuid.UUID{}
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`
			SELECT h.kind, h.key, i.contact
			FROM unnest($2::smallint[], $3::text[]) AS h (kind, key)
			CROSS JOIN LATERAL (
				SELECT contact FROM identifier
				WHERE tenant = $1 AND kind = h.kind AND key = h.key
				ORDER BY contact LIMIT 1
			) AS i`, tenant, kinds, keys).Query(func(found pgx.Rows) error {
			for found.Next() {
				var h contact.Handle
				var id uuid.UUID
				if err := found.Scan(&h.Kind, &h.Key, &id); err != nil {
					return err
				}
				known[h] = id
			}
			return found.Err()
		})
	})
	return known, err
}

// holder answers who a row is, by the strongest identifier that is known.
func holder(known map[contact.Handle]uuid.UUID, row *contact.Contact) (uuid.UUID, bool) {
	handles := row.Handles()
	for _, kind := range matchOrder {
		for _, h := range handles {
			if id, ok := known[h]; ok && h.Kind == kind {
				return id, true
			}
		}
	}
	return uuid.Nil, false
}

// equipUnknown gives numbers and keys to the rows that nobody is known to be.
func (s *Store) equipUnknown(ctx context.Context, tenant uuid.UUID, known map[contact.Handle]uuid.UUID, rows []*contact.Contact) error {
	var fresh []*contact.Contact
	for _, row := range rows {
		if _, ok := holder(known, row); !ok {
			fresh = append(fresh, row)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	// What is bound to contacts of a step that is taken back is never used again.
	_, err := s.equip(ctx, tenant, fresh...)
	return err
}

// importContact adds the row, or puts it together with the contact it is. A trial
// remembers what it added, because the next step will not find it.
func (s *Store) importContact(u *record.Unit, job *bulk.Job, known map[contact.Handle]uuid.UUID, row *contact.Contact, item Incoming) (bulk.Outcome, error) {
	o := bulk.Outcome{Line: item.Line, What: bulkv1.ImportOutcome_IMPORT_OUTCOME_UPDATED}
	if len(item.Unread) > 0 {
		o.Reason, o.Message = "VALUE_UNREAD", "kept as text, because it cannot be read: "+strings.Join(item.Unread, ", ")
	}
	if id, ok := holder(known, row); ok {
		o.Resource = named(contacts, id)
		err := s.mergeIncoming(u, o.Resource, row)
		if errs.Code(err) == codes.InvalidArgument {
			return bulk.Failed(item.Line, err), nil
		}
		return o, err
	}
	if job.DryRun() && seenBefore(job.Seen, row) {
		return o, nil
	}
	if err := s.Contacts.AddIn(u, row); err != nil {
		return o, err
	}
	for _, h := range row.Handles() {
		if slices.Contains(matchOrder, h.Kind) {
			known[h] = row.ID
		}
	}
	o.What, o.Resource = bulkv1.ImportOutcome_IMPORT_OUTCOME_CREATED, named(contacts, row.ID)
	return o, nil
}

// seenBefore tells whether an earlier row of the trial was the same contact, and
// remembers this one.
func seenBefore(seen map[string]string, row *contact.Contact) bool {
	before := false
	for _, h := range row.Handles() {
		if !slices.Contains(matchOrder, h.Kind) {
			continue
		}
		key := string(rune(h.Kind)) + h.Key
		if _, ok := seen[key]; ok {
			before = true
		}
		seen[key] = ""
	}
	return before
}

// mergeIncoming puts what a file says together with what is there: names and
// texts that the file has replace, identifiers and addresses are added, nothing
// is removed.
func (s *Store) mergeIncoming(u *record.Unit, name string, incoming *contact.Contact) error {
	in := contactProto(incoming) // its identifiers in their stored form, as those that are there
	_, err := s.Contacts.ChangeIn(u, name, func(row *contact.Contact) ([]entity.Event, error) {
		before := contactProto(row)
		wanted := merged(before, in)
		if err := s.fillContact(row, wanted); err != nil {
			return nil, err
		}
		after := contactProto(row)
		if proto.Equal(before, after) {
			return nil, nil
		}
		return []entity.Event{entity.Updated{Paths: []string{"*"}}}, nil
	})
	return err
}

func merged(before, in *contactv1.Contact) *contactv1.Contact {
	c := proto.Clone(before).(*contactv1.Contact)
	for _, field := range []struct {
		into *string
		from string
	}{
		{&c.GivenName, in.GetGivenName()}, {&c.FamilyName, in.GetFamilyName()}, {&c.OrganisationName, in.GetOrganisationName()},
		{&c.JobTitle, in.GetJobTitle()}, {&c.LanguageCode, in.GetLanguageCode()}, {&c.RegionCode, in.GetRegionCode()},
		{&c.Note, in.GetNote()}, {&c.Owner, in.GetOwner()},
	} {
		if field.from != "" {
			*field.into = field.from
		}
	}
	if in.GetBirthday() != nil {
		c.Birthday = in.GetBirthday()
	}
	c.Identifiers = addNew(c.Identifiers, in.GetIdentifiers(), func(a, b *contactv1.Identifier) bool {
		return a.GetKind() == b.GetKind() && a.GetValue() == b.GetValue()
	})
	c.Addresses = addNew(c.Addresses, in.GetAddresses(), func(a, b *contactv1.Address) bool { return proto.Equal(a, b) || sameAddress(a, b) })
	c.Labels = joined(c.Labels, in.GetLabels(), true)
	c.ExternalIds = joined(c.ExternalIds, in.GetExternalIds(), false)
	if in.GetCustomFields() != nil {
		if c.CustomFields == nil {
			c.CustomFields = in.GetCustomFields()
		} else {
			for k, v := range in.GetCustomFields().GetFields() {
				c.CustomFields.Fields[k] = v
			}
		}
	}
	return c
}

func sameAddress(a, b *contactv1.Address) bool {
	return slices.Equal(a.GetLines(), b.GetLines()) && a.GetLocality() == b.GetLocality() && a.GetPostalCode() == b.GetPostalCode()
}

func addNew[T any](list, more []T, same func(a, b T) bool) []T {
	for _, m := range more {
		if !slices.ContainsFunc(list, func(l T) bool { return same(l, m) }) {
			list = append(list, m)
		}
	}
	return list
}

// joined puts two maps together; of two values for a key the newer one wins where
// replace says so.
func joined(old, more map[string]string, replace bool) map[string]string {
	if len(more) == 0 {
		return old
	}
	all := map[string]string{}
	for k, v := range old {
		all[k] = v
	}
	for k, v := range more {
		if _, held := all[k]; !held || replace {
			all[k] = v
		}
	}
	return all
}

// UndoImported deletes a contact that an import created. One that was deleted
// since is left as it is.
func (s *Store) UndoImported(_ context.Context, u *record.Unit, name string) error {
	_, err := s.Contacts.ChangeIn(u, name, func(c *contact.Contact) ([]entity.Event, error) {
		now := s.log.Now().UTC()
		c.DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
	var gone *errs.Error
	if errors.As(err, &gone) && (errs.Reason(err) == "DELETED" || errs.Code(err) == codes.NotFound) {
		return nil
	}
	return err
}
