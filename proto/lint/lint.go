// Package lint holds our contracts to Google's API Improvement Proposals, as far
// as `buf lint` does not: resources (AIP-122, 123, 148), standard methods
// (AIP-131 to 135, 158, 164), custom methods (AIP-136), request ids (AIP-155)
// and field behaviour (AIP-203).
//
// Beyond them it checks what the event log needs: each mark of a personal field
// must lie where sealing finds it. Comments are checked by `buf lint`.
package lint

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Check answers what is wrong with the files, sorted, one line each.
func Check(files []protoreflect.FileDescriptor) []string {
	c := &checker{resources: map[string]protoreflect.MessageDescriptor{}}
	for _, file := range files {
		c.collect(file.Messages())
	}
	for _, file := range files {
		c.messages(file.Messages())
		for i := range file.Services().Len() {
			c.service(file.Services().Get(i))
		}
		if strings.HasSuffix(file.Path(), "/events.proto") {
			c.events(file.Messages())
		}
	}
	slices.Sort(c.findings)
	return slices.Compact(c.findings)
}

type checker struct {
	// resources are all resource messages by type, such as "lingkar.dev/Lead".
	resources map[string]protoreflect.MessageDescriptor
	findings  []string
}

// expect notes a finding unless ok.
func (c *checker) expect(ok bool, at protoreflect.Descriptor, format string, args ...any) {
	if !ok {
		c.findings = append(c.findings, string(at.FullName())+": "+fmt.Sprintf(format, args...))
	}
}

func (c *checker) collect(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		if r := resourceOf(messages.Get(i)); r != nil {
			c.resources[r.GetType()] = messages.Get(i)
		}
		c.collect(messages.Get(i).Messages())
	}
}

func resourceOf(m protoreflect.MessageDescriptor) *annotations.ResourceDescriptor {
	r, _ := proto.GetExtension(m.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
	return r
}

func behaviours(f protoreflect.FieldDescriptor) []annotations.FieldBehavior {
	b, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return b
}

func referenceOf(f protoreflect.FieldDescriptor) *annotations.ResourceReference {
	r, _ := proto.GetExtension(f.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	return r
}

// typeOf words the type of a field, such as "repeated string".
func typeOf(f protoreflect.FieldDescriptor) string {
	name := f.Kind().String()
	switch {
	case f.IsMap():
		return "map<" + typeOf(f.MapKey()) + ", " + typeOf(f.MapValue()) + ">"
	case f.Message() != nil:
		name = string(f.Message().FullName())
	case f.Enum() != nil:
		name = string(f.Enum().FullName())
	}
	if f.IsList() {
		return "repeated " + name
	}
	return name
}

// has notes a finding unless the message has the field with the type.
func (c *checker) has(m protoreflect.MessageDescriptor, field, want string) protoreflect.FieldDescriptor {
	f := m.Fields().ByName(protoreflect.Name(field))
	if f == nil {
		c.expect(false, m, "must have %s %s", want, field)
		return nil
	}
	c.expect(typeOf(f) == want, f, "must be %s, not %s", want, typeOf(f))
	return f
}

func snake(camel string) string {
	var b strings.Builder
	for i, r := range camel {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func lowerFirst(s string) string { return strings.ToLower(s[:min(1, len(s))]) + s[min(1, len(s)):] }
