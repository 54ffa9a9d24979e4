package record

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// fetches is how often the keys of contacts are fetched for one change; each time
// they are those of one more contact.
const fetches = 8

// Change runs a rule on the row under its lock, and stores the row with what the
// rule says happened; where nothing happened, nothing is stored. An empty etag
// is not compared. A deleted row is FAILED_PRECONDITION DELETED.
func (s *Store[T, P]) Change(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	return s.change(ctx, tenant, name, etag, s.alive(rule))
}

// Delete marks the row as deleted (AIP-164).
func (s *Store[T, P]) Delete(ctx context.Context, tenant uuid.UUID, name, etag string) (P, error) {
	return s.Change(ctx, tenant, name, etag, func(row *T) ([]entity.Event, error) {
		now := s.now()
		s.Meta(row).DeleteTime = &now
		return []entity.Event{entity.Deleted{}}, nil
	})
}

// Undelete brings a deleted row back, or answers FAILED_PRECONDITION NOT_DELETED.
func (s *Store[T, P]) Undelete(ctx context.Context, tenant uuid.UUID, name, etag string) (P, error) {
	return s.change(ctx, tenant, name, etag, func(row *T) ([]entity.Event, error) {
		if !s.Meta(row).Deleted() {
			return nil, errs.Refused("NOT_DELETED", "the "+s.Kind+" is not deleted")
		}
		if err := s.gone(row); err != nil {
			return nil, err
		}
		s.Meta(row).DeleteTime = nil
		return []entity.Event{entity.Undeleted{}}, nil
	})
}

// alive is the rule for a row that must not be deleted.
func (s *Store[T, P]) alive(rule func(*T) ([]entity.Event, error)) func(*T) ([]entity.Event, error) {
	return func(row *T) ([]entity.Event, error) {
		if err := s.gone(row); err != nil {
			return nil, err
		}
		if s.Meta(row).Deleted() {
			return nil, errs.Refused("DELETED", "the "+s.Kind+" is deleted")
		}
		return rule(row)
	}
}

func (s *Store[T, P]) gone(row *T) error {
	if s.Gone == nil || !s.Meta(row).Deleted() {
		return nil
	}
	return s.Gone(row)
}

// change runs the transaction of two round trips: the row under its lock and the
// answer kept for the request, then all writes.
func (s *Store[T, P]) change(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	id, err := s.ParseName(name)
	if err != nil {
		return *new(P), err
	}
	if call.From(ctx).ValidateOnly {
		return s.tryChange(ctx, tenant, name, etag, rule)
	}
	var answer P
	var u *Unit
	err = withKeys(ctx, s.Log.Keys, func() error {
		var row *T
		read := func(b *pgx.Batch) {
			u, row = newUnit(ctx, s.Log, tenant, b), nil
			u.open()
			s.Table.QueueLock(b, tenant, id, func(found *T) error { row = found; return nil })
		}
		write := func(b *pgx.Batch) (err error) {
			if u.request.found {
				answer, err = replay[P](&u.request)
				return err
			}
			u.pending = b
			if err := s.check(ctx, row, name, etag); err != nil {
				return err
			}
			if err := s.decide(u, row, rule); err != nil {
				return err
			}
			answer = s.Proto(row)
			if err := u.keep(answer); err != nil {
				return err
			}
			u.gather()
			return nil
		}
		return postgres.Decide(ctx, s.DB, read, write)
	})
	return settle(s.DB, u, answer, err)
}

// tryChange does what change does, and takes it back.
func (s *Store[T, P]) tryChange(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	return Write(ctx, s.DB, s.Log, tenant, func(u *Unit) (P, error) {
		row, err := s.queueIn(u, name, s.Table.QueueLock)()
		if err != nil {
			return *new(P), err
		}
		if err := s.check(ctx, row, name, etag); err != nil {
			return *new(P), err
		}
		if err := s.decide(u, row, rule); err != nil {
			return *new(P), err
		}
		return s.Proto(row), nil
	})
}

// decide runs the rule and takes what follows from it to what the unit writes.
func (s *Store[T, P]) decide(u *Unit, row *T, rule func(*T) ([]entity.Event, error)) error {
	var before *T
	if s.Extra != nil {
		before = clone(row)
	}
	return s.decideFrom(u, before, row, rule)
}

func (s *Store[T, P]) decideFrom(u *Unit, before, row *T, rule func(*T) ([]entity.Event, error)) error {
	happened, err := rule(row)
	if err != nil || len(happened) == 0 {
		return err
	}
	s.Meta(row).UpdateTime = s.now()
	events, err := s.prepare(u.ctx, u.tenant, row, happened)
	if err != nil {
		return err
	}
	s.Table.Update(u.writes, row)
	s.queueRest(u, before, row, events)
	return nil
}

// check refuses a row that is missing, out of the caller's sight, or not the
// version the caller read.
func (s *Store[T, P]) check(ctx context.Context, row *T, name, etag string) error {
	if row == nil || !s.Visible(ctx, row) {
		return errs.NotFound(s.Kind, name)
	}
	if etag != "" && etag != s.Meta(row).Etag() {
		return errs.Aborted("ETAG_MISMATCH", "the "+s.Kind+" was changed since it was read: read it again")
	}
	return nil
}

// prepare words what happened as events. The row's number is counted on, so that
// each event holds the resource as of itself.
func (s *Store[T, P]) prepare(ctx context.Context, tenant uuid.UUID, row *T, happened []entity.Event) ([]*eventv1.Event, error) {
	meta := s.Meta(row)
	aggregate := eventlog.Aggregate{Name: s.name(meta.ID), Partition: meta.Partition, Seq: meta.Seq}
	drafts := make([]eventlog.Draft, len(happened))
	for i, e := range happened {
		meta.Seq++
		drafts[i] = s.Event(row, e)
		if drafts[i].Contacts == nil && s.Contacts != nil {
			drafts[i].Contacts = s.Contacts(row)
		}
	}
	events, err := s.Log.Prepare(ctx, tenant, aggregate, drafts)
	if err != nil {
		meta.Seq = aggregate.Seq
	}
	return events, err
}

// queueRest takes what goes with the row: rows beside it, events, audit.
func (s *Store[T, P]) queueRest(u *Unit, before, after *T, events []*eventv1.Event) {
	if s.Extra != nil {
		s.Extra(u.writes, before, after)
	}
	var contacts []uuid.UUID
	if s.Contacts != nil {
		contacts = s.Contacts(after)
	}
	u.tell(events, contacts)
	if table := s.Table.Def().Name; u.words[table] == nil {
		u.words[table] = s.word
	}
}

// word says what a violated constraint of the table means.
func (s *Store[T, P]) word(err error) error {
	if postgres.Violates(err, s.Table.Def().Name+"_pkey") {
		return errs.AlreadyExists(s.existsReason(), "a "+s.Kind+" with this id exists").Wrap(err)
	}
	return s.Table.Error(err)
}

// existsReason is that of a row whose id is taken.
func (s *Store[T, P]) existsReason() string { return strings.ToUpper(fieldName(s.Kind)) + "_EXISTS" }

// withKeys runs fn, and again after fetching the key of a contact that it lacked:
// never inside a transaction.
func withKeys(ctx context.Context, keys eventlog.Keys, fn func() error) error {
	for range fetches {
		err := fn()
		if !errors.Is(err, eventlog.ErrKeyMissing) {
			return err
		}
		if err := eventlog.FetchMissing(ctx, keys, err); err != nil {
			return err
		}
	}
	return errs.Unavailable("KEY_UNAVAILABLE", "the key of a contact cannot be had now", time.Second)
}
