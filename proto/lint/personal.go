package lint

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// events checks that each event tells one resource as it is afterwards, and that
// sealing finds every personal field of it.
func (c *checker) events(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		m := messages.Get(i)
		first := m.Fields().ByNumber(1)
		c.expect(first != nil && first.Message() != nil && !first.IsList() && !first.IsMap(),
			m, "its field 1 must be the resource after the change")
		c.sealable(m, map[protoreflect.FullName]bool{})
	}
}

// sealable follows singular fields, as sealing does, and notes each repeated
// field that hides a mark inside: there the field itself must be marked.
func (c *checker) sealable(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[m.FullName()] {
		return
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		switch inner := innerMessage(f); {
		case inner == nil || personal(f):
		case f.IsList() || f.IsMap():
			c.expect(!hidesMark(inner, map[protoreflect.FullName]bool{}), f,
				"repeats messages with personal fields: it must be marked personal itself")
		default:
			c.sealable(inner, seen)
		}
	}
}

func innerMessage(f protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if f.IsMap() {
		return f.MapValue().Message()
	}
	return f.Message()
}

func personal(f protoreflect.FieldDescriptor) bool {
	return proto.GetExtension(f.Options(), eventv1.E_Personal).(bool)
}

func hidesMark(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[m.FullName()] {
		return false
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if personal(f) {
			return true
		}
		if inner := innerMessage(f); inner != nil && hidesMark(inner, seen) {
			return true
		}
	}
	return false
}
