package fieldaccess

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
)

// HiddenHeader tells which fields an answer leaves out that have a value, such as
// "lingkar.dev/Contact.birthday", separated by commas.
const HiddenHeader = "lingkar-hidden-fields"

// Unary holds every call to the rules of its tenant.
func (b *Book) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	policy, caller, err := b.forCall(ctx)
	if err != nil {
		return nil, err
	}
	if policy == nil {
		return next(ctx, req)
	}
	if m, ok := req.(proto.Message); ok {
		if err := policy.Demand(caller, m, call.AnswerOf(info.FullMethod)); err != nil {
			return nil, err
		}
	}
	answer, err := next(ctx, req)
	if err != nil {
		return answer, err
	}
	if m, ok := answer.(proto.Message); ok {
		if hidden := policy.Hide(caller, m); len(hidden) > 0 {
			// A caller that cannot be told gets the answer all the same.
			_ = grpc.SetHeader(ctx, metadata.Pairs(HiddenHeader, strings.Join(hidden, ",")))
		}
	}
	return answer, nil
}

// Stream holds every message of a stream to the rules of its tenant, as they were
// when the stream began.
func (b *Book) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	policy, caller, err := b.forCall(stream.Context())
	if err != nil {
		return err
	}
	if policy == nil {
		return next(srv, stream)
	}
	return next(srv, &held{ServerStream: stream, policy: policy, caller: caller, answer: call.AnswerOf(info.FullMethod)})
}

// Whole refuses a caller from whom a rule keeps a field of one of the kinds of records,
// to see or to change: for work that cannot leave fields out, such as handing over all
// that is known of somebody, or bringing in a file. A nil Book lets everybody.
func (b *Book) Whole(ctx context.Context, change bool, kinds ...string) error {
	if b == nil {
		return nil
	}
	policy, caller, err := b.forCall(ctx)
	if err != nil || policy == nil {
		return err
	}
	return policy.whole(caller, change, kinds)
}

// forCall answers the rules for the caller, nil where none is about it.
func (b *Book) forCall(ctx context.Context) (*Policy, auth.Caller, error) {
	caller, known := auth.FromOK(ctx)
	if !known || caller.Tenant == auth.NoTenant || exempt(caller) {
		return nil, caller, nil
	}
	policy, err := b.Of(ctx, caller.Tenant)
	return policy, caller, err
}

type held struct {
	grpc.ServerStream
	policy *Policy
	caller auth.Caller
	answer protoreflect.MessageDescriptor
}

func (h *held) RecvMsg(m any) error {
	if err := h.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	if req, ok := m.(proto.Message); ok {
		return h.policy.Demand(h.caller, req, h.answer)
	}
	return nil
}

func (h *held) SendMsg(m any) error {
	if answer, ok := m.(proto.Message); ok {
		if h.policy.concerns(answer.ProtoReflect().Descriptor()) {
			answer = proto.Clone(answer) // others may hold it too
			h.policy.Hide(h.caller, answer)
		}
		m = answer
	}
	return h.ServerStream.SendMsg(m)
}
