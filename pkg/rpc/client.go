package rpc

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"

	_ "google.golang.org/grpc/health" // lets the client follow the health of servers
)

// DialOptions say how a client reaches a service.
type DialOptions struct {
	// TLS secures the connection; nil is plaintext.
	TLS *tls.Config
	// Telemetry takes its traces and metrics; nil stands for telemetry.Off.
	Telemetry *telemetry.Telemetry
	// More are added to the options of the connection.
	More []grpc.DialOption
	// Near answers the server behind the target where it runs in this process, or nil,
	// as Nearby.Server does; nil where it never does.
	Near func() *Server
}

// serviceConfig spreads the calls over the servers that say they serve, and
// repeats a call that no server took. Writes are repeated too: each carries a
// request id, and if its caller gave none, the client does.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": ""},
	"methodConfig": [{
		"name": [{}],
		"retryPolicy": {
			"maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]
		}
	}],
	"retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}`

// reconnecting is how a client comes back to a server that was away. By default it
// would wait for up to two minutes: a process that was started again stood unused,
// and when the next one stopped there was none to turn to (F41).
var reconnecting = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// Dial makes a client. It connects when first used. The calls carry the token of
// the context's caller (auth.With), its correlation and its trace, and a deadline
// a little shorter than the context's.
func Dial(target string, o DialOptions) (*grpc.ClientConn, error) {
	if o.Telemetry == nil {
		o.Telemetry = telemetry.Off()
	}
	secured := insecure.NewCredentials()
	if o.TLS != nil {
		secured = credentials.NewTLS(o.TLS)
	}
	tracer := otelgrpc.NewClientHandler(
		otelgrpc.WithTracerProvider(o.Telemetry.Tracers), otelgrpc.WithMeterProvider(o.Telemetry.Meters), otelgrpc.WithPropagators(telemetry.Propagator()))
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(),
		grpc.WithConnectParams(reconnecting),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connWindow),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxResponse), grpc.MaxCallSendMsgSize(MaxResponse)),
		grpc.WithChainUnaryInterceptor(outgoingUnary),
		grpc.WithChainStreamInterceptor(outgoingStream),
		grpc.WithStatsHandler(tracer),
	}
	options = append(options, o.More...)
	if o.Near != nil {
		options = append(options, grpc.WithChainUnaryInterceptor(nearUnary(o.Near, tracer)))
	}
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	return conn, nil
}

func outgoingUnary(ctx context.Context, method string, req, resp any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, cancel := shaved(ctx)
	defer cancel()
	return invoke(outgoing(ctx, req), method, req, resp, cc, opts...)
}

func outgoingStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(outgoing(ctx, nil), desc, cc, method, opts...)
}

// shaved leaves the caller a twentieth of its time, 200 ms at most, to make
// something of the answer.
func shaved(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithTimeout(ctx, defaultDeadline)
	}
	return context.WithDeadline(ctx, end.Add(-min(time.Until(end)/20, 200*time.Millisecond)))
}

// outgoing adds what travels along. What the caller set itself stays.
func outgoing(ctx context.Context, req any) context.Context {
	md, _ := metadata.FromOutgoingContext(ctx)
	var pairs []string
	add := func(key, value string) {
		if value != "" && len(md.Get(key)) == 0 {
			pairs = append(pairs, key, value)
		}
	}
	if caller, ok := auth.FromOK(ctx); ok && caller.Token != "" {
		add(authorization, "Bearer "+caller.Token)
	}
	info := call.From(ctx)
	add(call.CorrelationHeader, info.Correlation)
	add(call.CausationHeader, info.Causation)
	if lacksRequestID(req) {
		add(IdempotencyHeader, uuid.NewString())
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

// lacksRequestID says whether the request could carry an id, and does not.
func lacksRequestID(req any) bool {
	m, ok := req.(proto.Message)
	if !ok {
		return false
	}
	f := carriersIn(m.ProtoReflect().Descriptor()).requestID
	return f != nil && !m.ProtoReflect().Has(f)
}
