package fuzz

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Reference is a field of a request that holds the name of a resource, or several.
type Reference struct {
	// Path are the fields that lead to it.
	Path []protoreflect.FieldDescriptor
	// Patterns are those of the names that it may hold, such as "leads/*".
	Patterns []string
}

// String is the path of the field, such as "lead.name".
func (r Reference) String() string {
	names := make([]string, len(r.Path))
	for i, f := range r.Path {
		names[i] = string(f.Name())
	}
	return strings.Join(names, ".")
}

// Last is the field itself.
func (r Reference) Last() protoreflect.FieldDescriptor { return r.Path[len(r.Path)-1] }

// nested is how deep below a request references are looked for.
const nested = 4

// References answers the fields of a method's request that hold names: in the path of
// its URL, or by their resource_reference. What only the service writes is left out.
func (m Method) References() []Reference {
	types := patternsOfTypes()
	var all []Reference
	var walk func(d protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor, at string)
	walk = func(d protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor, at string) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			path := append(slices.Clone(above), f)
			switch {
			case f.IsMap() || len(path) > nested || behaves(f, annotations.FieldBehavior_OUTPUT_ONLY):
			case f.Message() != nil:
				walk(f.Message(), path, at+string(f.Name())+".")
			case f.Kind() == protoreflect.StringKind:
				if patterns := m.names(f, at+string(f.Name()), types); len(patterns) > 0 {
					all = append(all, Reference{path, patterns})
				}
			}
		}
	}
	walk(m.Desc.Input(), nil, "")
	return all
}

// names answers the patterns of the names that a field at a path of the request holds.
func (m Method) names(f protoreflect.FieldDescriptor, at string, types map[string][]string) []string {
	if pattern := m.captured[at]; pattern != "" {
		return []string{strings.ReplaceAll(pattern, "**", "*")}
	}
	ref, _ := proto.GetExtension(f.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	return types[ref.GetType()]
}

// Refer lets the field of a request, which Reach makes room for, hold a name and
// nothing else.
func (b *Baselines) Refer(m Method, request proto.Message, r Reference, name string) {
	in, f := b.Reach(m, request, r.Path), r.Last()
	if !f.IsList() {
		in.Set(f, protoreflect.ValueOfString(name))
		return
	}
	list := in.NewField(f).List()
	list.Append(protoreflect.ValueOfString(name))
	in.Set(f, protoreflect.ValueOfList(list))
}
