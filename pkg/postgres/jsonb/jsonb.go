// Package jsonb reads what PostgreSQL answers for a jsonb column into a Go value
// of a type that is known beforehand.
//
// It gives what encoding/json gives, for a fifth of its time: how to read a type
// is found out once, and text that PostgreSQL wrote need not be validated. What a
// compiled reader does not know (an escaped string in a name, a field the type
// lacks, null for a number, a type with embedded structs) is left to encoding/json
// as a whole, errors included.
//
// Limits: text that is no JSON may be read without an error.
package jsonb

import (
	"encoding/json"
	"reflect"
	"unsafe"
)

// Decoder reads JSON into values of one type. It is safe for concurrent use.
type Decoder struct {
	typ  reflect.Type
	read readFunc // nil where encoding/json must do it all
}

// readFunc reads the next value of the text into the place of its type, which is
// zero. False says that encoding/json must read the text instead.
type readFunc func(r *reader, at unsafe.Pointer) bool

// NewDecoder makes the decoder of a type.
func NewDecoder(t reflect.Type) *Decoder {
	return &Decoder{typ: t, read: compile(t, nil)}
}

// Decode reads the text into the value at the place, whatever it held before.
func (d *Decoder) Decode(text []byte, at unsafe.Pointer) error {
	target := reflect.NewAt(d.typ, at)
	target.Elem().SetZero()
	if d.read != nil {
		r := reader{text: text}
		if d.read(&r, at) && r.ended() {
			return nil
		}
		target.Elem().SetZero()
	}
	return json.Unmarshal(text, target.Interface())
}
