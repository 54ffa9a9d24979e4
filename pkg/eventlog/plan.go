package eventlog

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// plans holds the plan of each message type that was sealed once: full name to
// *plan, nil for a type without personal fields.
var plans sync.Map

// planOf answers the plan of a message type, made at its first use.
func planOf(md protoreflect.MessageDescriptor) *plan {
	if p, ok := plans.Load(md.FullName()); ok {
		return p.(*plan)
	}
	var p *plan
	if marked(md, map[protoreflect.FullName]bool{}) {
		p = makePlan(md, map[protoreflect.FullName]*plan{})
	}
	plans.Store(md.FullName(), p)
	return p
}

// makePlan panics when a mark cannot be reached: that is a mistake in a .proto
// file, and the alternative would be to store the field in the open.
func makePlan(md protoreflect.MessageDescriptor, made map[protoreflect.FullName]*plan) *plan {
	if p := made[md.FullName()]; p != nil {
		return p
	}
	p := &plan{personal: map[protoreflect.FieldNumber]bool{}, nested: map[protoreflect.FieldNumber]*plan{}}
	made[md.FullName()] = p
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		switch {
		case personal(fd):
			p.personal[fd.Number()] = true
		case !marked(messageOf(fd), map[protoreflect.FullName]bool{}):
		case fd.Cardinality() == protoreflect.Repeated:
			panic(fmt.Sprintf("eventlog: %s is repeated and holds personal fields: mark it (lingkar.event.v1.personal) as a whole", fd.FullName()))
		default:
			p.nested[fd.Number()] = makePlan(fd.Message(), made)
		}
	}
	return p
}

// marked reports whether a message type has a mark anywhere below it.
func marked(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if md == nil || seen[md.FullName()] {
		return false
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if personal(fd) || marked(messageOf(fd), seen) {
			return true
		}
	}
	return false
}

// messageOf answers the message type of a field, or of a map's values; nil for
// a scalar.
func messageOf(fd protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if fd.IsMap() {
		return fd.MapValue().Message()
	}
	return fd.Message()
}

func personal(fd protoreflect.FieldDescriptor) bool {
	mark, _ := proto.GetExtension(fd.Options(), eventv1.E_Personal).(bool)
	return mark
}
