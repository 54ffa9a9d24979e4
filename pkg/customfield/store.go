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

// Store keeps the fields of a service's resources. P is the area's message of a field.
type Store[P proto.Message] struct {
	*record.Store[Field, P]
	Schemas *Schemas
}

// Wording is how an area words fields: as record.Store says of functions of these names.
// Fill need not check the field by Field.Check.
type Wording[P proto.Message] struct {
	Proto func(*Field) P
	Fill  func(*Field, P) error
	Event func(*Field, entity.Event) eventlog.Draft
}

// NewStore makes the store of a service's database.
func NewStore[P proto.Message](db *postgres.DB, log *eventlog.Log, w Wording[P]) *Store[P] {
	return &Store[P]{Schemas: NewSchemas(db), Store: &record.Store[Field, P]{
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
			if before.Type == 0 {
				f.index()
				return nil
			}
			return f.revise(&before)
		},
	}}
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
			f.index()
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

// Rules answers the rules of a resource of a tenant: what record.Store.Custom asks for.
func (s *Store[P]) Rules(resource string) func(ctx context.Context, tenant uuid.UUID) (record.CustomRules, error) {
	return func(ctx context.Context, tenant uuid.UUID) (record.CustomRules, error) {
		schema, err := s.Schemas.Of(ctx, tenant)
		if err != nil {
			return nil, err
		}
		return schema.Of(resource), nil
	}
}
