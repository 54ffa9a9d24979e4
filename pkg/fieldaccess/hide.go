package fieldaccess

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

const anyName = "google.protobuf.Any"

// Hide clears what a caller may not see in a message and in every message within it,
// and answers the fields that it took a value from, such as
// "lingkar.dev/Contact.birthday", sorted. The message must be the caller's own copy.
func (p *Policy) Hide(c auth.Caller, m proto.Message) []string {
	if p == nil || exempt(c) || !p.concerns(m.ProtoReflect().Descriptor()) {
		return nil
	}
	h := hider{policy: p, caller: c, hidden: map[string]bool{}}
	h.message(m.ProtoReflect())
	return slices.Sorted(maps.Keys(h.hidden))
}

type hider struct {
	policy *Policy
	caller auth.Caller
	hidden map[string]bool
}

func (h *hider) message(m protoreflect.Message) {
	d := m.Descriptor()
	if d.FullName() == anyName {
		h.packed(m)
		return
	}
	for _, r := range h.policy.rules[d.FullName()] {
		if !r.shows(h.caller) && cleared(m, r.path) {
			h.hidden[r.Type+"."+r.Field] = true
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		h.field(f, v)
		return true
	})
}

func (h *hider) field(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case f.IsMap():
		if f.MapValue().Message() != nil && h.policy.concerns(f.MapValue().Message()) {
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				h.message(v.Message())
				return true
			})
		}
	case f.Message() == nil || !h.policy.concerns(f.Message()):
	case f.IsList():
		for i := range v.List().Len() {
			h.message(v.List().Get(i).Message())
		}
	default:
		h.message(v.Message())
	}
}

// packed hides within an Any of a kind that is known. What is not known holds no
// record that this program could answer otherwise.
func (h *hider) packed(m protoreflect.Message) {
	packed, ok := m.Interface().(*anypb.Any)
	if !ok {
		return
	}
	inner, err := packed.UnmarshalNew()
	if err != nil || !h.policy.concerns(inner.ProtoReflect().Descriptor()) {
		return
	}
	within := hider{policy: h.policy, caller: h.caller, hidden: map[string]bool{}}
	within.message(inner.ProtoReflect())
	maps.Copy(h.hidden, within.hidden)
	if len(within.hidden) > 0 {
		_ = packed.MarshalFrom(inner) // it was unmarshalled a moment ago
	}
}

// cleared clears the field at the end of a path; false where it had no value.
func cleared(m protoreflect.Message, path []string) bool {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if f == nil || !m.Has(f) {
		return false
	}
	if len(path) == 1 {
		m.Clear(f)
		return true
	}
	switch {
	case f.IsMap():
		key := protoreflect.ValueOfString(path[1]).MapKey()
		had := m.Get(f).Map().Has(key)
		m.Mutable(f).Map().Clear(key)
		return had
	case isStruct(f):
		s, _ := m.Mutable(f).Message().Interface().(*structpb.Struct)
		_, had := s.GetFields()[path[1]]
		delete(s.GetFields(), path[1])
		return had
	}
	return cleared(m.Mutable(f).Message(), path[1:])
}

// has says whether the field at the end of a path has a value.
func has(m protoreflect.Message, path []string) bool {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if f == nil || !m.Has(f) {
		return false
	}
	if len(path) == 1 {
		return true
	}
	switch {
	case f.IsMap():
		return m.Get(f).Map().Has(protoreflect.ValueOfString(path[1]).MapKey())
	case isStruct(f):
		s, _ := m.Get(f).Message().Interface().(*structpb.Struct)
		_, has := s.GetFields()[path[1]]
		return has
	}
	return has(m.Get(f).Message(), path[1:])
}
