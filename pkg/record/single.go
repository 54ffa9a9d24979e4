package record

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Single answers the one row of a tenant that a resource has, of an id that is always the
// same, or what holds where nobody has written it.
func (s *Store[T, P]) Single(ctx context.Context, tenant uuid.UUID, defaults *T) (*T, error) {
	row, err := s.Table.Get(ctx, s.DB, tenant, s.Meta(defaults).ID)
	if errs.Reason(err) == errs.Reason(errs.NotFound(s.Kind, "")) {
		return defaults, nil
	}
	return row, err
}

// UpdateSingle writes the fields that the mask names into the tenant's one row, or into
// what defaults answers where nobody has written it. Of two calls that are the first, the
// later one meets the row of the other and reads again.
func (s *Store[T, P]) UpdateSingle(ctx context.Context, tenant uuid.UUID, defaults func() *T, p P, mask *fieldmaskpb.FieldMask) (P, error) {
	write := func() (P, error) {
		return Write(ctx, s.DB, s.Log, tenant, func(u *Unit) (P, error) {
			row := defaults()
			id := s.Meta(row).ID
			rows, err := s.LockAllIn(u, []uuid.UUID{id})
			if err != nil {
				return *new(P), err
			}
			if there := rows[id]; there != nil {
				return s.updateSingleIn(u, there, p, mask)
			}
			// The etag of the defaults, which were read, still holds.
			unread := proto.Clone(p).(P)
			if etag := unread.ProtoReflect().Descriptor().Fields().ByName("etag"); textField(p, "etag") == s.Meta(row).Etag() {
				unread.ProtoReflect().Clear(etag)
			}
			if err := s.AddIn(u, row); err != nil {
				return *new(P), err
			}
			return s.updateSingleIn(u, row, unread, mask)
		})
	}
	updated, err := write()
	if errs.Reason(err) == s.existsReason() {
		return write()
	}
	return updated, err
}

func (s *Store[T, P]) updateSingleIn(u *Unit, row *T, p P, mask *fieldmaskpb.FieldMask) (P, error) {
	if err := s.UpdateIn(u, row, p, mask); err != nil {
		return *new(P), err
	}
	return s.Proto(row), nil
}
