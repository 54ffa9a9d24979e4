package record

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"go.einride.tech/aip/fieldbehavior"
	"go.einride.tech/aip/fieldmask"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// unwritable are the behaviours of fields that a caller cannot write (AIP-203).
var unwritable = []annotations.FieldBehavior{annotations.FieldBehavior_OUTPUT_ONLY, annotations.FieldBehavior_IDENTIFIER}

// Update changes the fields the mask names (AIP-134): an absent mask names the
// fields that are set, "*" all that can be written. An unknown path is
// INVALID_ARGUMENT, an output-only one is ignored, and where nothing differs
// nothing happens. The etag is the message's own.
func (s *Store[T, P]) Update(ctx context.Context, tenant uuid.UUID, p P, mask *fieldmaskpb.FieldMask) (P, error) {
	if err := checkMask(mask, p); err != nil {
		return *new(P), err
	}
	return s.Change(ctx, tenant, textField(p, "name"), textField(p, "etag"), func(row *T) ([]entity.Event, error) {
		before := s.Proto(row)
		wanted := proto.Clone(before)
		fieldmask.Update(mask, wanted, p)
		fieldbehavior.CopyFields(wanted, before, unwritable...)
		if err := s.Fill(row, wanted.(P)); err != nil {
			return nil, err
		}
		paths := differing(before, s.Proto(row))
		if len(paths) == 0 {
			return nil, nil
		}
		return []entity.Event{entity.Updated{Paths: paths}}, nil
	})
}

func checkMask(mask *fieldmaskpb.FieldMask, p proto.Message) error {
	if slices.Equal(mask.GetPaths(), []string{"*"}) {
		return nil
	}
	if err := fieldmask.Validate(mask, p); err != nil {
		return errs.Invalid("update_mask", "FIELD_UNKNOWN", "a path of the mask is no field of the resource")
	}
	return nil
}

// differing are the top-level fields in which two versions differ.
func differing(a, b proto.Message) []string {
	var paths []string
	x, y := a.ProtoReflect(), b.ProtoReflect()
	fields := x.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if x.Has(f) != y.Has(f) || !x.Get(f).Equal(y.Get(f)) {
			paths = append(paths, string(f.Name()))
		}
	}
	return paths
}

// textField reads a field that every resource has.
func textField(p proto.Message, name protoreflect.Name) string {
	m := p.ProtoReflect()
	return m.Get(m.Descriptor().Fields().ByName(name)).String()
}
