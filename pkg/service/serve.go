package service

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
)

const (
	// endConsumers, endCalls and endRelay bound the steps of a stop; together they
	// stay below the 30 s that an orchestrator waits.
	endConsumers = 7 * time.Second
	endCalls     = 15 * time.Second
	endRelay     = 3 * time.Second

	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
)

// Running is a service that serves.
type Running struct {
	// Addr is where it takes gRPC.
	Addr string
	// HTTP is the address of its HTTP listener, such as "127.0.0.1:8080"; empty
	// where it has none.
	HTTP string
	// Admin is the address of its private listener; empty where it has none.
	Admin string
	// Runtime is what the service was built with.
	Runtime *Runtime

	server    *rpc.Server
	consumers *group
	relay     *group
	public    *httpServer
	private   *httpServer
	drain     time.Duration
	failed    chan error
}

// serve runs everything that was built.
func serve(rt *Runtime, server *rpc.Server, relay *eventlog.Relay, env Environment) *Running {
	r := &Running{
		Addr: env.Listener.Addr().String(), Runtime: rt, server: server, drain: env.Drain,
		failed: make(chan error, 3),
	}
	r.relay = start([]loop{{name: "relay", run: relay.Run, log: rt.Logger}})
	r.consumers = start(append(rt.parts.loops, loop{name: "readiness", run: watchReadiness(server), log: rt.Logger}))
	go func() {
		if err := server.Serve(env.Listener); err != nil {
			r.failed <- err
		}
	}()
	if env.HTTPListener != nil {
		r.HTTP = env.HTTPListener.Addr().String()
		r.public = r.serveHTTP(env.HTTPListener, rt.parts.http, nil)
	}
	if env.AdminListener != nil {
		r.Admin = env.AdminListener.Addr().String()
		r.private = r.serveHTTP(env.AdminListener, adminHandler(server, env), withGRPC())
	}
	server.SetServing(true)
	if env.Nearby != nil {
		env.Nearby.Add(rt.Area, server)
	}
	return r
}

func watchReadiness(server *rpc.Server) func(context.Context) error {
	return func(ctx context.Context) error {
		server.WatchReadiness(ctx)
		return ctx.Err()
	}
}

// Served answers the RPCs that it serves, by service.
func (r *Running) Served() map[string]grpc.ServiceInfo { return r.server.GetServiceInfo() }

// Failed tells when the service can serve no more, and why.
func (r *Running) Failed() <-chan error { return r.failed }

// Stop ends the service: callers are told and given time to notice, consumers end,
// calls end, and then what they used. It answers what did not end by itself. The
// context can only shorten it.
func (r *Running) Stop(ctx context.Context) error {
	r.server.SetServing(false)
	pause(ctx, r.drain)
	failed := within(ctx, endConsumers, r.consumers.stop)
	failed = errors.Join(failed, within(ctx, endCalls, r.endCalls))
	failed = errors.Join(failed, within(ctx, endRelay, r.relay.stop))
	r.Runtime.close()
	return failed
}

func (r *Running) endCalls(ctx context.Context) error {
	failed := r.public.stop(ctx)
	r.server.Shutdown(ctx)
	return errors.Join(failed, r.private.stop(ctx))
}

func within(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// close frees what the runtime holds, after everything that uses it has ended.
func (rt *Runtime) close() {
	rt.parts.mu.Lock()
	defer rt.parts.mu.Unlock()
	for _, conn := range rt.parts.conns {
		_ = conn.Close() // it only fails when closed already
	}
	for _, db := range rt.Databases {
		db.Close()
	}
	rt.DB.Close()
}

// httpServer is a listener with a handler, whose streams end when it stops.
type httpServer struct {
	*http.Server
	cancel context.CancelFunc
}

// withGRPC are HTTP/1.1 and, for gRPC, HTTP/2 without TLS.
func withGRPC() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// serveHTTP serves by the protocols; nil stands for those of net/http.
func (r *Running) serveHTTP(l net.Listener, h http.Handler, protocols *http.Protocols) *httpServer {
	ctx, cancel := context.WithCancel(context.Background())
	s := &httpServer{cancel: cancel, Server: &http.Server{
		Handler: h, Protocols: protocols, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.failed <- err
		}
	}()
	return s
}

// stop lets the requests at work end until the context does. Event streams never
// would: they are told by their context.
func (s *httpServer) stop(ctx context.Context) error {
	if s == nil {
		return nil
	}
	streams := time.AfterFunc(time.Second, s.cancel)
	defer streams.Stop()
	err := s.Shutdown(ctx)
	s.cancel()
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// adminHandler is for operators: /livez says that the process lives, /readyz that
// it can do its work, /metrics is for Prometheus, /debug/pprof for profiles. What the
// service offers is told by gRPC reflection.
func adminHandler(server *rpc.Server, env Environment) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, req *http.Request) {
		if err := server.CheckReady(req.Context()); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", env.Telemetry.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	contracts := server.Reflection()
	for name := range contracts.GetServiceInfo() {
		mux.Handle("POST /"+name+"/", contracts)
	}
	failpoint.Handle(mux)
	return mux
}
