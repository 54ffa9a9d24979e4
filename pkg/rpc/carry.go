package rpc

import (
	"context"
	"crypto/sha256"
	"regexp"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// IdempotencyHeader is the metadata key that stands in for a request_id that the
// message leaves empty.
const IdempotencyHeader = "idempotency-key"

var printable = regexp.MustCompile(`^[ -~]{1,255}$`)

// carriers are the fields of a request that every call may have.
type carriers struct {
	requestID, validateOnly, minPosition, readMask protoreflect.FieldDescriptor
}

var carriersOf sync.Map // of protoreflect.FullName to *carriers

func carriersIn(d protoreflect.MessageDescriptor) *carriers {
	if c, ok := carriersOf.Load(d.FullName()); ok {
		return c.(*carriers)
	}
	singular := func(name protoreflect.Name, kind protoreflect.Kind) protoreflect.FieldDescriptor {
		f := d.Fields().ByName(name)
		if f == nil || f.Kind() != kind || f.Cardinality() == protoreflect.Repeated {
			return nil
		}
		return f
	}
	c := &carriers{
		requestID:    singular("request_id", protoreflect.StringKind),
		validateOnly: singular("validate_only", protoreflect.BoolKind),
		minPosition:  singular("min_position", protoreflect.StringKind),
		readMask:     singular("read_mask", protoreflect.MessageKind),
	}
	carriersOf.Store(d.FullName(), c)
	return c
}

// carryUnary notes what the call carries.
func (s *Server) carryUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	m, ok := req.(proto.Message)
	if !ok {
		return next(ctx, req)
	}
	carried, err := carriedBy(ctx, info.FullMethod, m)
	if err != nil {
		return nil, err
	}
	seenFrom(ctx).info = carried
	return next(call.With(ctx, carried), req)
}

// carriedBy reads the message and the metadata of a call.
func carriedBy(ctx context.Context, method string, m proto.Message) (call.Info, error) {
	info := fromMetadata(ctx, method)
	r := m.ProtoReflect()
	fields := carriersIn(r.Descriptor())
	if f := fields.validateOnly; f != nil {
		info.ValidateOnly = r.Get(f).Bool()
	}
	if f := fields.minPosition; f != nil && r.Has(f) {
		info.MinPosition = r.Get(f).String()
	}
	if fields.requestID == nil {
		return info, nil
	}
	info.RequestID = r.Get(fields.requestID).String()
	if key := first(ctx, IdempotencyHeader); info.RequestID == "" && key != "" {
		if !printable.MatchString(key) {
			return info, errs.Invalid("request_id", "", "the idempotency key must be 1 to 255 printable ASCII characters")
		}
		info.RequestID = key
	}
	if info.RequestID != "" {
		var err error
		info.Hash, err = hash(m, fields.requestID)
		return info, err
	}
	return info, nil
}

// fromMetadata reads what a call carries beside its message.
func fromMetadata(ctx context.Context, method string) call.Info {
	info := call.Info{
		Method:      method,
		Correlation: call.Correlation(first(ctx, call.CorrelationHeader)),
		Causation:   first(ctx, call.CausationHeader),
		MinPosition: first(ctx, call.MinPositionHeader),
	}
	if !call.IsID(info.Causation) {
		info.Causation = ""
	}
	return info
}

func first(ctx context.Context, key string) string {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// hash answers what tells two requests apart, less their request_id.
func hash(m proto.Message, requestID protoreflect.FieldDescriptor) ([sha256.Size]byte, error) {
	r := m.ProtoReflect()
	if r.Has(requestID) {
		id := r.Get(requestID)
		r.Clear(requestID)
		defer r.Set(requestID, id)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return sha256.Sum256(b), err
}
