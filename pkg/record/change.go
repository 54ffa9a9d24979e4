package record

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Outcomes of a transaction that end it without a commit and are no errors.
var (
	errReplayed  = errors.New("record: the request was answered before")
	errUnchanged = errors.New("record: nothing happened")
	errChecked   = errors.New("record: checked only, as asked")
)

// fetches is how often the keys of contacts are fetched for one change; each time
// they are those of one more contact.
const fetches = 8

// Change runs a rule on the row under its lock, and stores the row with what the
// rule says happened; where nothing happened, nothing is stored. An empty etag
// is not compared. A deleted row is FAILED_PRECONDITION DELETED.
func (s *Store[T, P]) Change(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	return s.change(ctx, tenant, name, etag, func(row *T) ([]entity.Event, error) {
		if s.Meta(row).Deleted() {
			return nil, errs.Refused("DELETED", "the "+s.Kind+" is deleted")
		}
		return rule(row)
	})
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
		s.Meta(row).DeleteTime = nil
		return []entity.Event{entity.Undeleted{}}, nil
	})
}

// change runs the transaction of two round trips: the row under its lock and the
// answer kept for the request, then all writes.
func (s *Store[T, P]) change(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	var answer P
	id, err := s.ParseName(name)
	if err != nil {
		return answer, err
	}
	if call.From(ctx).ValidateOnly {
		return s.tryChange(ctx, tenant, name, etag, rule)
	}
	var position int64
	err = withKeys(ctx, s.Log.Keys, func() error {
		var row *T
		var kept stored
		read := func(b *pgx.Batch) {
			row, kept = nil, stored{}
			postgres.QueueTenant(b, tenant)
			s.Table.QueueLock(b, tenant, id, func(found *T) error { row = found; return nil })
			kept.queue(ctx, b)
		}
		write := func(b *pgx.Batch) (err error) {
			if kept.found() {
				answer, err = replay[P](ctx, kept)
				return errors.Join(err, errReplayed)
			}
			if err := s.check(ctx, row, name, etag); err != nil {
				return err
			}
			answer, err = s.decide(ctx, tenant, b, row, rule)
			if err != nil {
				return err
			}
			return finish(ctx, b, tenant, s.primary(row), answer, &position)
		}
		return postgres.Decide(ctx, s.DB, read, write)
	})
	if err = s.settle(ctx, tenant, err, &answer); err != nil {
		return *new(P), err
	}
	announce(ctx, s.Log, position)
	return answer, nil
}

// tryChange does what change does, and takes it back.
func (s *Store[T, P]) tryChange(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	return Write(ctx, s.DB, s.Log, tenant, func(u *Unit) (P, error) {
		row, err := s.readIn(u, name, s.Table.QueueLock)
		if err != nil {
			return *new(P), err
		}
		if err := s.check(ctx, row, name, etag); err != nil {
			return *new(P), err
		}
		answer, err := s.decide(ctx, tenant, u.pending, row, rule)
		if errors.Is(err, errUnchanged) {
			return answer, nil
		}
		u.note(s.primary(row), s.Table.Error)
		return answer, err
	})
}

// decide runs the rule and queues what follows from it.
func (s *Store[T, P]) decide(ctx context.Context, tenant uuid.UUID, b *pgx.Batch, row *T, rule func(*T) ([]entity.Event, error)) (P, error) {
	before := *row
	happened, err := rule(row)
	if err != nil {
		return *new(P), err
	}
	if len(happened) == 0 {
		return s.Proto(row), errUnchanged
	}
	s.Meta(row).UpdateTime = s.now()
	events, err := s.prepare(ctx, tenant, row, happened)
	if err != nil {
		return *new(P), err
	}
	s.Table.QueueUpdate(b, tenant, row)
	s.queueRest(ctx, b, tenant, &before, row, events)
	return s.Proto(row), nil
}

// check refuses a row that is missing, out of the caller's sight, or not the
// version the caller read.
func (s *Store[T, P]) check(ctx context.Context, row *T, name, etag string) error {
	if row == nil || !visible(ctx, s.Meta(row)) {
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

// queueRest queues what goes with the row: rows beside it, events, audit.
func (s *Store[T, P]) queueRest(ctx context.Context, b *pgx.Batch, tenant uuid.UUID, before, after *T, events []*eventv1.Event) {
	if s.Extra != nil {
		s.Extra(b, tenant, before, after)
	}
	s.Log.Queue(b, events)
	queueAudit(ctx, b, tenant, s.now(), s.name(s.Meta(after).ID), s.Meta(after).Seq)
}

// settle turns the outcome of a transaction into that of the call.
func (s *Store[T, P]) settle(ctx context.Context, tenant uuid.UUID, err error, answer *P) error {
	switch {
	case err == nil, errors.Is(err, errUnchanged), errors.Is(err, errChecked):
		return nil
	case errors.Is(err, errReplayed):
		return replayError(err)
	case lostRace(err):
		kept, lookup := lookUp(ctx, s.DB, tenant)
		if lookup != nil {
			return lookup
		}
		if kept.found() {
			*answer, err = replay[P](ctx, kept)
			return err
		}
	}
	return s.Table.Error(err)
}

// withKeys runs fn, and again after fetching the key of a contact that it lacked:
// never inside a transaction.
func withKeys(ctx context.Context, keys eventlog.Keys, fn func() error) error {
	for range fetches {
		err := fn()
		var missing *eventlog.KeyMissingError
		if !errors.As(err, &missing) {
			return err
		}
		if err := keys.Fetch(ctx, missing.Tenant, missing.Contact); err != nil {
			return err
		}
	}
	return errs.Unavailable("KEY_UNAVAILABLE", "the key of a contact cannot be had", 0)
}

// announce tells the caller where its change stands, and the relay that there is
// work. Position 0 is that of a change that was none.
func announce(ctx context.Context, log *eventlog.Log, position int64) {
	if position == 0 {
		return
	}
	call.SetPosition(ctx, eventlog.Token(log.Area, position))
	if log.Wake != nil {
		log.Wake()
	}
}

// finish queues the end of a transaction: the answer kept for the request, and
// the position that the change got.
func finish(ctx context.Context, b *pgx.Batch, tenant, contact uuid.UUID, answer proto.Message, position *int64) error {
	if err := keep(ctx, b, tenant, contact, answer); err != nil {
		return err
	}
	b.Queue("SELECT currval('event_position')").QueryRow(func(row pgx.Row) error { return row.Scan(position) })
	return nil
}
