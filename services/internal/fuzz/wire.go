package fuzz

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Wire encodes a request, with bytes that are not UTF-8 where Mutate asked for
// them.
func Wire(request proto.Message) []byte {
	encoded, err := proto.MarshalOptions{AllowPartial: true}.Marshal(request)
	if err != nil {
		return nil // texts are valid UTF-8, so that nothing fails
	}
	return bytes.ReplaceAll(encoded, []byte(notUTF8), []byte(badUTF8))
}

// SpoilWire spoils an encoded request.
func (g *Generator) SpoilWire(b []byte) []byte {
	b = bytes.Clone(b)
	at := 0
	if len(b) > 0 {
		at = g.Rand.IntN(len(b))
	}
	insert := func(what []byte) []byte { return append(b[:at:at], append(what, b[at:]...)...) }
	switch g.Rand.IntN(12) {
	case 0:
		return g.noise(g.Rand.IntN(200))
	case 1:
		return b[:at]
	case 2: // a byte is another one
		if len(b) > 0 {
			b[at] = byte(g.Rand.Uint32())
		}
		return b
	case 3:
		return insert(g.noise(1 + g.Rand.IntN(8)))
	case 4: // a piece is gone
		return append(b[:at:at], b[min(len(b), at+1+g.Rand.IntN(8)):]...)
	case 5: // everything twice
		return append(b, b...)
	case 6: // a field that nobody knows
		return append(b, protowire.AppendBytes(protowire.AppendTag(nil, protowire.Number(1000+g.Rand.IntN(1000)), protowire.BytesType), g.noise(20))...)
	case 7: // groups, closed or not
		group := protowire.AppendTag(nil, protowire.Number(1+g.Rand.IntN(30)), protowire.StartGroupType)
		if g.chance(0.5) {
			group = append(group, protowire.AppendTag(nil, protowire.Number(1+g.Rand.IntN(30)), protowire.EndGroupType)...)
		}
		return append(b, group...)
	case 8:
		return g.retype(b)
	case 9: // nested as deep as a message of this size can be
		return g.bury(b)
	case 10: // a length beyond the end
		return append(b, append(protowire.AppendTag(nil, 1, protowire.BytesType), 0xff, 0xff, 0xff, 0xff, 0x07)...)
	default: // a number of ten bytes and more
		return append(b, append(protowire.AppendTag(nil, protowire.Number(1+g.Rand.IntN(30)), protowire.VarintType), bytes.Repeat([]byte{0xff}, 9+g.Rand.IntN(4))...)...)
	}
}

// retype gives the fields of the outermost message another wire type.
func (g *Generator) retype(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(number, kind, b[n:])
		if size < 0 {
			break
		}
		value := b[n : n+size]
		if g.chance(0.4) {
			kind = protowire.Type(g.Rand.IntN(6))
		}
		out = append(protowire.AppendTag(out, number, kind), value...)
		b = b[n+size:]
	}
	return append(out, b...)
}

// bury wraps a message in its own first field, over and over.
func (g *Generator) bury(b []byte) []byte {
	number := protowire.Number(1 + g.Rand.IntN(4))
	for range []int{50, 99, 101, 500, 5000}[g.Rand.IntN(5)] {
		b = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	return b
}
