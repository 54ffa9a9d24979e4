package rpc

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"

	"github.com/lingkar-crm/lingkar/pkg/admission"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// Options say how a server treats its callers.
type Options struct {
	// Policy is the table of who may call what. Health needs no entry.
	Policy auth.Policy
	// Authenticate answers who showed a token.
	Authenticate Authenticate
	// Callers says which service may call which method: mesh.Mesh.Allows is one. Nil
	// lets every service call everything.
	Callers func(service, method string) bool
	// Front says that callers from outside connect, who show no certificate.
	Front bool
	// TLS secures the server; nil is plaintext.
	TLS *tls.Config
	// Telemetry takes its logs, traces and metrics; nil stands for
	// telemetry.Off.
	Telemetry *telemetry.Telemetry
	// Places is how many calls are worked on at a time; 0 stands for
	// admission.DefaultPlaces.
	Places int
	// Ready says whether the service can do its work; nil is always.
	Ready func(ctx context.Context) error
	// Unknown takes the calls of services that are not registered, such as a
	// proxy does, after their callers were authenticated; the service behind it
	// applies its own policy. Nil answers ErrMethodUnknown.
	Unknown grpc.StreamHandler
	// Within and WithinStream run around the handler of each call and stream that
	// passed all checks, the first outermost.
	Within       []grpc.UnaryServerInterceptor
	WithinStream []grpc.StreamServerInterceptor
}

// Server is a gRPC server that treats every call alike. Register on it, then call
// CheckPolicy and Serve.
type Server struct {
	*grpc.Server

	policy       auth.Policy
	callers      func(service, method string) bool
	front        bool
	authenticate Authenticate
	served       func() map[string]bool
	ready        func(ctx context.Context) error
	log          *slog.Logger
	places       *admission.Limiter
	streams      streams
	counters     counters
	health       *health.Server
	serving      atomic.Bool
	tracer       stats.Handler
	// around is what every unary call passes, methods are those that are served so, by
	// their full names, and near the calls that come without a transport.
	around  grpc.UnaryServerInterceptor
	methods map[string]unaryMethod
	near    *nearCalls
}

// ErrMethodUnknown says that nobody serves a method.
var ErrMethodUnknown = errs.New(codes.Unimplemented, "METHOD_UNKNOWN", "this method does not exist here")

// streamWorkers is how many goroutines wait for calls. A call that finds none free
// gets a new one, whose small stack is copied several times on the way through the
// interceptors: an eighth of the processor time of a get.
const streamWorkers = 16

// open are the methods that every server has for everybody.
var open = auth.Policy{
	"/grpc.health.v1.Health/Check": auth.Public,
	"/grpc.health.v1.Health/Watch": auth.Public,
	"/grpc.health.v1.Health/List":  auth.Public,
}

// NewServer makes a server. It serves health, as not serving until SetServing.
func NewServer(o Options) *Server {
	if o.Telemetry == nil {
		o.Telemetry = telemetry.Off()
	}
	if o.Unknown == nil {
		o.Unknown = func(any, grpc.ServerStream) error { return ErrMethodUnknown }
	}
	s := &Server{
		policy:       maps.Clone(open),
		authenticate: o.Authenticate,
		callers:      o.Callers,
		front:        o.Front,
		ready:        o.Ready,
		log:          o.Telemetry.Logger,
		places:       admission.New(o.Places),
		streams:      streams{open: map[string]int{}},
		counters:     newCounters(o.Telemetry.Meters),
		health:       health.NewServer(),
		methods:      map[string]unaryMethod{},
		near:         newNearCalls(),
		tracer: otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(o.Telemetry.Tracers), otelgrpc.WithMeterProvider(o.Telemetry.Meters),
			otelgrpc.WithPropagators(telemetry.Propagator()), otelgrpc.WithFilter(filters.Not(filters.HealthCheck()))),
	}
	maps.Copy(s.policy, o.Policy)
	s.around = chained(s.unary(o))
	s.Server = grpc.NewServer(s.options(o)...)
	s.served = sync.OnceValue(func() map[string]bool { return methodsOf(s.Server) })
	grpc_health_v1.RegisterHealthServer(s, s.health)
	s.SetServing(false)
	return s
}

// unary is what a call passes on the way to its handler, in order.
func (s *Server) unary(o Options) []grpc.UnaryServerInterceptor {
	return append([]grpc.UnaryServerInterceptor{
		s.answerUnary, s.boundUnary, s.identifyUnary, s.admitUnary, s.inputUnary, s.carryUnary, s.maskUnary,
	}, o.Within...)
}

func (s *Server) options(o Options) []grpc.ServerOption {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(Codec()),
		grpc.UnaryInterceptor(s.around),
		grpc.ChainStreamInterceptor(append([]grpc.StreamServerInterceptor{s.answerStream, s.identifyStream}, o.WithinStream...)...),
		grpc.UnknownServiceHandler(o.Unknown),
		grpc.MaxRecvMsgSize(maxRead),
		grpc.MaxSendMsgSize(MaxResponse),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.MaxConcurrentStreams(256),
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connWindow),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: 60 * time.Second, Timeout: 10 * time.Second,
			MaxConnectionIdle: 15 * time.Minute, MaxConnectionAge: 30 * time.Minute, MaxConnectionAgeGrace: 30 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true}),
		grpc.StatsHandler(s.tracer),
	}
	if o.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(o.TLS)))
	}
	return options
}
