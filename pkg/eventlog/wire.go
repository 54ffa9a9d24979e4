package eventlog

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Where fields of an event stand in its encoding.
const (
	idField          = protowire.Number(1)
	typeField        = protowire.Number(3)
	aggregateField   = protowire.Number(4)
	positionField    = protowire.Number(8)
	occurredAtField  = protowire.Number(9)
	traceparentField = protowire.Number(19)
)

// head is what the headers of a message tell of its event.
type head struct {
	id, kind, aggregate, traceparent string
	occurredAt                       timestamppb.Timestamp
}

// scanHead reads it from an event's encoding, without reading the payload, which is most
// of it.
func scanHead(body []byte) (*head, error) {
	h := &head{}
	for len(body) > 0 {
		field, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		body = body[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, body); n < 0 {
				return nil, protowire.ParseError(n)
			}
			body = body[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(body)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		body = body[n:]
		switch field {
		case idField:
			h.id = string(value)
		case typeField:
			h.kind = string(value)
		case aggregateField:
			h.aggregate = string(value)
		case traceparentField:
			h.traceparent = string(value)
		case occurredAtField:
			if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(value, &h.occurredAt); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

// withPosition answers the encoding of an event with its position set. Stored
// events have none, and in protobuf the order of fields does not matter.
func withPosition(body []byte, position int64) []byte {
	return appendEvent(make([]byte, 0, len(body)+positionSize(position)), body, position)
}

func appendEvent(out, body []byte, position int64) []byte {
	out = append(out, body...)
	out = protowire.AppendTag(out, positionField, protowire.VarintType)
	return protowire.AppendVarint(out, uint64(position))
}

func positionSize(position int64) int {
	return protowire.SizeTag(positionField) + protowire.SizeVarint(uint64(position))
}

// eventsField is where an answer of ReadEvents has its events.
const eventsField = protowire.Number(1)

// appendAnswered appends a stored event to the encoding of such an answer.
func appendAnswered(answer, body []byte, position int64) []byte {
	answer = protowire.AppendTag(answer, eventsField, protowire.BytesType)
	answer = protowire.AppendVarint(answer, uint64(len(body)+positionSize(position)))
	return appendEvent(answer, body, position)
}
