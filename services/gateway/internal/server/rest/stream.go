package rest

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// NewStream implements grpc.ClientConnInterface.
func (c carrying) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := c.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	if err != nil || desc.ClientStreams {
		return stream, err
	}
	found, err := httprule.Method(method)
	if err != nil {
		return nil, err
	}
	answer, err := protoregistry.GlobalTypes.FindMessageByName(found.Output().FullName())
	if err != nil {
		return nil, err
	}
	return &peeking{ClientStream: stream, first: answer.New().Interface()}, nil
}

// peeking waits for the first answer before it tells the header, so that a stream
// which is refused becomes a problem document. grpc-gateway would begin the answer
// of a stream with it; it sends nothing before the first answer either.
type peeking struct {
	grpc.ClientStream
	first proto.Message
	err   error
	held  bool
}

// SendMsg implements grpc.ClientStream.
func (p *peeking) SendMsg(m any) error {
	spellMasks(m.(proto.Message).ProtoReflect())
	return p.ClientStream.SendMsg(m)
}

// Header implements grpc.ClientStream.
func (p *peeking) Header() (metadata.MD, error) {
	header, err := p.ClientStream.Header()
	if err != nil {
		return nil, err
	}
	p.err, p.held = p.ClientStream.RecvMsg(p.first), true
	if p.err != nil && !errors.Is(p.err, io.EOF) {
		return nil, p.err
	}
	return header, nil
}

// RecvMsg implements grpc.ClientStream.
func (p *peeking) RecvMsg(m any) error {
	if !p.held {
		return p.ClientStream.RecvMsg(m)
	}
	p.held = false
	if p.err == nil {
		proto.Reset(m.(proto.Message))
		proto.Merge(m.(proto.Message), p.first)
	}
	return p.err
}
