package jsonb

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	plainMap        = reflect.TypeFor[map[string]string]()
	freeMap         = reflect.TypeFor[map[string]any]()
)

// compile answers how to read a type; nil where encoding/json must. Within are the
// types that hold this one: a type that holds itself is left out.
func compile(t reflect.Type, within []reflect.Type) readFunc {
	if slices.Contains(within, t) {
		return nil
	}
	within = append(within, t)
	pointer := reflect.PointerTo(t)
	switch {
	case pointer.Implements(unmarshaler):
		return ownJSON(t)
	case pointer.Implements(textUnmarshaler):
		return ownText(t)
	case t == plainMap:
		return readPlainMap
	case t == freeMap:
		return readFreeMap
	}
	switch t.Kind() {
	case reflect.String:
		return readString
	case reflect.Bool:
		return readBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return readInt(t)
	case reflect.Float64:
		return readFloat
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return func(r *reader, at unsafe.Pointer) (ok bool) { *(*any)(at), ok = r.value(); return ok }
		}
	case reflect.Pointer:
		return readPointer(t.Elem(), compile(t.Elem(), within))
	case reflect.Slice:
		return readSlice(t, compile(t.Elem(), within))
	case reflect.Struct:
		return readStruct(t, within)
	}
	return nil
}

// ownJSON is for types that read their JSON themselves.
func ownJSON(t reflect.Type) readFunc {
	return func(r *reader, at unsafe.Pointer) bool {
		text, ok := r.raw()
		return ok && string(text) != "null" && reflect.NewAt(t, at).Interface().(json.Unmarshaler).UnmarshalJSON(text) == nil
	}
}

// ownText is for types that read themselves from a string.
func ownText(t reflect.Type) readFunc {
	return func(r *reader, at unsafe.Pointer) bool {
		text, plain, ok := r.quoted()
		return ok && plain && reflect.NewAt(t, at).Interface().(encoding.TextUnmarshaler).UnmarshalText(text) == nil
	}
}

func readString(r *reader, at unsafe.Pointer) bool {
	s, ok := r.str()
	*(*string)(at) = s
	return ok
}

func readBool(r *reader, at unsafe.Pointer) bool {
	*(*bool)(at) = r.literal("true")
	return *(*bool)(at) || r.literal("false")
}

func readInt(t reflect.Type) readFunc {
	bits := t.Bits()
	return func(r *reader, at unsafe.Pointer) bool {
		n, err := strconv.ParseInt(r.number(), 10, bits)
		reflect.NewAt(t, at).Elem().SetInt(n)
		return err == nil
	}
}

func readFloat(r *reader, at unsafe.Pointer) bool {
	f, err := strconv.ParseFloat(r.number(), 64)
	*(*float64)(at) = f
	return err == nil
}

func readPointer(elem reflect.Type, read readFunc) readFunc {
	if read == nil {
		return nil
	}
	return func(r *reader, at unsafe.Pointer) bool {
		if r.literal("null") {
			return true
		}
		target := reflect.New(elem).UnsafePointer()
		*(*unsafe.Pointer)(at) = target
		return read(r, target)
	}
}

// firstRoom is for how many elements a list makes room at first.
const firstRoom = 4

func readSlice(t reflect.Type, read readFunc) readFunc {
	if read == nil || t.Elem().Kind() == reflect.Uint8 {
		return nil
	}
	return func(r *reader, at unsafe.Pointer) bool {
		if !r.take('[') {
			return false
		}
		if r.take(']') {
			reflect.NewAt(t, at).Elem().Set(reflect.MakeSlice(t, 0, 0))
			return true
		}
		list := reflect.NewAt(t, at).Elem()
		list.Grow(firstRoom)
		for further := true; further; {
			n := list.Len()
			list.Grow(1)
			list.SetLen(n + 1)
			if !read(r, list.Index(n).Addr().UnsafePointer()) {
				return false
			}
			var ok bool
			if further, ok = r.more(']'); !ok {
				return false
			}
		}
		return true
	}
}

// field is a member of an object that a struct has a place for.
type field struct {
	name   string
	offset uintptr
	read   readFunc
}

func readStruct(t reflect.Type, within []reflect.Type) readFunc {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, option, _ := strings.Cut(tag, ",")
		read := compile(f.Type, within)
		switch {
		case f.Anonymous, strings.Contains(option, "string"), f.IsExported() && tag != "-" && read == nil:
			return nil
		case !f.IsExported() || tag == "-":
			continue
		case name == "":
			name = f.Name
		}
		fields = append(fields, field{name: name, offset: f.Offset, read: read})
	}
	return func(r *reader, at unsafe.Pointer) bool {
		return r.object(func(name []byte) bool {
			for i := range fields {
				if fields[i].name == string(name) {
					return fields[i].read(r, unsafe.Add(at, fields[i].offset))
				}
			}
			return false
		})
	}
}

// object reads an object whose members member reads.
func (r *reader) object(member func(name []byte) bool) bool {
	if !r.take('{') {
		return false
	}
	if r.take('}') {
		return true
	}
	for further := true; further; {
		name, ok := r.name()
		if !ok || !member(name) {
			return false
		}
		if further, ok = r.more('}'); !ok {
			return false
		}
	}
	return true
}

func readPlainMap(r *reader, at unsafe.Pointer) bool {
	m := map[string]string{}
	*(*map[string]string)(at) = m
	return r.object(func(name []byte) bool {
		key := string(name)
		s, ok := r.str()
		m[key] = s
		return ok
	})
}

func readFreeMap(r *reader, at unsafe.Pointer) bool {
	if r.peek() != '{' {
		return false
	}
	m, ok := r.value()
	*(*map[string]any)(at), _ = m.(map[string]any)
	return ok
}

// value reads any value into what encoding/json makes of it.
func (r *reader) value() (any, bool) {
	switch r.peek() {
	case '"':
		return r.str()
	case '{':
		m := map[string]any{}
		ok := r.object(func(name []byte) (ok bool) {
			key := string(name)
			m[key], ok = r.value()
			return ok
		})
		return m, ok
	case '[':
		return r.list()
	case 't', 'f':
		yes := r.literal("true")
		return yes, yes || r.literal("false")
	case 'n':
		return nil, r.literal("null")
	default:
		f, err := strconv.ParseFloat(r.number(), 64)
		return f, err == nil
	}
}

func (r *reader) list() (any, bool) {
	r.take('[')
	list := []any{}
	if r.take(']') {
		return list, true
	}
	for further := true; further; {
		v, ok := r.value()
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if further, ok = r.more(']'); !ok {
			return nil, false
		}
	}
	return list, true
}
