package postgres

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// sendArrays makes slices of plain values travel as arrays in one pass into room that
// is taken once. pgx asks for each value by itself how to write it and grows its
// buffer piece by piece: of an import that was a quarter of all memory.
func sendArrays(conn *pgx.Conn) {
	m := conn.TypeMap()
	for _, oid := range []uint32{
		pgtype.TextArrayOID, pgtype.ByteaArrayOID, pgtype.JSONBArrayOID, pgtype.UUIDArrayOID, pgtype.TimestamptzArrayOID,
		pgtype.BoolArrayOID, pgtype.Int2ArrayOID, pgtype.Int4ArrayOID, pgtype.Int8ArrayOID,
	} {
		if known, ok := m.TypeForOID(oid); ok {
			codec := &arrayCodec{ArrayCodec: known.Codec.(*pgtype.ArrayCodec)}
			m.RegisterType(&pgtype.Type{Name: known.Name, OID: oid, Codec: codec})
		}
	}
}

// arrayCodec writes slices of the plain Go type of its values by itself, and leaves
// all others, and reading, to pgx.
type arrayCodec struct{ *pgtype.ArrayCodec }

// PlanEncode implements pgtype.Codec.
func (c *arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		if plan := plainArray(c.ElementType.OID, value); plan != nil {
			return plan
		}
	}
	return c.ArrayCodec.PlanEncode(m, oid, format, value)
}

// plainArray answers how to write a slice as an array of the type; nil where pgx must.
func plainArray(element uint32, value any) pgtype.EncodePlan {
	switch value.(type) {
	case []string:
		if element == pgtype.TextOID {
			return arrayPlan[string]{element, func(s string) int { return len(s) }, func(b []byte, s string) []byte { return append(b, s...) }}
		}
	case [][]byte:
		switch element {
		case pgtype.ByteaOID:
			return bytesPlan{element: element}
		case pgtype.JSONBOID:
			return bytesPlan{element: element, before: []byte{jsonbVersion}}
		}
	case []uuid.UUID:
		if element == pgtype.UUIDOID {
			return arrayPlan[uuid.UUID]{element, fixed[uuid.UUID](16), func(b []byte, id uuid.UUID) []byte { return append(b, id[:]...) }}
		}
	case [][16]byte:
		if element == pgtype.UUIDOID {
			return arrayPlan[[16]byte]{element, fixed[[16]byte](16), func(b []byte, id [16]byte) []byte { return append(b, id[:]...) }}
		}
	case []time.Time:
		if element == pgtype.TimestamptzOID {
			return arrayPlan[time.Time]{element, fixed[time.Time](8), appendTime}
		}
	case []bool:
		if element == pgtype.BoolOID {
			return arrayPlan[bool]{element, fixed[bool](1), appendBool}
		}
	case []int16:
		if element == pgtype.Int2OID {
			return arrayPlan[int16]{element, fixed[int16](2), func(b []byte, n int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(n)) }}
		}
	case []int32:
		if element == pgtype.Int4OID {
			return arrayPlan[int32]{element, fixed[int32](4), func(b []byte, n int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }}
		}
	case []int64:
		if element == pgtype.Int8OID {
			return arrayPlan[int64]{element, fixed[int64](8), func(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }}
		}
	}
	return nil
}

const (
	// jsonbVersion comes before the text of a jsonb.
	jsonbVersion = 1
	// arrayHead is the length of what comes before the values of an array: dimensions,
	// flags and type, the length and the lower bound of the one dimension.
	arrayHead = 5 * 4
	// lengthBytes is that of the length before each value.
	lengthBytes = 4
	nullLength  = 0xffffffff
	// millennium is 1 January 2000 in seconds since 1970, from which PostgreSQL counts.
	millennium = 946_684_800
)

// arrayPlan writes values that are never NULL.
type arrayPlan[T any] struct {
	element uint32
	size    func(T) int
	write   func([]byte, T) []byte
}

// Encode implements pgtype.EncodePlan. A nil slice is NULL.
func (p arrayPlan[T]) Encode(value any, buf []byte) ([]byte, error) {
	values := value.([]T)
	if values == nil {
		return nil, nil
	}
	size := arrayHead + len(values)*lengthBytes
	for _, v := range values {
		size += p.size(v)
	}
	buf = appendArrayHead(slices.Grow(buf, size), p.element, len(values), false)
	for _, v := range values {
		buf = binary.BigEndian.AppendUint32(buf, uint32(p.size(v)))
		buf = p.write(buf, v)
	}
	return buf, nil
}

// bytesPlan writes bytes as they are, each behind what its type wants; nil is NULL.
type bytesPlan struct {
	element uint32
	before  []byte
}

// Encode implements pgtype.EncodePlan. A nil slice is NULL.
func (p bytesPlan) Encode(value any, buf []byte) ([]byte, error) {
	values := value.([][]byte)
	if values == nil {
		return nil, nil
	}
	size, nulls := arrayHead, false
	for _, v := range values {
		size += lengthBytes + len(p.before) + len(v)
		nulls = nulls || v == nil
	}
	buf = appendArrayHead(slices.Grow(buf, size), p.element, len(values), nulls)
	for _, v := range values {
		if v == nil {
			buf = binary.BigEndian.AppendUint32(buf, nullLength)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(p.before)+len(v)))
		buf = append(append(buf, p.before...), v...)
	}
	return buf, nil
}

// appendArrayHead writes what comes before the values: an array of none has no
// dimension.
func appendArrayHead(buf []byte, element uint32, length int, nulls bool) []byte {
	var dimensions, flags uint32
	if length > 0 {
		dimensions = 1
	}
	if nulls {
		flags = 1
	}
	buf = binary.BigEndian.AppendUint32(buf, dimensions)
	buf = binary.BigEndian.AppendUint32(buf, flags)
	buf = binary.BigEndian.AppendUint32(buf, element)
	if length == 0 {
		return buf
	}
	buf = binary.BigEndian.AppendUint32(buf, uint32(length))
	return binary.BigEndian.AppendUint32(buf, 1) // the lower bound
}

func fixed[T any](size int) func(T) int { return func(T) int { return size } }

// appendTime writes microseconds since 2000.
func appendTime(buf []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(buf, uint64((t.Unix()-millennium)*1_000_000+int64(t.Nanosecond())/1000))
}

func appendBool(buf []byte, b bool) []byte {
	if b {
		return append(buf, 1)
	}
	return append(buf, 0)
}
