package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

var mergeTable = postgres.NewTable[identity.Merge](postgres.Def{
	Name: "contact_merge", Kind: "contact merge",
	Fields: []postgres.Field{
		{Path: "survivor", Type: postgres.UUID}, {Path: "contact", Type: postgres.UUID}, {Path: "create_time", Type: postgres.Time},
	},
	Orders:       [][]string{{"create_time"}, {"survivor", "create_time"}, {"contact", "create_time"}},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"contact_merge_open_key": errs.Refused("CONTACT_MERGED", "the contact was merged into another: use that one, or unmerge it first"),
	},
})

func mergeStore(db *postgres.DB, log *eventlog.Log) *record.Store[identity.Merge, *contactv1.ContactMerge] {
	return &record.Store[identity.Merge, *contactv1.ContactMerge]{
		DB: db, Log: log, Table: mergeTable, Kind: "contact merge", Collection: contactMerges,
		Meta:  func(m *identity.Merge) *entity.Meta { return &m.Meta },
		Proto: mergeProto, Event: mergeEvent,
		Fill: func(*identity.Merge, *contactv1.ContactMerge) error { return nil }, // nobody writes one but MergeContacts
	}
}

// Merging says which contacts to merge into which.
type Merging struct {
	Survivor uuid.UUID
	Others   []uuid.UUID
	// Choices name, by field, the contact whose value is taken.
	Choices map[string]uuid.UUID
	// Etag is the survivor's as last read; empty for any.
	Etag string
	// Anonymous asks that the one other contact is anonymous, and OtherEtag is its etag as
	// last read; empty for any.
	Anonymous bool
	OtherEtag string
}

// Merging reads which contacts to merge, and refuses what can never be.
func (s *Store) Merging(name string, others []string, choices []*contactv1.MergeChoice) (Merging, error) {
	r := &fields.Reader{}
	m := Merging{Survivor: r.Ref("name", contacts, name), Choices: map[string]uuid.UUID{}}
	for i, other := range others {
		path := fields.Index("contacts", i)
		id := r.Ref(path, contacts, other)
		switch {
		case id == uuid.Nil:
		case id == m.Survivor:
			r.Fail(path, "CYCLE", "is the contact that it is to be merged into")
		case slices.Contains(m.Others, id):
			continue // said twice is said once
		}
		m.Others = append(m.Others, id)
	}
	for i, c := range choices {
		path := fields.Index("choices", i)
		if _, given := m.Choices[c.GetField()]; given {
			r.Fail(path+".field", "", "stands in this list already")
		}
		m.Choices[c.GetField()] = r.Ref(path+".contact", contacts, c.GetContact())
	}
	return m, r.Err()
}

// PreviewMerge answers what the survivor would be, and what would be decided.
func (s *Store) PreviewMerge(ctx context.Context, tenant uuid.UUID, m Merging) (*contactv1.PreviewMergeResponse, error) {
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, append([]uuid.UUID{m.Survivor}, m.Others...))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if !s.Contacts.Visible(ctx, row) {
			return nil, s.Contacts.Table.NotFound(row.ID)
		}
	}
	judge, err := s.judge(ctx, tenant, append([]uuid.UUID{m.Survivor}, m.Others...))
	if err != nil {
		return nil, err
	}
	merges, after, err := identity.Plan(policy, judge, rows[0], rows[1:], m.Choices, auth.From(ctx).Subject)
	if err != nil {
		return nil, err
	}
	s.put(rows[0], &after)
	resp := &contactv1.PreviewMergeResponse{Contact: contactProto(rows[0])}
	for _, merge := range merges {
		p := mergeProto(merge)
		p.Name, p.CreateTime, p.Etag = "", nil, ""
		resp.ContactMerges = append(resp.ContactMerges, p)
	}
	return resp, nil
}

// MergeContacts merges contacts into a survivor, and answers it. All are locked in one
// order, so that of two merges the other way round one finds the other done.
func (s *Store) MergeContacts(ctx context.Context, tenant uuid.UUID, m Merging) (*contactv1.Contact, error) {
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	judge, err := s.judge(ctx, tenant, append([]uuid.UUID{m.Survivor}, m.Others...))
	if err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.Contact, error) {
		survivor, others, err := s.lockMerging(u, m)
		if err != nil {
			return nil, err
		}
		merges, after, err := identity.Plan(policy, judge, survivor, others, m.Choices, auth.From(ctx).Subject)
		if err != nil {
			return nil, err
		}
		for i, other := range others {
			if err := s.mergeIn(u, other, merges[i]); err != nil {
				return nil, err
			}
		}
		if err := s.putIn(u, survivor, after); err != nil {
			return nil, err
		}
		return contactProto(survivor), nil
	})
}

func (s *Store) lockMerging(u *record.Unit, m Merging) (survivor *contact.Contact, others []*contact.Contact, err error) {
	rows, err := s.Contacts.LockAllIn(u, append([]uuid.UUID{m.Survivor}, m.Others...))
	if err != nil {
		return nil, nil, err
	}
	for _, id := range m.Others {
		if rows[id] == nil {
			return nil, nil, errs.NotFound("contact", named(contacts, id))
		}
		others = append(others, rows[id])
	}
	survivor = rows[m.Survivor]
	switch {
	case m.Anonymous && others[0].MergedInto == nil && !others[0].Anonymous():
		return nil, nil, others[0].RefuseKnown()
	case m.OtherEtag != "" && m.OtherEtag != others[0].Etag():
		return nil, nil, errEtag
	case survivor == nil:
		return nil, nil, errs.NotFound("contact", named(contacts, m.Survivor))
	case m.Etag != "" && m.Etag != survivor.Etag():
		return nil, nil, errEtag
	}
	return survivor, others, nil
}

var errEtag = errs.Aborted("ETAG_MISMATCH", "the contact was changed since it was read: read it again")

// mergeIn makes a contact part of the survivor, and keeps what was decided.
func (s *Store) mergeIn(u *record.Unit, other *contact.Contact, m *identity.Merge) error {
	err := s.Contacts.DecideIn(u, other, func(c *contact.Contact) ([]entity.Event, error) {
		return c.MergeInto(m.Survivor, m.ID, s.Now()), nil
	})
	if err != nil {
		return err
	}
	if err := s.Merges.AddIn(u, m); err != nil {
		return err
	}
	u.Queue(func(b *pgx.Batch) {
		b.Queue("UPDATE merged_contact SET root = $3 WHERE tenant = $1 AND root = $2", u.Tenant(), other.ID, m.Survivor)
		b.Queue("INSERT INTO merged_contact (tenant, contact, root) VALUES ($1, $2, $3)", u.Tenant(), other.ID, m.Survivor)
	})
	return nil
}

// putIn makes the survivor what it is now, where that is something else.
func (s *Store) putIn(u *record.Unit, survivor *contact.Contact, after identity.Snapshot) error {
	return s.Contacts.DecideIn(u, survivor, func(c *contact.Contact) ([]entity.Event, error) {
		paths := identity.Differing(identity.Of(c), after)
		if len(paths) == 0 {
			return nil, nil
		}
		s.put(c, &after)
		return []entity.Event{entity.Updated{Paths: paths}}, nil
	})
}

// put writes a snapshot into a contact, with what searches read.
func (s *Store) put(c *contact.Contact, after *identity.Snapshot) {
	after.Put(c)
	rekey(c)
}

// mergesOf limits a list of merges to those in which the contact took part.
func (s *Store) mergesOf(name string) (postgres.Cond, error) {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return postgres.Cond{}, errs.Invalid("contact", "", "must be contacts/{uuid}")
	}
	return postgres.AnyOf(postgres.Eq("survivor", id), postgres.Eq("contact", id)), nil
}

// ListMerges answers a page of merges; those of one contact where it is named.
func (s *Store) ListMerges(ctx context.Context, tenant uuid.UUID, req *contactv1.ListContactMergesRequest) (*contactv1.ListContactMergesResponse, error) {
	var where []postgres.Cond
	if req.GetContact() != "" {
		cond, err := s.mergesOf(req.GetContact())
		if err != nil {
			return nil, err
		}
		where = append(where, cond)
	}
	list, next, err := s.Merges.List(ctx, tenant, req, where...)
	return &contactv1.ListContactMergesResponse{ContactMerges: list, NextPageToken: next}, err
}

// Family answers all contacts that are one with a contact, itself among them: those
// whose history is one.
func (s *Store) Family(ctx context.Context, tenant, id uuid.UUID) ([]uuid.UUID, error) {
	return s.ids(ctx, tenant, "SELECT unnest(contact_family($1, $2)) AS id ORDER BY id", tenant, id)
}
