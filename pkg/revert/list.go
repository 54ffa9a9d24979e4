package revert

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// listAt answers the list that a path names; false where it names something else.
func listAt(m proto.Message, path string) (protoreflect.List, bool) {
	parent, fd := at(m.ProtoReflect(), path, false)
	if fd == nil || !fd.IsList() {
		return nil, false
	}
	return parent.Get(fd).List(), true
}

// at answers the field that a path names and the message it is in; nil for the entry
// of a map or of an object.
func at(m protoreflect.Message, path string, write bool) (protoreflect.Message, protoreflect.FieldDescriptor) {
	for {
		name, rest, more := strings.Cut(path, ".")
		fd := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		switch {
		case fd == nil || !more:
			return m, fd
		case fd.IsMap() || fd.IsList() || fd.Message() == nil:
			return m, nil
		case write:
			m = m.Mutable(fd).Message()
		default:
			m = m.Get(fd).Message()
		}
		path = rest
	}
}

// additions answers the elements that is has more than was; only is false where was
// has any that is lacks.
func additions(was, is protoreflect.List) (extra []protoreflect.Value, only bool) {
	rest := elements(was)
	for i := range is.Len() {
		if at := find(rest, is.Get(i)); at >= 0 {
			rest = append(rest[:at], rest[at+1:]...)
		} else {
			extra = append(extra, is.Get(i))
		}
	}
	return extra, len(rest) == 0 && len(extra) > 0
}

// among answers those of the elements that a list has.
func among(of []protoreflect.Value, list protoreflect.List) []protoreflect.Value {
	rest := elements(list)
	var there []protoreflect.Value
	for _, v := range of {
		if at := find(rest, v); at >= 0 {
			there, rest = append(there, v), append(rest[:at], rest[at+1:]...)
		}
	}
	return there
}

// remove takes elements out of the list that a path names.
func remove(m proto.Message, path string, gone []protoreflect.Value) {
	if len(gone) == 0 {
		return
	}
	parent, fd := at(m.ProtoReflect(), path, true)
	list := parent.Mutable(fd).List()
	rest, kept := append([]protoreflect.Value(nil), gone...), 0
	for i := range list.Len() {
		v := list.Get(i)
		if at := find(rest, v); at >= 0 {
			rest = append(rest[:at], rest[at+1:]...)
			continue
		}
		list.Set(kept, v)
		kept++
	}
	list.Truncate(kept)
}

func elements(list protoreflect.List) []protoreflect.Value {
	all := make([]protoreflect.Value, list.Len())
	for i := range all {
		all[i] = list.Get(i)
	}
	return all
}

func find(in []protoreflect.Value, v protoreflect.Value) int {
	for i, o := range in {
		if o.Equal(v) {
			return i
		}
	}
	return -1
}
