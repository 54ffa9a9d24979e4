// Package proxy passes gRPC calls on to the areas that serve them, by the full
// name of their service, without decoding what they carry.
//
// Streams of all kinds, deadlines, status details and trailers pass; of metadata
// only what is on a list. Reached are the services that are offered over HTTP
// too: one without any google.api.http rule is for our own processes, and does
// not exist here.
package proxy

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/httprule"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
)

const (
	// defaultDeadline bounds a call whose caller set no limit, longestDeadline
	// every other. Streams may last.
	defaultDeadline = 10 * time.Second
	longestDeadline = 30 * time.Second
)

// Handler answers the handler of calls that no service here takes. Dial answers
// the connection to an area. The callers are known already, and named in the
// context of each stream. Admit lets a call in, and says what to do when it ends.
func Handler(dial func(area string) grpc.ClientConnInterface, admit func(ctx context.Context, method string, lasting bool) (func(), error)) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		full, ok := grpc.MethodFromServerStream(stream)
		if !ok {
			return rpc.ErrMethodUnknown
		}
		method, err := httprule.Method(full)
		if err != nil || !offered(method) {
			return rpc.ErrMethodUnknown
		}
		leave, err := admit(stream.Context(), full, method.IsStreamingClient() || method.IsStreamingServer())
		if err != nil {
			return err
		}
		defer leave()
		ctx, cancel := bounded(stream.Context(), method)
		defer cancel()
		if method.IsStreamingClient() || method.IsStreamingServer() {
			return pass(ctx, stream, dial(areaOf(method)), full)
		}
		return ask(ctx, stream, dial(areaOf(method)), full)
	}
}

// areaOf answers the area in the package of a method, such as "sales".
func areaOf(method protoreflect.MethodDescriptor) string {
	parts := strings.Split(string(method.ParentFile().Package()), ".")
	if len(parts) != 3 || parts[0] != "lingkar" {
		return ""
	}
	return parts[1]
}

// offered says whether callers from outside may reach the service of a method.
func offered(method protoreflect.MethodDescriptor) bool {
	return areaOf(method) != "" && httprule.Offered(method)
}

// bounded limits the time of a call that is no stream.
func bounded(ctx context.Context, method protoreflect.MethodDescriptor) (context.Context, context.CancelFunc) {
	if method.IsStreamingClient() || method.IsStreamingServer() {
		return context.WithCancel(ctx)
	}
	limit := longestDeadline
	if _, ok := ctx.Deadline(); !ok {
		limit = defaultDeadline
	}
	return context.WithTimeout(ctx, limit)
}

// outgoing answers the metadata that goes along. A change without an idempotency
// key gets one, so that it can be sent again where a connection breaks.
func outgoing(ctx context.Context) metadata.MD {
	in, _ := metadata.FromIncomingContext(ctx)
	out := metadata.MD{}
	for _, key := range []string{rpc.IdempotencyHeader, call.MinPositionHeader, call.CorrelationHeader} {
		if values := in.Get(key); len(values) > 0 {
			out.Set(key, values[0])
		}
	}
	out.Set(call.CorrelationHeader, call.Correlation(first(out, call.CorrelationHeader)))
	if first(out, rpc.IdempotencyHeader) == "" {
		out.Set(rpc.IdempotencyHeader, uuid.NewString())
	}
	return out
}

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// back answers the metadata that comes back: our own alone.
func back(md metadata.MD) metadata.MD {
	out := metadata.MD{}
	for key, values := range md {
		if strings.HasPrefix(key, "lingkar-") || key == call.CorrelationHeader {
			out[key] = values
		}
	}
	return out
}

var errNoMessage = errs.New(codes.InvalidArgument, "MALFORMED_MESSAGE", "the call brings no message")

// ask passes one message on and the answer to it back. It takes fewer packets than
// joining two streams does.
func ask(ctx context.Context, in grpc.ServerStream, conn grpc.ClientConnInterface, method string) error {
	var request, response rpc.Frame
	if err := in.RecvMsg(&request); errors.Is(err, io.EOF) {
		return errNoMessage
	} else if err != nil {
		return err
	}
	var header, trailer metadata.MD
	err := conn.Invoke(metadata.NewOutgoingContext(ctx, outgoing(ctx)), method, &request, &response,
		grpc.ForceCodecV2(rpc.Codec()), grpc.Header(&header), grpc.Trailer(&trailer))
	in.SetTrailer(back(trailer))
	if failed := in.SetHeader(back(header)); err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return in.SendMsg(&response)
}

var anyStream = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// pass joins the caller's stream with one to the area.
func pass(ctx context.Context, in grpc.ServerStream, conn grpc.ClientConnInterface, method string) error {
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(ctx, outgoing(ctx)))
	defer cancel()
	out, err := conn.NewStream(ctx, anyStream, method, grpc.ForceCodecV2(rpc.Codec()))
	if err != nil {
		return err
	}
	go forth(in, out)
	return answer(in, out)
}

// forth passes the caller's messages on. It ends with the caller's stream, which
// ends at the latest when the handler does; what went wrong, answer tells.
func forth(in grpc.ServerStream, out grpc.ClientStream) {
	for {
		var message rpc.Frame
		err := in.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			_ = out.CloseSend()
			return
		}
		if err != nil || out.SendMsg(&message) != nil {
			return
		}
	}
}

// answer passes the area's messages back, and its status.
func answer(in grpc.ServerStream, out grpc.ClientStream) error {
	defer func() { in.SetTrailer(back(out.Trailer())) }()
	header, err := out.Header()
	if err != nil {
		return err
	}
	if err := in.SendHeader(back(header)); err != nil {
		return err
	}
	for {
		var message rpc.Frame
		err := out.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := in.SendMsg(&message); err != nil {
			return err
		}
	}
}
