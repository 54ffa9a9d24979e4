package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

var errSurvivorMerged = errs.Refused("SURVIVOR_MERGED", "the contact that this one was merged into was merged itself: unmerge that one first")

// UnmergeContact takes a merged contact out of its survivor, and answers it.
func (s *Store) UnmergeContact(ctx context.Context, tenant uuid.UUID, name, etag string) (*contactv1.Contact, error) {
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.Contact, error) {
		left, survivor, err := s.lockMerged(u, name, etag)
		if err != nil {
			return nil, err
		}
		merges, err := s.openMerges(u, survivor.ID)
		if err != nil {
			return nil, err
		}
		var undone *identity.Merge
		for _, m := range merges {
			if m.Contact == left.ID {
				undone = m.Merge
			}
		}
		after := identity.Undo(undone.ID, merges, identity.Of(survivor))
		if err := s.separateIn(u, left, survivor, undone, after); err != nil {
			return nil, err
		}
		s.rebaseIn(u, merges, undone)
		return contactProto(left), nil
	})
}

// lockMerged locks a merged contact and its survivor.
func (s *Store) lockMerged(u *record.Unit, name, etag string) (left, survivor *contact.Contact, err error) {
	left, err = s.Contacts.GetIn(u, name)
	if err != nil {
		return nil, nil, err
	}
	if left.MergedInto == nil {
		_, err := left.Separate(uuid.Nil)
		return nil, nil, err
	}
	rows, err := s.Contacts.LockAllIn(u, []uuid.UUID{left.ID, *left.MergedInto})
	if err != nil {
		return nil, nil, err
	}
	left, survivor = rows[left.ID], rows[*left.MergedInto]
	switch {
	case left == nil || survivor == nil:
		return nil, nil, errs.NotFound("contact", name)
	case left.MergedInto == nil || *left.MergedInto != survivor.ID:
		return nil, nil, errEtag // it was taken out since, or put elsewhere
	case etag != "" && etag != left.Etag():
		return nil, nil, errEtag
	case survivor.MergedInto != nil:
		return nil, nil, errSurvivorMerged
	case survivor.Deleted():
		return nil, nil, errs.Refused("DELETED", "the contact that this one was merged into is deleted: undelete it first")
	}
	return left, survivor, nil
}

// openMerges locks the merges of a survivor that were not undone, in their order, and
// reads the contacts that were merged.
func (s *Store) openMerges(u *record.Unit, survivor uuid.UUID) ([]identity.Rebase, error) {
	var ids []uuid.UUID
	err := u.Read(func(b *pgx.Batch) {
		b.Queue("SELECT id FROM contact_merge WHERE tenant = $1 AND survivor = $2 AND undo_time IS NULL ORDER BY id", u.Tenant(), survivor).
			Query(func(rows pgx.Rows) (err error) {
				ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
				return err
			})
	})
	if err != nil {
		return nil, err
	}
	var merges []identity.Rebase
	err = u.Read(func(b *pgx.Batch) {
		s.Merges.Table.QueueLockAll(b, u.Tenant(), ids, func(m *identity.Merge) { merges = append(merges, identity.Rebase{Merge: m}) })
	})
	if err != nil {
		return nil, err
	}
	err = u.Read(func(b *pgx.Batch) {
		for i := range merges {
			s.Contacts.Table.QueueGet(b, u.Tenant(), merges[i].Contact, func(c *contact.Contact) error {
				merges[i].Other = c
				return nil
			})
		}
	})
	return merges, err
}

// separateIn gives both contacts what is theirs: the survivor first, which frees the
// unique identifiers that go back.
func (s *Store) separateIn(u *record.Unit, left, survivor *contact.Contact, m *identity.Merge, after identity.Snapshot) error {
	alive := *left
	alive.DeleteTime = nil
	after.Release(&alive)
	if err := s.putIn(u, survivor, after); err != nil {
		return err
	}
	err := s.Contacts.ReviveIn(u, left, func(c *contact.Contact) ([]entity.Event, error) { return c.Separate(m.ID) })
	if err != nil {
		return err
	}
	err = s.Merges.DecideIn(u, m, func(m *identity.Merge) ([]entity.Event, error) {
		now := s.Now()
		m.UndoTime = &now
		return []entity.Event{identity.Undone{}}, nil
	})
	if err != nil {
		return err
	}
	u.Queue(func(b *pgx.Batch) {
		b.Queue("DELETE FROM merged_contact WHERE tenant = $1 AND contact = $2", u.Tenant(), left.ID)
		b.Queue(`
			WITH RECURSIVE below AS (
				SELECT id FROM contact WHERE tenant = $1 AND merged_into = $2
				UNION
				SELECT c.id FROM contact AS c JOIN below ON c.merged_into = below.id WHERE c.tenant = $1
			)
			UPDATE merged_contact SET root = $2 WHERE tenant = $1 AND contact IN (SELECT id FROM below)`, u.Tenant(), left.ID)
	})
	return nil
}

// rebaseIn keeps what the survivor was before and after its other merges, now that one
// of them was never made.
func (s *Store) rebaseIn(u *record.Unit, merges []identity.Rebase, undone *identity.Merge) {
	u.Queue(func(b *pgx.Batch) {
		for _, m := range merges {
			if m.Merge != undone {
				b.Queue("UPDATE contact_merge SET before = $3, after = $4 WHERE tenant = $1 AND id = $2", u.Tenant(), m.ID, m.Before, m.After)
			}
		}
	})
}
