package rpc

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// written keeps, of the rules that an update breaks, those about what it writes
// (AIP-134): the fields its mask names, or those that are set where it has none.
// So a caller need not send a required field to change another one. Of all other
// requests, and of an update that may create, every rule counts.
func written(m proto.Message, broken []errs.Violation) []errs.Violation {
	if len(broken) == 0 {
		return broken
	}
	u, ok := updateOf(m.ProtoReflect())
	if !ok {
		return broken
	}
	kept := broken[:0]
	for _, v := range broken {
		if u.writes(v.Field) {
			kept = append(kept, v)
		}
	}
	return kept
}

// update is what a request like UpdateContactRequest writes.
type update struct {
	prefix   string
	resource protoreflect.Message
	paths    []string
}

// updateOf answers false where the message is not a plain update.
func updateOf(m protoreflect.Message) (update, bool) {
	d := m.Descriptor()
	mask, missing := d.Fields().ByName("update_mask"), d.Fields().ByName("allow_missing")
	if !strings.HasPrefix(string(d.Name()), "Update") || mask == nil || mask.Message() == nil {
		return update{}, false
	}
	if missing != nil && missing.Kind() == protoreflect.BoolKind && m.Get(missing).Bool() {
		return update{}, false
	}
	resource := d.Fields().ByNumber(1)
	if resource == nil || resource.Message() == nil || resource.IsList() || resource.IsMap() || !m.Has(resource) {
		return update{}, false
	}
	u := update{prefix: string(resource.Name()) + ".", resource: m.Get(resource).Message()}
	if f, ok := m.Get(mask).Message().Interface().(*fieldmaskpb.FieldMask); ok {
		u.paths = f.GetPaths()
	}
	return u, true
}

// writes reports whether the update writes what stands at the path, such as
// "contact.identifiers[2].value".
func (u update) writes(path string) bool {
	inner, ok := strings.CutPrefix(path, u.prefix)
	if !ok {
		return true
	}
	if len(u.paths) == 0 {
		top, _, _ := strings.Cut(inner, ".")
		top, _, _ = strings.Cut(top, "[")
		f := u.resource.Descriptor().Fields().ByName(protoreflect.Name(top))
		return f == nil || u.resource.Has(f)
	}
	for _, p := range u.paths {
		if p == "*" || startsPath(inner, p) || startsPath(p, inner) {
			return true
		}
	}
	return false
}

// startsPath reports whether the path is below prefix, or is it.
func startsPath(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
