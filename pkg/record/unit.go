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
)

// Unit is a transaction over several aggregates, of one resource or more. Writes
// are held back and sent together with the next read or at the end.
type Unit struct {
	ctx     context.Context
	tenant  uuid.UUID
	tx      pgx.Tx
	pending *pgx.Batch
	contact uuid.UUID
	wrote   bool
	words   []func(error) error
}

// Write runs fn in a transaction and stores what it added and changed, with the
// same promises as a change of one aggregate. It runs fn again after a deadlock
// or when a key had to be fetched, so fn must have no other effect.
func Write[R proto.Message](ctx context.Context, db *postgres.DB, log *eventlog.Log, tenant uuid.UUID, fn func(u *Unit) (R, error)) (R, error) {
	var answer R
	var position int64
	var u *Unit
	err := withKeys(ctx, log.Keys, func() error {
		return postgres.InTx(ctx, db.App, func(tx pgx.Tx) (err error) {
			u = &Unit{ctx: ctx, tenant: tenant, tx: tx, pending: &pgx.Batch{}}
			postgres.QueueTenant(u.pending, tenant)
			var kept stored
			kept.queue(ctx, u.pending)
			if err := u.flush(); err != nil {
				return err
			}
			if kept.found() {
				answer, err = replay[R](ctx, kept)
				return errors.Join(err, errReplayed)
			}
			if answer, err = fn(u); err != nil {
				return err
			}
			return u.end(answer, &position)
		})
	})
	if err = settleUnit(ctx, db, u, err, &answer); err != nil {
		return *new(R), err
	}
	announce(ctx, log, position)
	return answer, nil
}

// settleUnit turns the outcome of the transaction into that of the call.
func settleUnit[R proto.Message](ctx context.Context, db *postgres.DB, u *Unit, err error, answer *R) error {
	switch {
	case err == nil, errors.Is(err, errChecked):
		return nil
	case errors.Is(err, errReplayed):
		return replayError(err)
	case lostRace(err):
		kept, lookup := lookUp(ctx, db, u.tenant)
		if lookup != nil {
			return lookup
		}
		if kept.found() {
			*answer, err = replay[R](ctx, kept)
			return err
		}
	}
	return err
}

// end sends what is pending, with the answer kept for the request.
func (u *Unit) end(answer proto.Message, position *int64) error {
	if !u.wrote {
		return nil
	}
	if err := finish(u.ctx, u.pending, u.tenant, u.contact, answer, position); err != nil {
		return err
	}
	if err := u.flush(); err != nil {
		return err
	}
	if call.From(u.ctx).ValidateOnly {
		*position = 0
		return errChecked
	}
	return nil
}

// flush sends what is pending in one round trip. A violated constraint is worded
// by the tables whose rows were sent.
func (u *Unit) flush() error {
	b, words := u.pending, u.words
	u.pending, u.words = &pgx.Batch{}, nil
	if b.Len() == 0 {
		return nil
	}
	err := u.tx.SendBatch(u.ctx, b).Close()
	for _, word := range words {
		if err == nil || errs.Reason(err) != "" {
			break
		}
		if worded := word(err); errs.Reason(worded) != "" {
			err = worded
		}
	}
	return err
}

// Queue adds statements of the caller's own to the transaction.
func (u *Unit) Queue(queue func(b *pgx.Batch)) {
	queue(u.pending)
	u.wrote = true
}

// AddIn adds a new row within the unit.
func (s *Store[T, P]) AddIn(u *Unit, row *T, events ...entity.Event) error {
	prepared, err := s.begin(u.ctx, u.tenant, row, events)
	if err != nil {
		return err
	}
	s.Table.QueueInsert(u.pending, u.tenant, row)
	s.queueRest(u.ctx, u.pending, u.tenant, nil, row, prepared)
	u.note(s.primary(row), s.Table.Error)
	return nil
}

// ChangeIn changes a row within the unit, under its lock.
func (s *Store[T, P]) ChangeIn(u *Unit, name string, rule func(*T) ([]entity.Event, error)) (*T, error) {
	row, err := s.readIn(u, name, s.Table.QueueLock)
	if err != nil {
		return nil, err
	}
	if s.Meta(row).Deleted() {
		return nil, errs.Refused("DELETED", "the "+s.Kind+" is deleted")
	}
	_, err = s.decide(u.ctx, u.tenant, u.pending, row, rule)
	if errors.Is(err, errUnchanged) {
		return row, nil
	}
	if err != nil {
		return nil, err
	}
	u.note(s.primary(row), s.Table.Error)
	return row, nil
}

// GetIn reads a row within the unit, without locking it.
func (s *Store[T, P]) GetIn(u *Unit, name string) (*T, error) {
	return s.readIn(u, name, s.Table.QueueGet)
}

func (s *Store[T, P]) readIn(u *Unit, name string, queue func(*pgx.Batch, uuid.UUID, uuid.UUID, func(*T) error)) (*T, error) {
	id, err := s.ParseName(name)
	if err != nil {
		return nil, err
	}
	var row *T
	queue(u.pending, u.tenant, id, func(found *T) error { row = found; return nil })
	if err := u.flush(); err != nil {
		return nil, err
	}
	return row, s.check(u.ctx, row, name, "")
}

// note keeps what the end of the unit needs to know of a write.
func (u *Unit) note(contact uuid.UUID, word func(error) error) {
	u.wrote = true
	u.words = append(u.words, word)
	if u.contact == uuid.Nil {
		u.contact = contact
	}
}
