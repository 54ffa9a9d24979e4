package badinput

import (
	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// deepest is how deep below a request fields are looked for.
const deepest = 5

// place is a field somewhere below a request, by the fields that lead there.
type place []protoreflect.FieldDescriptor

func (p place) last() protoreflect.FieldDescriptor { return p[len(p)-1] }

// path is what a violation calls the place, in the first element of each list.
func (p place) path() string {
	var path string
	for i, f := range p {
		if i > 0 {
			path += "."
		}
		path += string(f.Name())
		if f.IsList() {
			path += "[" + strconv.Itoa(0) + "]"
		}
	}
	return path
}

// places answers the fields that a caller may set in the requests of a method. What
// stands for one value, such as a time, is not looked into.
func places(m fuzz.Method) []place {
	var all []place
	var walk func(d protoreflect.MessageDescriptor, above place)
	walk = func(d protoreflect.MessageDescriptor, above place) {
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			if outputOnly(f) || len(above) > deepest {
				continue
			}
			p := append(above[:len(above):len(above)], f)
			all = append(all, p)
			if f.Message() != nil && !f.IsMap() && ours(f.Message()) && !byItself(f) {
				walk(f.Message(), p)
			}
		}
	}
	walk(m.Desc.Input(), nil)
	return all
}

func ours(d protoreflect.MessageDescriptor) bool { return d.ParentFile().Package()[:4] == "ling" }

// byItself says whether what is wrong within a field is answered by the part of the
// answer that belongs to it, and refuses nothing else.
func byItself(f protoreflect.FieldDescriptor) bool {
	rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	return rules.GetIgnore() == validate.Ignore_IGNORE_ALWAYS
}

func outputOnly(f protoreflect.FieldDescriptor) bool {
	return behaves(f, annotations.FieldBehavior_OUTPUT_ONLY) || behaves(f, annotations.FieldBehavior_IDENTIFIER)
}

func immutable(f protoreflect.FieldDescriptor) bool {
	return behaves(f, annotations.FieldBehavior_IMMUTABLE)
}

func behaves(f protoreflect.FieldDescriptor, behaviour annotations.FieldBehavior) bool {
	behaviours, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviours, behaviour)
}

// reach makes sure that there is a message that holds the place, and answers it.
func (d *desk) reach(m fuzz.Method, request proto.Message, p place) protoreflect.Message {
	in, path := request.ProtoReflect(), ""
	for _, f := range p[:len(p)-1] {
		path += string(f.Name()) + "."
		if f.IsList() {
			list := in.Mutable(f).List()
			if list.Len() == 0 {
				e := list.NewElement()
				d.make.Fill(m, e.Message(), path)
				list.Append(e)
			}
			in = list.Get(0).Message()
			continue
		}
		if !in.Has(f) {
			d.make.Fill(m, in.Mutable(f).Message(), path)
		}
		in = in.Get(f).Message()
	}
	return in
}

// in tells a method and a place in a failure.
func (p place) in(m fuzz.Method) string { return fmt.Sprintf("%s %s", m.Name(), p.path()) }
