package record

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Create makes a row of the message and stores it. The id is the one an offline
// client brought (a UUIDv7), or empty.
func (s *Store[T, P]) Create(ctx context.Context, tenant uuid.UUID, id string, p P) (P, error) {
	row := new(T)
	if err := s.Fill(row, p); err != nil {
		return *new(P), err
	}
	own, err := clientID(s.Kind, id)
	if err != nil {
		return *new(P), err
	}
	s.Meta(row).ID = own
	return s.Add(ctx, tenant, row)
}

// clientID reads the id that a client brought; none is uuid.Nil.
func clientID(kind, id string) (uuid.UUID, error) {
	if id == "" {
		return uuid.Nil, nil
	}
	parsed, err := uuid.Parse(id)
	if err != nil || parsed.Version() != 7 || parsed.String() != id {
		return uuid.Nil, errs.Invalid(fieldName(kind)+"_id", "", "want a UUID of version 7 in lower case")
	}
	return parsed, nil
}

// Add stores a new row with the events of its creation (Created where none is
// given), in one round trip. Its id, times and partition are set where empty.
func (s *Store[T, P]) Add(ctx context.Context, tenant uuid.UUID, row *T, events ...entity.Event) (P, error) {
	var none P
	var prepared []*eventv1.Event
	err := withKeys(ctx, s.Log.Keys, func() (err error) {
		prepared, err = s.begin(ctx, tenant, row, events)
		return err
	})
	if err != nil {
		return none, err
	}
	answer := s.Proto(row)
	var position int64
	queue := func(b *pgx.Batch) error {
		postgres.QueueTenant(b, tenant)
		s.Table.QueueInsert(b, tenant, row)
		s.queueRest(ctx, b, tenant, nil, row, prepared)
		return finish(ctx, b, tenant, s.primary(row), answer, &position)
	}
	if err := s.settle(ctx, tenant, s.submit(ctx, queue), &answer); err != nil {
		return none, err
	}
	if !call.From(ctx).ValidateOnly {
		announce(ctx, s.Log, position)
	}
	return answer, nil
}

// begin fills in what a new row has by itself and words its events.
func (s *Store[T, P]) begin(ctx context.Context, tenant uuid.UUID, row *T, events []entity.Event) ([]*eventv1.Event, error) {
	meta := s.Meta(row)
	if meta.ID == uuid.Nil {
		meta.ID = entity.NewID()
	}
	key := s.primary(row)
	if key == uuid.Nil {
		key = meta.ID
	}
	meta.Partition = entity.Partition(tenant, key)
	meta.CreateTime = s.now()
	meta.UpdateTime = meta.CreateTime
	meta.Seq = 0
	if len(events) == 0 {
		events = []entity.Event{entity.Created{}}
	}
	return s.prepare(ctx, tenant, row, events)
}

// submit runs the batch, or runs it and takes it back where the call only asks to
// check.
func (s *Store[T, P]) submit(ctx context.Context, queue func(b *pgx.Batch) error) error {
	if !call.From(ctx).ValidateOnly {
		return postgres.Submit(ctx, s.DB, queue)
	}
	var queued error
	err := postgres.Decide(ctx, s.DB,
		func(b *pgx.Batch) { queued = queue(b) },
		func(*pgx.Batch) error { return errors.Join(queued, errChecked) })
	if queued != nil {
		return queued
	}
	return err
}
