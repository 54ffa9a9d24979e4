package record

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
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
	rules, err := s.CustomRules(ctx, tenant)
	if err != nil {
		return *new(P), err
	}
	if err := s.CheckNew(rules, row); err != nil {
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
	parsed, ok := entity.ParseID(id)
	if !ok {
		return uuid.Nil, errs.Invalid(fieldName(kind)+"_id", "", "want a UUID of version 7 in lower case")
	}
	return parsed, nil
}

// Add stores a new row with the events of its creation (Created where none is
// given), in one round trip. Its times and partition are set, and its id where
// empty. An id that exists is ALREADY_EXISTS.
func (s *Store[T, P]) Add(ctx context.Context, tenant uuid.UUID, row *T, events ...entity.Event) (P, error) {
	var prepared []*eventv1.Event
	err := withKeys(ctx, s.Log.Keys, func() (err error) {
		prepared, err = s.begin(ctx, tenant, row, events)
		return err
	})
	if err != nil {
		return *new(P), err
	}
	answer := s.Proto(row)
	a := &addition{
		ctx: ctx, log: s.Log, tenant: tenant, first: s.primary(row), answer: answer,
		insert: func(u *Unit) { s.insert(u, row, prepared) },
	}
	err = a.submit(s.DB)
	return settle(s.DB, a.unit, answer, err)
}

// begin fills in what a new row has by itself and words its events.
func (s *Store[T, P]) begin(ctx context.Context, tenant uuid.UUID, row *T, events []entity.Event) ([]*eventv1.Event, error) {
	meta := s.Meta(row)
	if meta.ID == uuid.Nil {
		meta.ID = entity.NewID()
	}
	key := meta.ID
	if s.Contacts != nil {
		if contacts := s.Contacts(row); len(contacts) > 0 {
			key = contacts[0]
		}
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

// insert queues a new row with all that goes with it.
func (s *Store[T, P]) insert(u *Unit, row *T, events []*eventv1.Event) {
	s.Table.Insert(u.writes, row)
	s.queueRest(u, nil, row, events)
}
