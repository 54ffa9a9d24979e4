// Package offline merges what a client changed while it was away with what happened
// meanwhile: a three-way merge of two versions of a resource with the one that both
// began with.
//
// It promises that a field conflicts only where both sides changed it, and to
// different values; that the result is the same whoever computes it; and that what one
// side alone changed is in the result.
//
// A field is a field of the resource, one of a message within it, or the entry of a map
// or of an object ("labels.tier"). Limits: a list is one field, and is taken as a whole.
package offline

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
)

// object is the message that stands for a JSON object.
const object = "google.protobuf.Struct"

// Merge is what becomes of the changes of one side.
type Merge struct {
	// Clear are the paths that only the client changed.
	Clear []string
	// Conflicts are the paths that both sides changed, to different values.
	Conflicts []Conflict
}

// Conflict is a field that both sides changed. A value is nil where it is not set.
type Conflict struct {
	Path                 string
	Base, Client, Server *structpb.Value
}

// Paths answers the conflicting paths.
func (m Merge) Paths() []string {
	paths := make([]string, len(m.Conflicts))
	for i, c := range m.Conflicts {
		paths[i] = c.Path
	}
	return paths
}

// Of compares the client's and the server's version of a resource with the one that
// both began with. The three are of one type. What the client did not change, or changed
// to what the server has, is in neither list.
func Of(base, client, server proto.Message) Merge {
	m := &Merge{}
	m.message("", base.ProtoReflect(), client.ProtoReflect(), server.ProtoReflect())
	return *m
}

// Differ answers the paths in which two versions of a resource differ.
func Differ(a, b proto.Message) []string { return Of(a, b, a).Clear }

// message compares the fields of a message, and of those within it.
func (m *Merge) message(prefix string, base, client, server protoreflect.Message) {
	fields := base.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		path := prefix + string(fd.Name())
		switch {
		case fd.IsMap():
			m.entries(path, fd, base.Get(fd).Map(), client.Get(fd).Map(), server.Get(fd).Map())
		case fd.Message() != nil && fd.Message().FullName() == object:
			entries := fd.Message().Fields().ByName("fields")
			of := func(v protoreflect.Message) protoreflect.Map { return v.Get(fd).Message().Get(entries).Map() }
			m.entries(path, entries, of(base), of(client), of(server))
		case fd.Message() != nil && !fd.IsList() && !strings.HasPrefix(string(fd.Message().FullName()), "google."):
			m.message(path+".", base.Get(fd).Message(), client.Get(fd).Message(), server.Get(fd).Message())
		default:
			m.value(path, fd, side(base, fd), side(client, fd), side(server, fd))
		}
	}
}

// side is a field's value in one version; invalid where it is not set.
func side(m protoreflect.Message, fd protoreflect.FieldDescriptor) protoreflect.Value {
	if !m.Has(fd) {
		return protoreflect.Value{}
	}
	return m.Get(fd)
}

// entries compares the entries of a map, in the order of their keys.
func (m *Merge) entries(path string, fd protoreflect.FieldDescriptor, base, client, server protoreflect.Map) {
	keys := map[string]protoreflect.MapKey{}
	for _, of := range []protoreflect.Map{base, client, server} {
		of.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
			keys[k.String()] = k
			return true
		})
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		at := func(of protoreflect.Map) protoreflect.Value {
			if !of.Has(keys[name]) {
				return protoreflect.Value{}
			}
			return of.Get(keys[name])
		}
		m.value(path+"."+name, fd.MapValue(), at(base), at(client), at(server))
	}
}

// value compares one field.
func (m *Merge) value(path string, fd protoreflect.FieldDescriptor, base, client, server protoreflect.Value) {
	switch {
	case same(base, client), same(client, server):
	case same(base, server):
		m.Clear = append(m.Clear, path)
	default:
		m.Conflicts = append(m.Conflicts, Conflict{Path: path, Base: asValue(fd, base), Client: asValue(fd, client), Server: asValue(fd, server)})
	}
}

func same(a, b protoreflect.Value) bool {
	return a.IsValid() == b.IsValid() && (!a.IsValid() || a.Equal(b))
}

// asValue words a value as JSON; nil where it is not set.
func asValue(fd protoreflect.FieldDescriptor, v protoreflect.Value) *structpb.Value {
	switch {
	case !v.IsValid():
		return nil
	case fd.IsList():
		list := &structpb.ListValue{}
		for i := range v.List().Len() {
			list.Values = append(list.Values, asScalar(fd, v.List().Get(i)))
		}
		return structpb.NewListValue(list)
	}
	return asScalar(fd, v)
}

func asScalar(fd protoreflect.FieldDescriptor, v protoreflect.Value) *structpb.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return asObject(v.Message().Interface())
	case protoreflect.EnumKind:
		if word := fd.Enum().Values().ByNumber(v.Enum()); word != nil {
			return structpb.NewStringValue(string(word.Name()))
		}
		return structpb.NewNumberValue(float64(v.Enum()))
	case protoreflect.BoolKind:
		return structpb.NewBoolValue(v.Bool())
	case protoreflect.StringKind:
		return structpb.NewStringValue(v.String())
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return structpb.NewNumberValue(v.Float())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return structpb.NewNumberValue(float64(v.Int()))
	}
	return structpb.NewStringValue(v.String()) // as JSON has 64 bits, and bytes
}

func asObject(m proto.Message) *structpb.Value {
	raw, err := protojson.Marshal(m)
	if err != nil {
		return structpb.NewNullValue()
	}
	value := &structpb.Value{}
	if err := protojson.Unmarshal(raw, value); err != nil {
		return structpb.NewNullValue()
	}
	return value
}
