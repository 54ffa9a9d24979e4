package record

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Update changes the fields the mask names (AIP-134): an absent mask names the
// fields that are set, "*" all that can be written. A path goes into a message by
// its fields and into a map or an object by its key ("labels.tier"); a list is
// replaced as a whole. An unknown path is INVALID_ARGUMENT, an output-only one is
// ignored, and where nothing differs nothing happens. The etag is the message's
// own.
func (s *Store[T, P]) Update(ctx context.Context, tenant uuid.UUID, p P, mask *fieldmaskpb.FieldMask) (P, error) {
	if _, err := s.ParseName(textField(p, "name")); err != nil {
		return *new(P), s.wrongName(fieldName(s.Kind) + ".name")
	}
	paths, err := pathsOf(mask, p.ProtoReflect())
	if err != nil {
		return *new(P), err
	}
	rules, err := s.CustomRules(ctx, tenant)
	if err != nil {
		return *new(P), err
	}
	return s.Change(ctx, tenant, textField(p, "name"), textField(p, "etag"), s.merge(p, paths, rules))
}

// UpdateIn is Update of a row that LockAllIn answered or that AddIn added.
func (s *Store[T, P]) UpdateIn(u *Unit, row *T, p P, mask *fieldmaskpb.FieldMask) error {
	paths, err := pathsOf(mask, p.ProtoReflect())
	if err != nil {
		return err
	}
	if err := s.check(u.ctx, row, textField(p, "name"), textField(p, "etag")); err != nil {
		return err
	}
	rules, err := s.CustomRules(u.ctx, u.tenant)
	if err != nil {
		return err
	}
	return s.DecideIn(u, row, s.merge(p, paths, rules))
}

// Overlay answers base with the paths of the mask as they are in from, of which
// neither is changed. What nobody can write stays as it is in base. The mask is that of
// an Update.
func Overlay[P proto.Message](base, from P, mask *fieldmaskpb.FieldMask) (P, error) {
	paths, err := pathsOf(mask, from.ProtoReflect())
	if err != nil {
		return *new(P), err
	}
	made, parts := proto.CloneOf(base), proto.CloneOf(from)
	for _, path := range paths {
		path.copy(made.ProtoReflect(), parts.ProtoReflect())
	}
	return made, nil
}

// merge is the rule that writes the paths of a message into a row.
func (s *Store[T, P]) merge(p P, paths []maskPath, rules CustomRules) func(*T) ([]entity.Event, error) {
	return func(row *T) ([]entity.Event, error) {
		before := s.Proto(row)
		wanted := proto.CloneOf(before)
		for _, path := range paths {
			path.copy(wanted.ProtoReflect(), p.ProtoReflect())
		}
		if err := checkImmutable(fieldName(s.Kind), before.ProtoReflect(), wanted.ProtoReflect()); err != nil {
			return nil, err
		}
		custom := s.Meta(row).CustomFields
		if err := s.Fill(row, wanted); err != nil {
			return nil, err
		}
		if err := s.CheckChanged(rules, custom, row); err != nil {
			return nil, err
		}
		changed := differing(before.ProtoReflect(), s.Proto(row).ProtoReflect())
		if len(changed) == 0 {
			return nil, nil
		}
		return []entity.Event{entity.Updated{Paths: changed}}, nil
	}
}

// differing are the writable fields in which two versions differ.
func differing(a, b protoreflect.Message) []string {
	var names []string
	for _, fd := range writable(a.Descriptor()) {
		if !same(a, b, fd) {
			names = append(names, string(fd.Name()))
		}
	}
	return names
}

func same(a, b protoreflect.Message, fd protoreflect.FieldDescriptor) bool {
	return a.Has(fd) == b.Has(fd) && a.Get(fd).Equal(b.Get(fd))
}

// textField reads a text that every resource has.
func textField(p proto.Message, name protoreflect.Name) string {
	m := p.ProtoReflect()
	return m.Get(m.Descriptor().Fields().ByName(name)).String()
}
