package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	"github.com/lingkar-crm/lingkar/services/contact/internal/standing"
)

const (
	// LifecycleTimer is the kind of timer that moves a contact when a boundary has come.
	LifecycleTimer = "lifecycle"
	// LifecycleRefresh is the kind that looks at all customers of a tenant that counts by
	// another window or zone now.
	LifecycleRefresh = "lifecycle-refresh"
	// refreshPage is how many are looked at in one transaction.
	refreshPage = 500
)

// MoveContact moves a contact when its boundary has come. The lock of its row comes before
// that of the timer, as where an event arms it.
func (s *Store) MoveContact(ctx context.Context, t timer.Timer) error {
	id, err := uuid.Parse(t.Key)
	if err != nil {
		return fmt.Errorf("a timer of the key %q: %w", t.Key, err)
	}
	_, err = record.Write(ctx, s.db, s.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		f, err := s.lockFamilies(u, []uuid.UUID{id})
		if err != nil {
			return nil, err
		}
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		f.look(id, occasion{at: t.Due, Why: standing.Why{Cause: standing.Time}}, nil)
		return &emptypb.Empty{}, s.writeFamilies(ctx, u, f)
	})
	return s.wake(err)
}

// RefreshLifecycles looks at a page of a tenant's customers by what the tenant counts by
// now, and arms itself for the next. The payload is the contact after which it begins.
func (s *Store) RefreshLifecycles(ctx context.Context, t timer.Timer) error {
	after := uuid.Nil
	if len(t.Payload) > 0 {
		var err error
		if after, err = uuid.FromBytes(t.Payload); err != nil {
			return err
		}
	}
	_, err := record.Write(ctx, s.db, s.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		var page []uuid.UUID
		err := u.Read(func(b *pgx.Batch) {
			b.Queue(`
				SELECT DISTINCT contact FROM contact_purchase
				WHERE tenant = $1 AND contact > $2 AND purchase_time IS NOT NULL
				ORDER BY contact LIMIT $3`, t.Tenant, after, refreshPage).Query(func(rows pgx.Rows) (err error) {
				page, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		f, err := s.lockFamilies(u, page)
		if err != nil {
			return nil, err
		}
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		for _, id := range page {
			f.look(id, occasion{at: s.Now(), Why: standing.Why{Cause: standing.Definition, Occurred: t.Due}}, nil)
		}
		if len(page) == refreshPage {
			t.Payload = page[refreshPage-1][:]
			u.Queue(func(b *pgx.Batch) { timer.Arm(b, t) })
		}
		return &emptypb.Empty{}, s.writeFamilies(ctx, u, f)
	})
	return s.wake(err)
}

// lockFamilies reads contacts, and those that are one with them, under their locks.
func (s *Store) lockFamilies(u *record.Unit, contacts []uuid.UUID) (f *families, err error) {
	err = u.Read(func(b *pgx.Batch) { f = queueFamilies(b, u.Tenant(), contacts, nil) })
	if err == nil {
		f.begin()
	}
	return f, err
}

// writeFamilies keeps what became of them.
func (s *Store) writeFamilies(ctx context.Context, u *record.Unit, f *families) (err error) {
	u.Queue(func(b *pgx.Batch) { err = f.queue(ctx, b, s.log) })
	return err
}

// wake has the relay look for what was committed.
func (s *Store) wake(err error) error {
	if err == nil && s.log.Wake != nil {
		s.log.Wake()
	}
	return err
}
