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

// in tells a method and a place in a failure.
func (p place) in(m fuzz.Method) string { return fmt.Sprintf("%s %s", m.Name(), p.path()) }

// rulesOf are the rules of the contract for the field at the place.
func rulesOf(p place) *validate.FieldRules {
	rules, _ := proto.GetExtension(p.last().Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

// most is how many places of one request are spoiled at once: an answer that names them
// must fit into the headers of HTTP/2.
const most = 12

// apart groups places that one request can be spoiled in at once: no two of a group lie
// within each other, or in two fields of which only one can be set.
func apart(all []place) [][]place {
	var groups [][]place
	for _, p := range all {
		i := slices.IndexFunc(groups, func(group []place) bool {
			return len(group) < most && !slices.ContainsFunc(group, p.excludes)
		})
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

// excludes says whether only one of two places can be spoiled at a time.
func (p place) excludes(q place) bool {
	for i := range min(len(p), len(q)) {
		if p[i] != q[i] {
			one := p[i].ContainingOneof()
			return one != nil && one == q[i].ContainingOneof()
		}
	}
	return true
}
