package postgres

import (
	"encoding/json"
	"reflect"
	"unsafe"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/jsonb"
)

// scanner holds the targets of one row, to be used again for the next.
type scanner struct {
	targets []any
	json    []jsonTarget
}

func newScanner(p *plan) *scanner {
	s := &scanner{targets: make([]any, len(p.columns)), json: make([]jsonTarget, len(p.columns))}
	for i, c := range p.columns {
		if c.json {
			s.json[i].decoder = c.decoder
			s.targets[i] = &s.json[i]
		}
	}
	return s
}

// aim points the targets at the row at base; nil lets go of the last row.
func (s *scanner) aim(p *plan, base unsafe.Pointer) {
	for i := range p.columns {
		c := &p.columns[i]
		switch {
		case c.json && base == nil:
			s.json[i].at = nil
		case c.json:
			s.json[i].at = c.pointer(base)
		case base == nil:
			s.targets[i] = nil
		default:
			s.targets[i] = c.target(c.pointer(base))
		}
	}
}

func (c *column) pointer(base unsafe.Pointer) unsafe.Pointer { return unsafe.Add(base, c.offset) }

// jsonTarget decodes jsonb. NULL, an empty object and an empty list leave the
// zero value, which the fields of a new row have.
type jsonTarget struct {
	decoder *jsonb.Decoder
	at      unsafe.Pointer
}

// ScanBytes implements pgtype.BytesScanner.
func (t *jsonTarget) ScanBytes(src []byte) error {
	if len(src) <= 2 && (src == nil || string(src) == "{}" || string(src) == "[]") {
		return nil
	}
	return t.decoder.Decode(src, t.at)
}

// value answers what pgx sends for the column: a copy, so that the row may change
// once it is queued. A nil pointer and nil bytes are NULL; other nil slices and
// nil maps are empty.
func (c *column) value(base unsafe.Pointer) any {
	p := c.pointer(base)
	switch {
	case c.json:
		return encodeJSON(c, reflect.NewAt(c.typ, p).Elem())
	case c.typ == uuidType:
		return *(*[16]byte)(p)
	case c.typ == uuidPointerType:
		return nullableUUID(*(**uuid.UUID)(p))
	}
	v := reflect.NewAt(c.typ, p).Elem()
	if v.Kind() == reflect.Slice && v.IsNil() && v.Type().Elem().Kind() != reflect.Uint8 {
		return reflect.MakeSlice(v.Type(), 0, 0).Interface()
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return v.Elem().Interface()
	}
	return v.Interface()
}

func nullableUUID(id *uuid.UUID) any {
	if id == nil {
		return nil
	}
	return [16]byte(*id)
}

// encodeJSON answers the JSON, or what makes the batch fail with an input error:
// a number that is not finite, say.
func encodeJSON(c *column, v reflect.Value) any {
	switch v.Kind() {
	case reflect.Map:
		if v.Len() == 0 {
			return []byte("{}")
		}
	case reflect.Slice:
		if v.Len() == 0 {
			return []byte("[]")
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return unwritable{errs.Invalid(c.name, "", "cannot be written as JSON").Wrap(err)}
	}
	return text
}

// unwritable fails when pgx encodes it.
type unwritable struct{ err error }

// MarshalJSON implements json.Marshaler.
func (u unwritable) MarshalJSON() ([]byte, error) { return nil, u.err }

// parameter answers what pgx sends for a value given by a caller of this
// package: UUIDs as their bytes.
func parameter(value any) any {
	switch v := value.(type) {
	case uuid.UUID:
		return [16]byte(v)
	case *uuid.UUID:
		return nullableUUID(v)
	case []uuid.UUID:
		ids := make([][16]byte, len(v))
		for i, id := range v {
			ids[i] = id
		}
		return ids
	default:
		return value
	}
}
