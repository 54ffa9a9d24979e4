package service

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/portal"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// parts is what Build puts together.
type parts struct {
	telemetry    *telemetry.Telemetry
	loops        []loop
	http         http.Handler
	unknown      grpc.StreamHandler
	authenticate rpc.Authenticate
	admitPortal  portal.Admit
	mesh         mesh.Mesh
	relay        *eventlog.Relay
	feed         *eventlog.Feed
	// undeclared is what Build used and the mesh does not say.
	undeclared error

	mu     sync.Mutex
	conns  map[string]*grpc.ClientConn
	tokens map[uuid.UUID]minted
}

// Dial answers another service, by its area. A call over it is made as the
// context's caller: the user whose request is served, or the service itself after
// AsService. What the mesh does not say that this service calls is refused, before
// it leaves: so a call that production would refuse fails in every test. A service that the environment does not know answers UNAVAILABLE.
func (rt *Runtime) Dial(area string) grpc.ClientConnInterface {
	rt.parts.mu.Lock()
	defer rt.parts.mu.Unlock()
	if conn, ok := rt.parts.conns[area]; ok {
		return conn
	}
	target, ok := rt.Targets[area]
	if !ok {
		return nowhere{area}
	}
	conn, err := rpc.Dial(target, rpc.DialOptions{
		TLS: rt.ClientTLS, Telemetry: rt.parts.telemetry, More: rt.dialOptions(), Near: rt.near(area),
	})
	if err != nil {
		rt.Logger.Error("a target cannot be used", "area", area, "cause", err.Error())
		return nowhere{area}
	}
	if rt.parts.conns == nil {
		rt.parts.conns = map[string]*grpc.ClientConn{}
	}
	rt.parts.conns[area] = conn
	return conn
}

func (rt *Runtime) dialOptions() []grpc.DialOption {
	options := []grpc.DialOption{grpc.WithChainUnaryInterceptor(rt.declaredUnary), grpc.WithChainStreamInterceptor(rt.declaredStream)}
	if rt.Connect != nil {
		options = append(options, grpc.WithContextDialer(rt.Connect))
	}
	return options
}

// near answers how to find the server of an area in this process; nil where the service
// stands alone.
func (rt *Runtime) near(area string) func() *rpc.Server {
	if rt.Nearby == nil {
		return nil
	}
	return func() *rpc.Server { return rt.Nearby.Server(area) }
}

// Go adds a loop that runs in the background from when the service serves until
// it stops. One that fails or panics is run again, after a pause that grows.
func (rt *Runtime) Go(name string, run func(ctx context.Context) error) {
	rt.parts.loops = append(rt.parts.loops, loop{name: name, run: run, log: rt.Logger})
}

// Project keeps a projection up to date. The runner it answers tells how far the
// projection has come. The service does not start when the mesh does not say that it
// reads the areas.
func (rt *Runtime) Project(p eventlog.Projection) *eventlog.Runner {
	sources := map[string]eventlog.Source{}
	for _, area := range p.Areas {
		if !slices.Contains(rt.parts.mesh[rt.Name].Reads, area) {
			rt.parts.undeclared = fmt.Errorf("the projection %s reads the area %q, and the mesh does not say so", p.Name, area)
		}
		if area == rt.Area {
			sources[area] = &eventlog.Reader{DB: rt.DB.System}
		} else {
			sources[area] = eventlog.NewSource(area, &ownConn{rt: rt, area: area})
		}
	}
	runner := &eventlog.Runner{
		Projection: p, DB: rt.DB.System, Feed: rt.parts.feed, Keys: rt.Keys, Sources: sources, Logger: rt.Logger,
	}
	rt.Go("projection "+p.Name, runner.Run)
	if p.Erase != nil {
		rt.Go("erasures of "+p.Name, runner.Settle)
	}
	return runner
}

// Meters is where the service's own metrics go.
func (rt *Runtime) Meters() metric.MeterProvider { return rt.parts.telemetry.Meters }

// HandleHTTP serves the handler on the service's HTTP listener.
func (rt *Runtime) HandleHTTP(h http.Handler) { rt.parts.http = h }

// HandleUnknown takes the calls of services that are not registered here. Their
// callers are authenticated, their messages are rpc.Frames, and no policy of this
// service applies.
func (rt *Runtime) HandleUnknown(h grpc.StreamHandler) { rt.parts.unknown = h }

// AuthenticateBy answers callers by a function of the service's own, instead of by
// the Verifier.
func (rt *Runtime) AuthenticateBy(a rpc.Authenticate) { rt.parts.authenticate = a }

// AdmitPortalBy says by a function of the service's own for which contacts a portal caller
// stands, and whether it may come in.
func (rt *Runtime) AdmitPortalBy(admit portal.Admit) { rt.parts.admitPortal = admit }

// declaredUnary holds the service to its row of the mesh.
func (rt *Runtime) declaredUnary(ctx context.Context, method string, req, resp any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if !rt.parts.mesh.Allows(rt.Name, method) {
		return rpc.ErrCaller.With("caller", rt.Name)
	}
	return invoke(ctx, method, req, resp, cc, opts...)
}

func (rt *Runtime) declaredStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	if !rt.parts.mesh.Allows(rt.Name, method) {
		return nil, rpc.ErrCaller.With("caller", rt.Name)
	}
	return open(ctx, desc, cc, method, opts...)
}

// nowhere is a service that the environment does not know.
type nowhere struct{ area string }

func (n nowhere) err() error {
	return errs.Unavailable("SERVICE_UNAVAILABLE", "a service that is needed cannot be reached", 0).
		Wrap(fmt.Errorf("the area %s has no target", n.area))
}

// Invoke implements grpc.ClientConnInterface.
func (n nowhere) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return n.err() }

// NewStream implements grpc.ClientConnInterface.
func (n nowhere) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, n.err()
}
