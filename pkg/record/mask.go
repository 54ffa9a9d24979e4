package record

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// maxPathEcho is the most of an unknown path that an error repeats.
const maxPathEcho = 100

// objectName is the message that stands for a JSON object; its keys are those of
// its one map.
const objectName = "google.protobuf.Struct"

// maskPath is one path of an update mask: fields from the resource down, and the
// key where the last of them is a map.
type maskPath struct {
	fields []protoreflect.FieldDescriptor
	key    string
	keyed  bool
}

// pathsOf answers what a mask names in a resource, less what nobody can write.
func pathsOf(mask *fieldmaskpb.FieldMask, m protoreflect.Message) ([]maskPath, error) {
	var paths []maskPath
	switch given := mask.GetPaths(); {
	case len(given) == 0:
		for _, fd := range writable(m.Descriptor()) {
			if m.Has(fd) {
				paths = append(paths, maskPath{fields: []protoreflect.FieldDescriptor{fd}})
			}
		}
	case len(given) == 1 && given[0] == "*":
		for _, fd := range writable(m.Descriptor()) {
			// A field that cannot change later may be left out.
			if m.Has(fd) || !behaves(fd, annotations.FieldBehavior_IMMUTABLE) {
				paths = append(paths, maskPath{fields: []protoreflect.FieldDescriptor{fd}})
			}
		}
	default:
		var violations []errs.Violation
		for _, text := range given {
			path, err := parsePath(text, m.Descriptor())
			if err != nil {
				violations = append(violations, *err)
			} else if path.writable() {
				paths = append(paths, path)
			}
		}
		return paths, errs.Check(violations)
	}
	return paths, nil
}

// Masked answers a copy of a message with what the mask names taken from another one,
// as Update does it, and the fields in which the copy differs.
func Masked[P proto.Message](message, from P, mask *fieldmaskpb.FieldMask) (masked P, differ []string, err error) {
	paths, err := pathsOf(mask, from.ProtoReflect())
	if err != nil {
		return masked, nil, err
	}
	masked = proto.CloneOf(message)
	for _, path := range paths {
		path.copy(masked.ProtoReflect(), from.ProtoReflect())
	}
	return masked, differing(message.ProtoReflect(), masked.ProtoReflect()), nil
}

func parsePath(text string, md protoreflect.MessageDescriptor) (maskPath, *errs.Violation) {
	var path maskPath
	for rest := text; ; {
		name, after, more := strings.Cut(rest, ".")
		fd := md.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			return path, unknownPath(text, "is no field of the resource")
		}
		path.fields = append(path.fields, fd)
		switch {
		case !more:
			return path, nil
		case fd.IsMap() || fd.Message() != nil && fd.Message().FullName() == objectName:
			path.key, path.keyed = strings.Trim(after, "`"), true
			return path, nil
		case fd.IsList() || fd.Message() == nil:
			return path, unknownPath(text, "goes into a field that has no fields: name it as a whole")
		}
		md, rest = fd.Message(), after
	}
}

func unknownPath(text, what string) *errs.Violation {
	if len(text) > maxPathEcho {
		text = text[:maxPathEcho]
	}
	return &errs.Violation{Field: "update_mask", Reason: "FIELD_UNKNOWN", Description: fmt.Sprintf("%q %s", text, what)}
}

func (p maskPath) writable() bool {
	for _, fd := range p.fields {
		if !isWritable(fd) {
			return false
		}
	}
	return true
}

// copy makes what the path names in to the same as in from, absent included.
func (p maskPath) copy(to, from protoreflect.Message) {
	last := len(p.fields) - 1
	for _, fd := range p.fields[:last] {
		if !from.Has(fd) && !to.Has(fd) {
			return
		}
		to, from = to.Mutable(fd).Message(), from.Get(fd).Message()
	}
	fd := p.fields[last]
	switch {
	case p.keyed:
		p.copyKey(to, from, fd)
	case from.Has(fd):
		to.Set(fd, from.Get(fd))
	default:
		to.Clear(fd)
	}
}

// copyKey copies one entry of a map, or of an object.
func (p maskPath) copyKey(to, from protoreflect.Message, fd protoreflect.FieldDescriptor) {
	if !fd.IsMap() {
		entries := fd.Message().Fields().ByName("fields")
		if !from.Get(fd).Message().Get(entries).Map().Has(protoreflect.ValueOfString(p.key).MapKey()) && !to.Has(fd) {
			return
		}
		to, from, fd = to.Mutable(fd).Message(), from.Get(fd).Message(), entries
	}
	key := protoreflect.ValueOfString(p.key).MapKey()
	if source := from.Get(fd).Map(); source.Has(key) {
		to.Mutable(fd).Map().Set(key, source.Get(key))
	} else if to.Has(fd) {
		to.Mutable(fd).Map().Clear(key)
	}
}

// writable are the fields of a resource that a caller may write.
func writable(md protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var fields []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); isWritable(fd) {
			fields = append(fields, fd)
		}
	}
	return fields
}

// isWritable reports whether a caller may write a field (AIP-203). The etag says
// which version is meant and is no part of it.
func isWritable(fd protoreflect.FieldDescriptor) bool {
	return fd.Name() != "etag" &&
		!behaves(fd, annotations.FieldBehavior_OUTPUT_ONLY) && !behaves(fd, annotations.FieldBehavior_IDENTIFIER)
}

func behaves(fd protoreflect.FieldDescriptor, behaviour annotations.FieldBehavior) bool {
	behaviours, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == behaviour {
			return true
		}
	}
	return false
}

// checkImmutable refuses changes of fields that are set at creation only. The
// violations name them from the request on, below prefix.
func checkImmutable(prefix string, before, wanted protoreflect.Message) error {
	var violations []errs.Violation
	for _, fd := range writable(before.Descriptor()) {
		if behaves(fd, annotations.FieldBehavior_IMMUTABLE) && !same(before, wanted, fd) {
			violations = append(violations, errs.Violation{
				Field: prefix + "." + string(fd.Name()), Reason: "FIELD_IMMUTABLE", Description: "cannot be changed after creation",
			})
		}
	}
	return errs.Check(violations)
}
