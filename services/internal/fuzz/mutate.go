package fuzz

import (
	"math"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// notUTF8 stands in a message for bytes that no string may hold, which a message
// cannot hold either: Wire puts badUTF8 in its place, of the same length.
const (
	notUTF8 = "<NOT-UTF-8>"
	badUTF8 = "\xff\xfe\xc0\xaf\xed\xa0\x80\xf8\x88\x80\x80"
)

// texts are what string fields are given that expect something else.
var texts = []string{
	"", " ", "\x00", "a\x00b", "\x07", "\x1b[31m", "\r\n", "a\r\nBcc: x@example.com", "\t", "\u202e", "\u2066x", "\u200b", "\ufeff", "a\ufeffb",
	"\ufffe", "\uffff", "\U0001F469\u200d\U0001F467", "a" + strings.Repeat("\u0301", 200), "e\u0301", "\u00e9", "\U0010FFFF", notUTF8,
	strings.Repeat("x", 256), strings.Repeat("x", 5000), strings.Repeat("\U0001F600", 3000), strings.Repeat("x", 70_000),
	"' OR 1=1 --", "'; DROP TABLE contact; --", "%_\\", "\\", "${jndi:ldap://x}", "{{ .Contact }}", "{{", "{{ range }}", "<script>alert(1)</script>",
	"../../etc/passwd", "a/b", "a%2Fb", "-", "_", "*", ".", "..", "null", "undefined", "NaN", "Infinity", "-0", "1e999", "1e3", "0x10", "1_000", "+1", "１２",
	"9223372036854775808", "-9223372036854775809", "00000000-0000-0000-0000-000000000000", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	"contacts/", "contacts/x", "contacts/00000000-0000-0000-0000-000000000000", "tenants/-", "users/", "teams/x", "roles/admin", "roles/operator",
	"posixrules", "Asia/Jakarta'; --", "Europe/../UTC", "Local", "999.999.999.999", "::1%eth0", "xn--", "a@b@c", "@", "\"a b\"@example.com", "a@[192.0.2.7]",
	"(a+)+$", "a{1000}{1000}", "[", "a AND", "((((((((a = 1))))))))", "labels.a:*", "create_time > \"9999-99-99\"", "owner = 1 OR", "name desc, name desc", "create_time; drop",
	"AQ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "!!!!", "аdmin@example.com", "\u0130", "ß", "\u3000", "ﬁ", "٣",
}

var integers = []int64{
	0, -1, 1, 2, math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64, 1_000_000_000, -1_000_000_000, 999, 1001, 9999, 10000, 13, 32,
}

var floats = []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, -1, 1e300}

// slot is a field of a message somewhere in a request.
type slot struct {
	in    protoreflect.Message
	field protoreflect.FieldDescriptor
}

// slotsOf answers the fields of a message and of those in it, set or not.
func slotsOf(m protoreflect.Message, depth int) []slot {
	var all []slot
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		all = append(all, slot{m, f})
		if f.Message() == nil || f.IsMap() || !m.Has(f) || depth > deepest {
			continue
		}
		if !f.IsList() {
			all = append(all, slotsOf(m.Get(f).Message(), depth+1)...)
			continue
		}
		for j := range min(3, m.Get(f).List().Len()) {
			all = append(all, slotsOf(m.Get(f).List().Get(j).Message(), depth+1)...)
		}
	}
	return all
}

// Mutate spoils a request in one to three places.
func (g *Generator) Mutate(request proto.Message) {
	for range 1 + g.Rand.IntN(3) {
		slots := slotsOf(request.ProtoReflect(), 0)
		if len(slots) == 0 {
			return
		}
		s := slots[g.Rand.IntN(len(slots))]
		switch {
		case s.in.Has(s.field) && g.chance(0.15):
			s.in.Clear(s.field)
		case s.field.IsMap():
			g.spoilMap(s.in.Mutable(s.field).Map(), s.field)
		case s.field.IsList():
			g.spoilList(s.in.Mutable(s.field).List(), s.field)
		case s.field.Message() != nil:
			g.spoilMessage(s.in.Mutable(s.field).Message())
		default:
			s.in.Set(s.field, g.extreme(s.field))
		}
	}
}

// extreme answers a value that a field of the kind seldom has.
func (g *Generator) extreme(f protoreflect.FieldDescriptor) protoreflect.Value {
	n := integers[g.Rand.IntN(len(integers))]
	switch f.Kind() {
	case protoreflect.StringKind:
		if name, ok := g.anyName(); ok && g.chance(0.15) {
			return protoreflect.ValueOfString(name)
		}
		return protoreflect.ValueOfString(texts[g.Rand.IntN(len(texts))])
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(g.noise(g.Rand.IntN(4000)))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n&1 == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(int32(n)))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(n)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(floats[g.Rand.IntN(len(floats))]))
	default:
		return protoreflect.ValueOfFloat64(floats[g.Rand.IntN(len(floats))])
	}
}

// anyName answers the name of a resource of any type.
func (g *Generator) anyName() (string, bool) {
	known := g.Pool.everything()
	if len(known) == 0 {
		return "", false
	}
	return known[g.Rand.IntN(len(known))], true
}

func (g *Generator) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Rand.Uint32())
	}
	return b
}

// spoilMap adds an entry that should not be, or thousands.
func (g *Generator) spoilMap(m protoreflect.Map, f protoreflect.FieldDescriptor) {
	add := func(key protoreflect.Value) {
		if f.MapValue().Message() == nil {
			m.Set(key.MapKey(), g.extreme(f.MapValue()))
			return
		}
		m.Set(key.MapKey(), m.NewValue())
	}
	if g.chance(0.1) && f.MapKey().Kind() == protoreflect.StringKind {
		for range 3000 {
			add(protoreflect.ValueOfString(g.word() + g.word() + g.word()))
		}
		return
	}
	add(g.extreme(f.MapKey()))
}

// spoilList adds an element that should not be, doubles what there is, or adds
// thousands.
func (g *Generator) spoilList(list protoreflect.List, f protoreflect.FieldDescriptor) {
	element := func() protoreflect.Value {
		if f.Message() == nil {
			return g.extreme(f)
		}
		e := list.NewElement()
		if g.chance(0.5) {
			g.spoilMessage(e.Message())
		}
		return e
	}
	switch {
	case list.Len() > 0 && g.chance(0.4):
		list.Append(list.Get(g.Rand.IntN(list.Len())))
	case g.chance(0.1):
		for range 3000 {
			list.Append(element())
		}
	default:
		list.Append(element())
	}
}

// spoilMessage gives a message values that are extreme together.
func (g *Generator) spoilMessage(m protoreflect.Message) {
	n := integers[g.Rand.IntN(len(integers))]
	switch m := m.Interface().(type) {
	case *timestamppb.Timestamp:
		m.Seconds, m.Nanos = []int64{n, -62135596801, -62135596800, 253402300799, 253402300800, 9_000_000_000_000}[g.Rand.IntN(6)], int32(g.Rand.IntN(3))*500_000_000
	case *structpb.Struct:
		m.Fields = map[string]*structpb.Value{"x": g.nest()}
	default:
		for _, s := range slotsOf(m.ProtoReflect(), 0) {
			if s.field.Message() == nil && !s.field.IsList() && g.chance(0.5) {
				s.in.Set(s.field, g.extreme(s.field))
			}
		}
	}
}

// nest answers a value that nests just as deep as is allowed, deeper, or much
// deeper, or one that no JSON can hold.
func (g *Generator) nest() *structpb.Value {
	v := []*structpb.Value{
		structpb.NewNumberValue(floats[g.Rand.IntN(len(floats))]), structpb.NewStringValue(texts[g.Rand.IntN(len(texts))]), {},
	}[g.Rand.IntN(3)]
	for range []int{0, 6, 7, 8, 30, 90, 2000}[g.Rand.IntN(7)] {
		if g.chance(0.5) {
			v = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{v}})
			continue
		}
		v = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"x": v}})
	}
	return v
}
