package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

var (
	// errChecked ends the transaction of a call that only asked to check.
	errChecked = errors.New("record: checked only, as asked")
	// errAnswered ends the work of a request that turned out to be a repeated one.
	errAnswered = errors.New("record: the request was answered before")
)

// Unit is a transaction over several aggregates, of one resource or more. Writes
// are held back and sent together with the next read or at the end: the rows of each
// table in one statement, in the order that postgres.Writes says, then all events in
// the order in which they happened, then the audit entries.
type Unit struct {
	ctx     context.Context
	log     *eventlog.Log
	tenant  uuid.UUID
	sender  postgres.Sender
	pending *pgx.Batch
	request request
	// sent is set when the first round trip was made, with which the transaction
	// begins.
	sent bool
	// ahead answers what became of the round trip that is under way, if there is one.
	ahead chan error
	// then is what runs after the commit.
	then []func()
	// What is to be written and not in pending yet.
	writes   *postgres.Writes
	happened []*eventv1.Event
	audits   []eventlog.AuditEntry
	// position is the log's after the unit; 0 while no event is written.
	position int64
	events   int
	contacts []uuid.UUID
	// words say what constraints mean, by table.
	words map[string]func(error) error
}

// newUnit is a unit of which nothing is queued yet.
func newUnit(ctx context.Context, log *eventlog.Log, tenant uuid.UUID, pending *pgx.Batch) *Unit {
	return &Unit{
		ctx: ctx, log: log, tenant: tenant, pending: pending, request: requestOf(ctx, tenant),
		writes: postgres.NewWrites(tenant), words: map[string]func(error) error{},
	}
}

// Write runs fn in a transaction and stores what it added and changed, with the
// same promises as a change of one aggregate. It runs fn again after a deadlock
// or when a key had to be fetched, so fn must have no other effect. The round trips
// are those of the reads in fn and one more; a call with a request id takes two at
// least.
func Write[R proto.Message](ctx context.Context, db *postgres.DB, log *eventlog.Log, tenant uuid.UUID, fn func(u *Unit) (R, error)) (R, error) {
	var answer R
	var u *Unit
	err := withKeys(ctx, log.Keys, func() error {
		return postgres.Transact(ctx, db, func(between postgres.Sender, last *pgx.Batch) (err error) {
			u = newUnit(ctx, log, tenant, &pgx.Batch{})
			u.sender = between
			u.open()
			defer u.land() // nothing may be under way when the connection is used again
			answer, err = fn(u)
			if failed := u.land(); failed != nil {
				err = failed
			}
			if failed := u.ask(); failed != nil {
				err = failed
			}
			if u.request.found {
				answer, err = replay[R](&u.request)
				return err
			}
			if err != nil {
				return err
			}
			return u.end(answer, last)
		})
	})
	return settle(db, u, answer, err)
}

// ask asks whether the request was answered before, where no read has done so.
func (u *Unit) ask() error {
	if u.sent || !u.request.given() {
		return nil
	}
	return u.send()
}

// end leaves what is pending to the last round trip of the transaction, or sends
// it and ends the transaction where the call only asked to check.
func (u *Unit) end(answer proto.Message, last *pgx.Batch) error {
	if err := u.keep(answer); err != nil {
		return err
	}
	u.gather()
	if u.request.info.ValidateOnly {
		if err := u.flush(); err != nil {
			return err
		}
		return errChecked
	}
	last.QueuedQueries = append(last.QueuedQueries, u.pending.QueuedQueries...)
	return nil
}

// open queues what comes first in a unit that may read before it writes.
func (u *Unit) open() {
	postgres.QueueTenant(u.pending, u.tenant)
	claim(u.pending, &u.request)
	u.request.look(u.pending)
}

// gather queues what is to be written.
func (u *Unit) gather() {
	u.writes.Flush(u.pending)
	if len(u.happened) > 0 {
		u.queueEvents()
	}
}

// flush sends what is pending in one round trip.
func (u *Unit) flush() error {
	u.gather()
	return u.send()
}

// send sends what is queued. It answers errAnswered from when the request turns out
// to be a repeated one.
func (u *Unit) send() error {
	if err := u.land(); err != nil {
		return err
	}
	if u.request.found {
		return errAnswered
	}
	b := u.pending
	u.pending = &pgx.Batch{}
	if b.Len() == 0 {
		return nil
	}
	u.sent = true
	if err := u.sender.SendBatch(u.ctx, b).Close(); err != nil {
		return err
	}
	if u.request.found {
		return errAnswered
	}
	return nil
}

// Tenant is whose rows the unit writes.
func (u *Unit) Tenant() uuid.UUID { return u.tenant }

// Queue adds statements of the caller's own to the transaction, after what was
// written before them.
func (u *Unit) Queue(queue func(b *pgx.Batch)) {
	u.gather()
	queue(u.pending)
}

// tell takes the events of one aggregate and its audit entry to what is written.
func (u *Unit) tell(events []*eventv1.Event, contacts []uuid.UUID) {
	u.events += len(events)
	if u.request.given() {
		u.contacts = append(u.contacts, contacts...)
	}
	u.happened = append(u.happened, events...)
	last := events[len(events)-1]
	u.audits = append(u.audits, eventlog.AuditEntry{
		Tenant: u.tenant, RecordedAt: u.log.Now(), Resource: last.GetAggregate(), Seq: last.GetAggregateSeq(),
	}.By(u.ctx))
}

// queueEvents queues the events and the audit entries.
func (u *Unit) queueEvents() {
	u.log.Queue(u.pending, u.happened).Query(func(rows pgx.Rows) error {
		var position int64
		_, err := pgx.ForEachRow(rows, []any{&position}, func() error {
			u.position = max(u.position, position)
			return nil
		})
		return err
	})
	eventlog.QueueAudit(u.pending, u.audits...)
	u.happened, u.audits = nil, nil
}

// keep queues keeping the answer for the request id, where the call has one.
func (u *Unit) keep(answer proto.Message) error {
	if !u.request.given() {
		return nil
	}
	kept, err := u.answered(answer)
	if err != nil {
		return err
	}
	u.gather() // currval needs the events before it
	u.request.asCaller(u.pending, func() { queueKept(u.pending, kept) })
	return nil
}

// answered is the answer as it is kept for the request id.
func (u *Unit) answered(answer proto.Message) (keptAnswer, error) {
	r := &u.request
	if kind := call.AnswerOf(r.info.Method); kind != nil && kind.FullName() != answer.ProtoReflect().Descriptor().FullName() {
		return keptAnswer{}, fmt.Errorf("record: %s answers a %s, and was to be answered a %s when it is repeated",
			r.info.Method, kind.FullName(), answer.ProtoReflect().Descriptor().FullName())
	}
	response, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
	if err != nil {
		return keptAnswer{}, err
	}
	if response == nil {
		response = []byte{} // null stands for an erased answer
	}
	slices.SortFunc(u.contacts, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	contacts := append([]uuid.UUID{}, slices.Compact(u.contacts)...)
	return keptAnswer{
		tenant: r.tenant, subject: r.subject, method: r.info.Method, id: r.info.RequestID, hash: r.info.Hash[:],
		response: response, contacts: contacts, changed: u.events > 0, at: u.log.Now(),
	}, nil
}

// word says what a violated constraint of one of the unit's tables means.
func (u *Unit) word(err error) error {
	general := postgres.SQLError(err)
	for _, word := range u.words {
		if special := word(err); errs.Reason(special) != errs.Reason(general) {
			return special
		}
	}
	return general
}

// settle turns the outcome of a transaction into that of the call, and tells the
// caller and the relay of a change.
func settle[R proto.Message](db *postgres.DB, u *Unit, answer R, err error) (R, error) {
	var none R
	switch {
	case u == nil:
		return none, err // the transaction did not begin
	case u.request.inFlight(err):
		return none, errInFlight.Wrap(err)
	case u.request.lost(err):
		if err := u.request.lookAgain(u.ctx, db); err != nil {
			return none, err
		}
		if u.request.found {
			answer, err = replay[R](&u.request)
		}
	case errors.Is(err, errChecked):
		return answer, nil
	}
	if err != nil {
		return none, u.word(err)
	}
	if err := failpoint.Hit(failpoint.WriteAfterCommit); err != nil {
		return none, err
	}
	u.announce()
	return answer, nil
}

// announce tells the caller where its change stands, the relay that there is work, and
// whoever asked that it is done.
func (u *Unit) announce() {
	if !u.request.found {
		for _, f := range u.then {
			f()
		}
	}
	if u.request.position != nil {
		u.position = *u.request.position
	}
	if u.position == 0 {
		return
	}
	call.SetPosition(u.ctx, eventlog.Token(u.log.Area, u.position))
	if u.log.Wake != nil && !u.request.found {
		u.log.Wake()
	}
}

// Read runs queries of the caller's own now, after what was written before them.
func (u *Unit) Read(queue func(b *pgx.Batch)) error {
	u.Queue(queue)
	return u.flush()
}

// AddIn adds a new row within the unit.
func (s *Store[T, P]) AddIn(u *Unit, row *T, events ...entity.Event) error {
	prepared, err := s.begin(u.ctx, u.tenant, row, events)
	if err != nil {
		return err
	}
	s.insert(u, row, prepared)
	return nil
}

// ChangeIn changes a row within the unit, under its lock.
func (s *Store[T, P]) ChangeIn(u *Unit, name string, rule func(*T) ([]entity.Event, error)) (*T, error) {
	row, err := s.queueIn(u, name, s.Table.QueueLock)()
	if err != nil {
		return nil, err
	}
	return row, s.decide(u, row, s.alive(rule))
}

// ReviseIn is ChangeIn for rows that may be deleted, with the etag that the caller
// read; an empty one is not compared.
func (s *Store[T, P]) ReviseIn(u *Unit, name, etag string, rule func(*T) ([]entity.Event, error)) (*T, error) {
	row, err := s.queueIn(u, name, s.Table.QueueLock)()
	if err != nil {
		return nil, err
	}
	if err := s.check(u.ctx, row, name, etag); err != nil {
		return nil, err
	}
	return row, s.decide(u, row, rule)
}

// GetIn reads a row within the unit, without locking it.
func (s *Store[T, P]) GetIn(u *Unit, name string) (*T, error) {
	return s.QueueGetIn(u, name)()
}

// QueueGetIn is GetIn that waits: the row is read together with the next read, or
// when the answer is asked for, so that several reads take one round trip.
func (s *Store[T, P]) QueueGetIn(u *Unit, name string) (answer func() (*T, error)) {
	return s.queueIn(u, name, s.Table.QueueGet)
}

// LockAllIn locks those of the rows that exist and that the caller may see, and
// answers them by id, in one round trip. Change them by DecideIn; their keys are at
// hand then, fetched all at once where they were not.
func (s *Store[T, P]) LockAllIn(u *Unit, ids []uuid.UUID) (map[uuid.UUID]*T, error) {
	rows := make(map[uuid.UUID]*T, len(ids))
	if len(ids) == 0 {
		return rows, nil
	}
	var primaries []uuid.UUID
	u.gather()
	s.Table.QueueLockAll(u.pending, u.tenant, ids, func(row *T) {
		if s.Visible(u.ctx, row) {
			rows[s.Meta(row).ID] = row
			if contact := s.primary(row); contact != uuid.Nil {
				primaries = append(primaries, contact)
			}
		}
	})
	if err := u.flush(); err != nil {
		return nil, err
	}
	return rows, eventlog.Missing(s.Log.Keys, u.tenant, primaries)
}

// DecideIn runs a rule on a row that LockAllIn answered or that AddIn added, as
// ChangeIn does. An error leaves the row as it was.
func (s *Store[T, P]) DecideIn(u *Unit, row *T, rule func(*T) ([]entity.Event, error)) error {
	before := clone(row)
	err := s.decideFrom(u, before, row, s.alive(rule))
	if err != nil {
		*row = *before
	}
	return err
}

// ReviveIn is DecideIn of a row that is deleted, and comes back by the rule.
func (s *Store[T, P]) ReviveIn(u *Unit, row *T, rule func(*T) ([]entity.Event, error)) error {
	before := clone(row)
	err := s.decideFrom(u, before, row, rule)
	if err != nil {
		*row = *before
	}
	return err
}

func (s *Store[T, P]) queueIn(u *Unit, name string, queue func(*pgx.Batch, uuid.UUID, uuid.UUID, func(*T) error)) (answer func() (*T, error)) {
	id, err := s.ParseName(name)
	if err != nil {
		return func() (*T, error) { return nil, err }
	}
	var row *T
	u.gather()
	queue(u.pending, u.tenant, id, func(found *T) error { row = found; return nil })
	with := u.pending
	return func() (*T, error) {
		if u.pending == with {
			if err := u.flush(); err != nil {
				return nil, err
			}
		}
		return row, s.check(u.ctx, row, name, "")
	}
}
