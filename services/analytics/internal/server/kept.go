package server

import (
	"fmt"
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// The lists of answers that hold what the projections keep, message by message.
var (
	viewEntries      = keptIn(&analyticsv1.CustomerView{}, "timeline")
	pageEntries      = keptIn(&analyticsv1.ListTimelineResponse{}, "timeline")
	workSectionItems = keptIn(&analyticsv1.WorkSection{}, "items")
)

// kept is a list of messages that an answer takes as they are kept, encoded: to decode
// and encode them again would take a quarter of what a view costs. They are put where a
// message keeps what it does not know, so the answer says them on the wire, as any list,
// and whoever decodes it finds them in their field; before that, the field is empty.
type kept protowire.Number

// keptIn answers the list of a field. It panics where the messages may hold a record: what
// rules about fields keep from callers is taken from decoded ones alone.
func keptIn(answer proto.Message, field protoreflect.Name) kept {
	f := answer.ProtoReflect().Descriptor().Fields().ByName(field)
	if f == nil || !f.IsList() || f.Message() == nil || holdsRecord(f.Message(), map[protoreflect.FullName]bool{}) {
		panic(fmt.Sprintf("%s.%s cannot be answered as it is kept", answer.ProtoReflect().Descriptor().FullName(), field))
	}
	return kept(f.Number())
}

// holdsRecord says whether a message is a resource, or may hold one.
func holdsRecord(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[m.FullName()] {
		return false
	}
	seen[m.FullName()] = true
	if proto.HasExtension(m.Options(), annotations.E_Resource) || m.FullName() == "google.protobuf.Any" {
		return true
	}
	for i := range m.Fields().Len() {
		if inner := m.Fields().Get(i).Message(); inner != nil && holdsRecord(inner, seen) {
			return true
		}
	}
	return false
}

// add adds messages to the list of an answer.
func (k kept) add(answer proto.Message, messages ...[]byte) {
	size := 0
	for _, m := range messages {
		size += protowire.SizeTag(protowire.Number(k)) + protowire.SizeBytes(len(m))
	}
	elements := make([]byte, 0, size)
	for _, m := range messages {
		elements = protowire.AppendTag(elements, protowire.Number(k), protowire.BytesType)
		elements = protowire.AppendBytes(elements, m)
	}
	addElements(answer, elements)
}

// addElements adds elements of a list to an answer, which keeps them.
func addElements(answer proto.Message, elements []byte) {
	into := answer.ProtoReflect()
	if before := into.GetUnknown(); len(before) > 0 {
		elements = slices.Concat(before, elements)
	}
	into.SetUnknown(elements)
}
