package call

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// AnswerOf answers the type that a method answers with; nil where it is not linked
// in.
func AnswerOf(method string) protoreflect.MessageDescriptor {
	name := strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if m, ok := d.(protoreflect.MethodDescriptor); err == nil && ok {
		return m.Output()
	}
	return nil
}
