package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// ParkedEvent is an event that a projection could not apply, or one of the same
// customer that came after it.
type ParkedEvent struct {
	// Event is as it was received, its personal fields sealed.
	Event *eventv1.Event
	// Cause is why it could not be applied; empty for one that waits behind
	// another. It may tell what the database said: for operators only.
	Cause string
	// Attempts is how often it was tried: 0 while it waits.
	Attempts int
	// ParkedAt is when it was parked, TriedAt when it was last tried or parked.
	ParkedAt, TriedAt time.Time
}

// Parked lists at most limit parked events in the order in which they are to be
// applied, after the one given (the last of the page before), or from the first
// where after is nil.
func (r *Runner) Parked(ctx context.Context, after *eventv1.Event, limit int) ([]ParkedEvent, error) {
	rows, err := r.DB.Query(ctx, `
		SELECT event, cause, attempts, create_time, update_time
		FROM parked_event
		WHERE projection = $1 AND (area, partition, seq) > ($2, $3, $4)
		ORDER BY area, partition, seq
		LIMIT $5`,
		r.Name, after.GetArea(), after.GetPartition(), after.GetPosition(), limit)
	if err != nil {
		return nil, postgres.SQLError(fmt.Errorf("eventlog: parked events of %s: %w", r.Name, err))
	}
	parked, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ParkedEvent, error) {
		p := ParkedEvent{Event: &eventv1.Event{}}
		var body []byte
		if err := row.Scan(&body, &p.Cause, &p.Attempts, &p.ParkedAt, &p.TriedAt); err != nil {
			return p, err
		}
		return p, proto.Unmarshal(body, p.Event)
	})
	return parked, postgres.SQLError(err)
}

// RetryParked applies the parked events of one customer again, in order: that of
// the event with the id, from the first one on. It answers how many were
// applied; where one fails again it stays, with all behind it, and still is
// FAILED_PRECONDITION EVENT_STILL_FAILS: what was done is to be committed then, too.
func (r *Runner) RetryParked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (applied int, still, err error) {
	return r.unpark(ctx, tx, id, func(parkingKey, int64) error { return nil })
}

// DiscardParked gives up one parked event for the reason told, which is kept in
// the audit log as the caller's deed, and applies those behind it. It answers as
// RetryParked does.
func (r *Runner) DiscardParked(ctx context.Context, tx pgx.Tx, id uuid.UUID, reason string) (applied int, still, err error) {
	return r.unpark(ctx, tx, id, func(k parkingKey, seq int64) error {
		var b pgx.Batch
		b.Queue("DELETE FROM parked_event WHERE projection = $1 AND area = $2 AND partition = $3 AND seq = $4",
			r.Name, k.area, k.partition, seq)
		QueueAudit(&b, AuditEntry{
			Tenant: k.tenant, RecordedAt: time.Now(), Resource: "deadLetters/" + id.String(),
			Note: "discarded: " + reason,
		}.By(ctx))
		return tx.SendBatch(ctx, &b).Close()
	})
}

// unpark changes the parked events of a customer and applies what is left. The
// cursor is locked so that no event of that customer is parked meanwhile.
func (r *Runner) unpark(ctx context.Context, tx pgx.Tx, id uuid.UUID, change func(k parkingKey, seq int64) error) (applied int, still, err error) {
	s := newSession(r)
	k, seq, err := s.lockParked(ctx, tx, id)
	if err == nil {
		err = change(k, seq)
	}
	if err == nil {
		applied, still, err = s.applyParked(ctx, tx, k)
	}
	if err != nil {
		return 0, nil, postgres.SQLError(err)
	}
	return applied, still, nil
}

// lockParked answers where a parked event is, its partition's cursor locked.
func (s *session) lockParked(ctx context.Context, tx pgx.Tx, id uuid.UUID) (k parkingKey, seq int64, err error) {
	find := func() error {
		return tx.QueryRow(ctx, `
			SELECT area, partition, seq, tenant, key FROM parked_event WHERE projection = $1 AND id = $2`,
			s.Name, id).Scan(&k.area, &k.partition, &seq, &k.tenant, &k.key)
	}
	if err = find(); err == nil {
		_, err = tx.Exec(ctx, `
			SELECT FROM projection_cursor WHERE projection = $1 AND area = $2 AND partition = $3 FOR UPDATE`,
			s.Name, k.area, k.partition)
	}
	if err == nil {
		err = find() // another retry may have been faster
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = errs.NotFound("dead letter", "deadLetters/"+id.String())
	}
	return k, seq, err
}

// applyParked applies the events of a customer in order, until one fails: that
// is the second answer.
func (s *session) applyParked(ctx context.Context, tx pgx.Tx, k parkingKey) (applied int, still, err error) {
	events, err := s.readParked(ctx, tx, k)
	if err != nil {
		return 0, nil, err
	}
	items, err := s.open(ctx, events)
	if err != nil {
		return 0, nil, err
	}
	a := &attempt{session: s}
	for _, i := range items {
		failed := a.savepoint(ctx, tx, []item{i})
		if failed != nil && (transient(failed) || tx.Conn().IsClosed()) {
			return 0, nil, failed
		}
		if failed != nil {
			still = errs.Refused("EVENT_STILL_FAILS", "the event cannot be applied yet").With("event", i.event.GetId()).Wrap(failed)
			return applied, still, s.noteFailure(ctx, tx, k, i.event, failed)
		}
		if _, err := tx.Exec(ctx, `
			DELETE FROM parked_event WHERE projection = $1 AND area = $2 AND partition = $3 AND seq = $4`,
			s.Name, k.area, k.partition, i.event.GetPosition()); err != nil {
			return 0, nil, err
		}
		applied++
	}
	return applied, nil, nil
}

func (s *session) noteFailure(ctx context.Context, tx pgx.Tx, k parkingKey, e *eventv1.Event, cause error) error {
	_, err := tx.Exec(ctx, `
		UPDATE parked_event
		SET cause = $5, attempts = attempts + 1, update_time = now()
		WHERE projection = $1 AND area = $2 AND partition = $3 AND seq = $4`,
		s.Name, k.area, k.partition, e.GetPosition(), causeOf(cause))
	return err
}

func (s *session) readParked(ctx context.Context, tx pgx.Tx, k parkingKey) ([]*eventv1.Event, error) {
	rows, err := tx.Query(ctx, `
		SELECT event
		FROM parked_event
		WHERE projection = $1 AND area = $2 AND partition = $3 AND tenant = $4 AND key = $5
		ORDER BY seq`,
		s.Name, k.area, k.partition, k.tenant, k.key)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*eventv1.Event, error) {
		var body []byte
		if err := row.Scan(&body); err != nil {
			return nil, err
		}
		e := &eventv1.Event{}
		return e, proto.Unmarshal(body, e)
	})
}
