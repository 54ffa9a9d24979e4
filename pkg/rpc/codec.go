package rpc

import (
	"bytes"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// maxDepth is how deep messages may nest.
const maxDepth = 100

// Frame is a message left as it is on the wire: what a proxy passes on.
type Frame struct{ Payload []byte }

// Codec is the proto codec that also takes Frames. A proxy's client forces it;
// the server has it built in.
//
// On the server's side it never fails: grpc-go answers a codec's error with
// INTERNAL before any interceptor runs, so before the caller is known. It leaves
// a mark in the message instead, which the input check refuses in its turn.
func Codec() encoding.CodecV2 { return wire }

var (
	// protoCodec is that of gRPC for messages, wire takes Frames too.
	protoCodec = encoding.GetCodecV2(protocodec.Name)
	wire       = codec{CodecV2: protoCodec}
)

type codec struct{ encoding.CodecV2 }

// Marshal passes Frames on and encodes messages.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*Frame); ok {
		return mem.BufferSlice{mem.SliceBuffer(f.Payload)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal passes Frames on, and decodes or marks messages.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch m := v.(type) {
	case *Frame:
		m.Payload = data.Materialize()
		return nil
	case proto.Message:
		decode(data, m)
		return nil
	default:
		return fmt.Errorf("cannot decode into %T", v)
	}
}

// decode drops unknown fields, so that nothing is stored or passed on that no
// rule has looked at; the only one a handler can meet is our mark.
func decode(data mem.BufferSlice, m proto.Message) {
	if data.Len() > MaxRequest {
		mark(m, tooLarge)
		return
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	options := proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}
	if options.Unmarshal(buffer.ReadOnlyData(), m) != nil {
		mark(m, malformed)
	}
}

// The marks: a field with the highest number there is.
var (
	malformed = markOf(1)
	tooLarge  = markOf(2)
)

var (
	errMalformed = errs.New(codes.InvalidArgument, "MALFORMED_MESSAGE", "the message cannot be decoded")
	errTooLarge  = errs.Exhausted("REQUEST_TOO_LARGE", "the message is larger than 1 MiB", 0)
)

func markOf(v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.VarintType), v)
}

func mark(m proto.Message, with []byte) {
	proto.Reset(m)
	m.ProtoReflect().SetUnknown(with)
}

// marked answers what the codec found wrong with the message.
func marked(m proto.Message) error {
	switch unknown := m.ProtoReflect().GetUnknown(); {
	case len(unknown) == 0:
		return nil
	case bytes.Equal(unknown, tooLarge):
		return errTooLarge
	default:
		return errMalformed
	}
}
