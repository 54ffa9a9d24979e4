package rpc

import (
	"strconv"
	"strings"
	"sync"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// multiLine is from which length on a string field is a text of several lines,
// in characters. A field without a declared length is one too; shorter ones are
// names, titles and identifiers, and stand on one line.
const multiLine = 1000

// plan is what to look at in messages of one type, found once.
type plan struct {
	special func(protoreflect.Message) []errs.Violation
	steps   []step
}

// step looks at one field.
type step struct {
	field protoreflect.FieldDescriptor
	value checker
	key   checker // of a map with string keys
}

// checker looks at one value: an element of a list or map, or the field itself.
// The fields of the violations it answers are relative to the value.
type checker func(protoreflect.Value) []errs.Violation

var plans struct {
	sync.Mutex
	made map[protoreflect.FullName]*plan
}

// planOf answers the plan for messages of the type.
func planOf(d protoreflect.MessageDescriptor) *plan {
	plans.Lock()
	defer plans.Unlock()
	if plans.made == nil {
		plans.made = map[protoreflect.FullName]*plan{}
	}
	return makePlan(d)
}

// makePlan is called with plans locked. It notes the plan before it is complete,
// so that a type may hold itself.
func makePlan(d protoreflect.MessageDescriptor) *plan {
	if p, ok := plans.made[d.FullName()]; ok {
		return p
	}
	p := &plan{special: specials[d.FullName()]}
	plans.made[d.FullName()] = p
	for i := range d.Fields().Len() {
		if s := makeStep(d.Fields().Get(i)); s.value != nil || s.key != nil {
			p.steps = append(p.steps, s)
		}
	}
	return p
}

func makeStep(f protoreflect.FieldDescriptor) step {
	rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	switch {
	case f.IsMap():
		s := step{field: f, value: checkerOf(f.MapValue(), rules.GetMap().GetValues())}
		if f.MapKey().Kind() == protoreflect.StringKind {
			s.key = oneLine
		}
		return s
	case f.IsList():
		return step{field: f, value: checkerOf(f, rules.GetRepeated().GetItems())}
	default:
		return step{field: f, value: checkerOf(f, rules)}
	}
}

func checkerOf(f protoreflect.FieldDescriptor, rules *validate.FieldRules) checker {
	switch f.Kind() {
	case protoreflect.StringKind:
		if r := rules.GetString(); r.HasMaxLen() && r.GetMaxLen() < multiLine || r.HasMaxBytes() && r.GetMaxBytes() < multiLine || r.HasLen() {
			return oneLine
		}
		return manyLines
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return func(v protoreflect.Value) []errs.Violation { return checkEnum(values, v.Enum()) }
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return checkFloat
	case protoreflect.MessageKind, protoreflect.GroupKind:
		p := makePlan(f.Message())
		return func(v protoreflect.Value) []errs.Violation { return p.check(v.Message()) }
	default:
		return nil
	}
}

// check answers what is wrong in the message, as paths from it.
func (p *plan) check(m protoreflect.Message) []errs.Violation {
	var found []errs.Violation
	if p.special != nil {
		found = p.special(m)
	}
	for i := range p.steps {
		if s := &p.steps[i]; m.Has(s.field) {
			found = append(found, s.check(m.Get(s.field))...)
		}
	}
	return found
}

func (s *step) check(v protoreflect.Value) []errs.Violation {
	name := string(s.field.Name())
	switch {
	case s.field.IsMap():
		return s.checkMap(name, v.Map())
	case s.field.IsList():
		var found []errs.Violation
		for i, list := 0, v.List(); i < list.Len(); i++ {
			if bad := s.value(list.Get(i)); bad != nil {
				found = append(found, within(name+"["+strconv.Itoa(i)+"]", bad)...)
			}
		}
		return found
	default:
		if bad := s.value(v); bad != nil {
			return within(name, bad)
		}
		return nil
	}
}

func (s *step) checkMap(name string, m protoreflect.Map) []errs.Violation {
	var found []errs.Violation
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if s.key != nil {
			if bad := s.key(k.Value()); bad != nil {
				found = append(found, within(name, bad)...) // the key is what cannot be told
				return true
			}
		}
		if s.value != nil {
			if bad := s.value(v); bad != nil {
				found = append(found, within(name+"["+strconv.Quote(k.String())+"]", bad)...)
			}
		}
		return true
	})
	return found
}

// within makes the paths of the violations start one level higher.
func within(name string, found []errs.Violation) []errs.Violation {
	for i := range found {
		found[i].Field = strings.TrimSuffix(name+"."+found[i].Field, ".")
	}
	return found
}
