package rpc

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Nearby are the servers of this process, by name. A client that knows of them hands
// them its unary calls itself, without a transport, which costs more than many a call
// does. All else is as it is over one: request and answer are encoded and decoded, so
// that neither side sees the other's memory; metadata, deadline, cancellation, trace and
// status pass, and nothing of the caller's context but those; the server's interceptors
// run. Streams, and what is answered UNAVAILABLE and so is to be repeated, go over the
// transport. The zero value is ready.
type Nearby struct{ servers sync.Map }

// Add makes a server known, after all it serves was registered.
func (n *Nearby) Add(name string, s *Server) { n.servers.Store(name, s) }

// Server answers the server of that name, or nil. Nil Nearby know none.
func (n *Nearby) Server(name string) *Server {
	if n == nil {
		return nil
	}
	s, _ := n.servers.Load(name)
	server, _ := s.(*Server)
	return server
}

// unaryMethod is how a method is served.
type unaryMethod struct {
	of    any
	serve grpc.MethodHandler
}

// RegisterService implements grpc.ServiceRegistrar.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.Server.RegisterService(desc, impl)
	for _, m := range desc.Methods {
		s.methods["/"+desc.ServiceName+"/"+m.MethodName] = unaryMethod{impl, m.Handler}
	}
}

// nearUnary is the innermost interceptor of a client that finds its server nearby.
func nearUnary(find func() *Server, tracer stats.Handler) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, resp any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if s := find(); s != nil && s.serving.Load() {
			if m, ok := s.methods[method]; ok {
				call := &nearCall{method: method, unaryMethod: m, tracer: tracer}
				err := call.traced(ctx, s, req, resp)
				if status.Code(err) != codes.Unavailable {
					call.tell(opts)
					return err
				}
			}
		}
		return invoke(ctx, method, req, resp, cc, opts...)
	}
}

// nearCall is a call that needs no transport, and the stream that the server takes it
// for.
type nearCall struct {
	method string
	unaryMethod
	tracer stats.Handler

	mu              sync.Mutex
	header, trailer metadata.MD
}

// Method implements grpc.ServerTransportStream.
func (c *nearCall) Method() string { return c.method }

// SetHeader implements grpc.ServerTransportStream.
func (c *nearCall) SetHeader(md metadata.MD) error { return c.add(&c.header, md) }

// SendHeader implements grpc.ServerTransportStream. The header comes with the answer.
func (c *nearCall) SendHeader(md metadata.MD) error { return c.add(&c.header, md) }

// SetTrailer implements grpc.ServerTransportStream.
func (c *nearCall) SetTrailer(md metadata.MD) error { return c.add(&c.trailer, md) }

func (c *nearCall) add(to *metadata.MD, md metadata.MD) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*to = metadata.Join(*to, md)
	return nil
}

// tell gives the caller the metadata that it asked for.
func (c *nearCall) tell(opts []grpc.CallOption) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.HeaderCallOption:
			*o.HeaderAddr = c.header
		case grpc.TrailerCallOption:
			*o.TrailerAddr = c.trailer
		}
	}
}

// traced makes the call as part of the caller's trace.
func (c *nearCall) traced(ctx context.Context, s *Server, req, resp any) error {
	began := time.Now()
	ctx = c.tracer.TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: c.method})
	err := c.make(ctx, s, req, resp)
	if cause := ended(ctx); err != nil && cause != nil {
		err = status.FromContextError(cause).Err() // whatever the server made of it
	}
	c.tracer.HandleRPC(ctx, &stats.End{Client: true, BeginTime: began, EndTime: time.Now(), Error: err})
	return err
}

// ended says why the context has ended, or is about to: its timer and that of the
// server's run out at the same time.
func ended(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// make has the server answer.
func (c *nearCall) make(ctx context.Context, s *Server, req, resp any) error {
	request, err := wire.Marshal(req)
	if err != nil {
		return status.Errorf(codes.Internal, "encode the request: %v", err)
	}
	defer request.Free()
	md, _ := metadata.FromOutgoingContext(ctx)
	answer, err := s.answerNear(ctx, c, md, request)
	if err != nil {
		return err
	}
	return carryOver(answer, resp)
}

// carryOver gives the caller the answer.
func carryOver(answer, resp any) error {
	message, ok := answer.(proto.Message)
	frame, raw := resp.(*Frame)
	if ok && raw {
		var err error
		if frame.Payload, err = proto.Marshal(message); err != nil {
			return status.Errorf(codes.Internal, "encode the answer: %v", err)
		}
		return nil
	}
	data, err := protoCodec.Marshal(answer)
	if err != nil {
		return status.Errorf(codes.Internal, "encode the answer: %v", err)
	}
	defer data.Free()
	if err := protoCodec.Unmarshal(data, resp); err != nil {
		return status.Errorf(codes.Internal, "decode the answer: %v", err)
	}
	return nil
}

// answerNear answers a call of this process. The caller's context only ends it.
func (s *Server) answerNear(from context.Context, c *nearCall, md metadata.MD, request mem.BufferSlice) (answer any, err error) {
	if !s.near.enter() {
		return nil, status.Error(codes.Unavailable, errStopping.Error())
	}
	defer s.near.leave()
	ctx, cancel := s.near.lasting(from)
	defer cancel()
	defer context.AfterFunc(from, cancel)()
	ctx = metadata.NewIncomingContext(ctx, md)
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: nearAddr{}})
	ctx = grpc.NewContextWithServerTransportStream(ctx, c)
	began := time.Now()
	ctx = s.tracer.TagRPC(ctx, &stats.RPCTagInfo{FullMethodName: c.method})
	defer func() {
		s.tracer.HandleRPC(ctx, &stats.End{BeginTime: began, EndTime: time.Now(), Error: err})
	}()
	return c.serve(c.of, ctx, func(into any) error { return wire.Unmarshal(request, into) }, s.around)
}

// nearAddr is the address of a caller in this process.
type nearAddr struct{}

// Network implements net.Addr.
func (nearAddr) Network() string { return "process" }

// String implements net.Addr.
func (nearAddr) String() string { return "this process" }

// chained runs interceptors around each other, the first outermost.
func chained(all []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, last grpc.UnaryHandler) (any, error) {
		return all[0](ctx, req, info, following(all[1:], info, last))
	}
}

func following(rest []grpc.UnaryServerInterceptor, info *grpc.UnaryServerInfo, last grpc.UnaryHandler) grpc.UnaryHandler {
	if len(rest) == 0 {
		return last
	}
	return func(ctx context.Context, req any) (any, error) {
		return rest[0](ctx, req, info, following(rest[1:], info, last))
	}
}

// nearCalls are the calls at work that came without a transport.
type nearCalls struct {
	// life is what they end with, cut ends it.
	life context.Context
	cut  context.CancelFunc

	mu     sync.Mutex
	closed bool
	atWork sync.WaitGroup
}

func newNearCalls() *nearCalls {
	n := &nearCalls{}
	n.life, n.cut = context.WithCancel(context.Background())
	return n
}

// enter counts one more, unless none is taken any more; leave must follow where it
// answers true.
func (n *nearCalls) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.atWork.Add(1)
	return true
}

func (n *nearCalls) leave() { n.atWork.Done() }

// lasting answers a context of a call that lasts as long as that of its caller may.
func (n *nearCalls) lasting(from context.Context) (context.Context, context.CancelFunc) {
	if end, ok := from.Deadline(); ok {
		return context.WithDeadline(n.life, end)
	}
	return context.WithCancel(n.life)
}

// stop takes no more, and answers when those at work have ended.
func (n *nearCalls) stop() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.atWork.Wait()
}
