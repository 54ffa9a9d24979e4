package lint

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// standard are the fields that mean the same in every message that has them.
var standard = map[string]struct {
	kind      string
	behaviour annotations.FieldBehavior
}{
	"name":            {"string", annotations.FieldBehavior_IDENTIFIER},
	"create_time":     {"google.protobuf.Timestamp", annotations.FieldBehavior_OUTPUT_ONLY},
	"update_time":     {"google.protobuf.Timestamp", annotations.FieldBehavior_OUTPUT_ONLY},
	"delete_time":     {"google.protobuf.Timestamp", annotations.FieldBehavior_OUTPUT_ONLY},
	"etag":            {"string", annotations.FieldBehavior_OPTIONAL},
	"external_ids":    {"map<string, string>", annotations.FieldBehavior_OPTIONAL},
	"labels":          {"map<string, string>", annotations.FieldBehavior_OPTIONAL},
	"custom_fields":   {"google.protobuf.Struct", annotations.FieldBehavior_OPTIONAL},
	"allowed_actions": {"repeated string", annotations.FieldBehavior_OUTPUT_ONLY},
}

func (c *checker) messages(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		m := messages.Get(i)
		if resourceOf(m) != nil {
			c.resource(m)
		}
		for j := range m.Fields().Len() {
			c.field(m.Fields().Get(j))
		}
		c.messages(m.Messages())
	}
}

// field checks what holds for the fields of any message.
func (c *checker) field(f protoreflect.FieldDescriptor) {
	if ref := referenceOf(f); ref != nil {
		to := ref.GetType() + ref.GetChildType() // one of them is set
		c.expect(to == "*" || c.resources[to] != nil, f, "refers to %q, which no message is", to)
	}
	if strings.HasSuffix(string(f.Name()), "_time") && f.Message() != nil {
		c.expect(f.Message().FullName() == "google.protobuf.Timestamp", f, "a …_time must be a Timestamp (AIP-142)")
	}
}

// resource checks a message that has names of its own.
func (c *checker) resource(m protoreflect.MessageDescriptor) {
	r := resourceOf(m)
	kind, ok := strings.CutPrefix(r.GetType(), "lingkar.dev/")
	c.expect(ok && kind != "", m, "its type must be lingkar.dev/…")
	c.expect(lowerFirst(kind) == r.GetSingular(), m, "its singular must be %q", lowerFirst(kind))
	c.expect(len(r.GetPattern()) > 0, m, "must have a pattern (AIP-123)")
	for _, pattern := range r.GetPattern() {
		parts := strings.Split(pattern, "/")
		if singleton(pattern) {
			continue
		}
		c.expect(parts[len(parts)-1] == "{"+snake(kind)+"}", m, "its pattern must end in {%s}", snake(kind))
		collection := parts[len(parts)-2]
		qualified := len(r.GetPattern()) > 1 && strings.HasSuffix(strings.ToLower(collection), r.GetPlural()) // contactImports, salesImports
		c.expect(collection == r.GetPlural() || qualified, m, "its collection must be its plural %q", r.GetPlural())
	}
	c.expect(m.Fields().ByName("name") != nil, m, "must have a name (AIP-122)")
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		c.expect(len(behaviours(f)) > 0, f, "must say its field_behavior (AIP-203)")
		if want, ok := standard[string(f.Name())]; ok {
			c.expect(typeOf(f) == want.kind, f, "must be %s, not %s (AIP-148)", want.kind, typeOf(f))
			c.expect(slices.Contains(behaviours(f), want.behaviour) || slices.Contains(behaviours(f), annotations.FieldBehavior_OUTPUT_ONLY),
				f, "must be %s (AIP-148)", want.behaviour)
		}
	}
}

// singleton says whether the pattern names the one child of another resource, such
// as "campaigns/{campaign}/progress" (AIP-156).
func singleton(pattern string) bool { return !strings.HasSuffix(pattern, "}") }

// lived checks the fields of a resource that is created, and perhaps deleted, by
// callers.
func (c *checker) lived(m protoreflect.MessageDescriptor, fields ...string) {
	for _, field := range fields {
		c.has(m, field, standard[field].kind)
	}
}
