package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/call"
)

// serverStream checks each message that comes in, as unary calls are checked.
// Its context carries what the call carries from the first message on.
type serverStream struct {
	grpc.ServerStream
	ctx      context.Context
	server   *Server
	method   string
	received bool
}

// Context implements grpc.ServerStream.
func (s *serverStream) Context() context.Context { return s.ctx }

// RecvMsg implements grpc.ServerStream.
func (s *serverStream) RecvMsg(v any) error {
	if err := s.ServerStream.RecvMsg(v); err != nil {
		return err
	}
	m, ok := v.(proto.Message)
	if !ok {
		return nil
	}
	if err := checkInput(m); err != nil {
		return err
	}
	if s.received {
		return nil
	}
	s.received = true
	info, err := carriedBy(s.ctx, s.method, m)
	if err != nil {
		return err
	}
	seenFrom(s.ctx).info = info
	s.ctx = call.With(s.ctx, info)
	return nil
}
