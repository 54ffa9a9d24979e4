package customfield

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
)

// Collection begins the names of fields.
const Collection = "customFields"

// Store keeps the fields of all services' resources. P is the message of a field.
type Store[P proto.Message] struct {
	*record.Store[Field, P]
	Schemas *Schemas
	// own are the tables of the resources of this service. Another service, which has the
	// others, follows the fields by their events (Follow) and builds their indexes.
	own map[string]string
}

// Wording is how an area words fields: as record.Store says of functions of these names.
// Fill need not check the field by Field.Check.
type Wording[P proto.Message] struct {
	Proto func(*Field) P
	Fill  func(*Field, P) error
	Event func(*Field, entity.Event) eventlog.Draft
}

// NewStore makes the store of a service's database. Own are the tables of the resources
// that are the service's own.
func NewStore[P proto.Message](db *postgres.DB, log *eventlog.Log, own map[string]string, w Wording[P]) *Store[P] {
	s := &Store[P]{Schemas: NewSchemas(db), own: own}
	s.Store = &record.Store[Field, P]{
		DB: db, Log: log, Table: Table, Kind: "custom field", Collection: Collection,
		Meta:  func(f *Field) *entity.Meta { return &f.Meta },
		Proto: w.Proto, Event: w.Event,
		Fill: func(f *Field, p P) error {
			before := *f
			if err := w.Fill(f, p); err != nil {
				return err
			}
			violations := f.Check()
			for i := range violations {
				violations[i].Field = "custom_field." + violations[i].Field
			}
			if err := errs.Check(violations); err != nil {
				return err
			}
			if before.Type != 0 {
				if err := f.revise(&before); err != nil {
					return err
				}
			}
			s.index(f)
			return nil
		},
	}
	return s
}

// index sets the state of the index after a change. Of a field of another service's
// records nothing is known here: it may have values from the start, and its index is
// built there.
func (s *Store[P]) index(f *Field) {
	if _, own := s.own[f.Resource]; own {
		f.index()
		return
	}
	f.State, f.InUse = NoIndex, true
}

// Create stores a new field, where the resource has room for it.
func (s *Store[P]) Create(ctx context.Context, tenant uuid.UUID, id string, p P) (P, error) {
	if err := s.room(ctx, tenant, p); err != nil {
		return *new(P), err
	}
	defer s.Schemas.Forget(tenant)
	return s.Store.Create(ctx, tenant, id, p)
}

func (s *Store[P]) room(ctx context.Context, tenant uuid.UUID, p P) error {
	f := &Field{}
	if err := s.Fill(f, p); err != nil {
		return err
	}
	schema, err := s.Schemas.Of(ctx, tenant)
	if err != nil {
		return err
	}
	return schema.Of(f.Resource).room(f)
}

// Update changes a field, as record.Store.Update does.
func (s *Store[P]) Update(ctx context.Context, tenant uuid.UUID, p P, mask *fieldmaskpb.FieldMask) (P, error) {
	defer s.Schemas.Forget(tenant)
	return s.Store.Update(ctx, tenant, p, mask)
}

// Delete archives a field and gives up its index.
func (s *Store[P]) Delete(ctx context.Context, tenant uuid.UUID, name, etag string) (P, error) {
	defer s.Schemas.Forget(tenant)
	now := s.now()
	return s.Change(ctx, tenant, name, etag, func(f *Field) ([]entity.Event, error) {
		f.DeleteTime, f.State = &now, NoIndex
		return []entity.Event{entity.Deleted{}}, nil
	})
}

// Undelete brings a field back, and builds its index anew.
func (s *Store[P]) Undelete(ctx context.Context, tenant uuid.UUID, name, etag string) (P, error) {
	defer s.Schemas.Forget(tenant)
	return record.Write(ctx, s.DB, s.Log, tenant, func(u *record.Unit) (P, error) {
		f, err := s.ReviseIn(u, name, etag, func(f *Field) ([]entity.Event, error) {
			if !f.Deleted() {
				return nil, errs.Refused("NOT_DELETED", "the custom field is not deleted")
			}
			f.DeleteTime = nil
			s.index(f)
			return []entity.Event{entity.Undeleted{}}, nil
		})
		if err != nil {
			return *new(P), err
		}
		return s.Proto(f), nil
	})
}

// now is the clock's time, as precise as the database keeps it.
func (s *Store[P]) now() time.Time { return s.Log.Now().UTC().Truncate(time.Microsecond) }
