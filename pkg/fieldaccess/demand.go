package fieldaccess

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

var (
	errHidden   = errs.Denied("FIELD_HIDDEN", "a rule of your company keeps this field from your roles")
	errReadOnly = errs.Denied("FIELD_READ_ONLY", "a rule of your company lets other roles change this field")
)

// Demand refuses a request that asks by a field that the caller may not see, or that
// writes one that it may not change. Answer is what the method answers, which tells
// whose fields a filter names; nil where it is not known.
func (p *Policy) Demand(c auth.Caller, req proto.Message, answer protoreflect.MessageDescriptor) error {
	if p == nil || exempt(c) {
		return nil
	}
	if answer != nil && p.concerns(answer) {
		if err := p.asks(c, req, answer); err != nil {
			return err
		}
	}
	if !p.concerns(req.ProtoReflect().Descriptor()) {
		return nil
	}
	return p.writes(c, req.ProtoReflect())
}

// whole refuses a caller from whom a field of one of the kinds is kept.
func (p *Policy) whole(c auth.Caller, change bool, kinds []string) error {
	for _, rules := range p.rules {
		for _, r := range rules {
			switch {
			case !slices.Contains(kinds, r.Type):
			case !r.shows(c):
				return errHidden.With("field", r.Field)
			case change && !r.changes(c):
				return errReadOnly.With("field", r.Field)
			}
		}
	}
	return nil
}

// asker is a list request.
type asker interface {
	GetFilter() string
	GetOrderBy() string
}

// asks refuses a list by what is hidden.
func (p *Policy) asks(c auth.Caller, req proto.Message, answer protoreflect.MessageDescriptor) error {
	list, ok := req.(asker)
	if !ok {
		return nil
	}
	hidden := p.hiddenIn(c, answer)
	if len(hidden) == 0 {
		return nil
	}
	named, err := filter.Paths(list.GetFilter())
	if err != nil {
		return nil // the list itself says what is wrong with it
	}
	for part := range strings.SplitSeq(list.GetOrderBy(), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), " ")
		named = append(named, name)
	}
	for _, path := range named {
		for _, h := range hidden {
			if overlap(path, h) {
				return errHidden.With("field", h)
			}
		}
	}
	return nil
}

// hiddenIn answers what is hidden of the records that a list answers.
func (p *Policy) hiddenIn(c auth.Caller, answer protoreflect.MessageDescriptor) (hidden []string) {
	for i := range answer.Fields().Len() {
		if f := answer.Fields().Get(i); f.IsList() && f.Message() != nil {
			hidden = append(hidden, p.Hidden(c, f.Message())...)
		}
	}
	return hidden
}

// overlap says whether one of two paths is the other or stands within it.
func overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// writes refuses what a request would change: of the records directly in it, the
// fields that its update_mask names, or those with a value where it has no mask, and
// every record further in by its values.
func (p *Policy) writes(c auth.Caller, req protoreflect.Message) error {
	mask, update := maskOf(req)
	var err error
	req.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsMap() || !p.concerns(f.Message()) {
			return true
		}
		if f.IsList() {
			for i := range v.List().Len() {
				if err = p.written(c, v.List().Get(i).Message(), nil); err != nil {
					return false
				}
			}
			return true
		}
		record := mask
		if update && len(mask) == 0 {
			record = populated(v.Message())
		}
		err = p.written(c, v.Message(), record)
		return err == nil
	})
	return err
}

func (p *Policy) written(c auth.Caller, m protoreflect.Message, mask []string) error {
	for _, r := range p.rules[m.Descriptor().FullName()] {
		if !r.changes(c) && r.touched(m, mask) {
			return errReadOnly.With("field", r.Field)
		}
	}
	return p.writes(c, m)
}

// touched says whether a record's field is written.
func (r rule) touched(m protoreflect.Message, mask []string) bool {
	if len(mask) == 0 {
		return has(m, r.path)
	}
	for _, path := range mask {
		if path == "*" || overlap(path, r.Field) {
			return true
		}
	}
	return false
}

// maskOf answers the paths of a request's update_mask, and whether it has one.
func maskOf(req protoreflect.Message) (paths []string, update bool) {
	f := req.Descriptor().Fields().ByName("update_mask")
	if f == nil {
		return nil, false
	}
	mask, _ := req.Get(f).Message().Interface().(*fieldmaskpb.FieldMask)
	return mask.GetPaths(), true
}

// populated answers the fields that have a value: those that an update without a mask
// writes, each as a whole.
func populated(m protoreflect.Message) []string {
	names := []string{"name"}
	m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		names = append(names, string(f.Name()))
		return true
	})
	return names
}
