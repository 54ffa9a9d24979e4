package service

import (
	"context"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Every area serves its log under a name of its own,
// lingkar.<area>.v1.EventLogService, and all serve it alike: what the generator
// would write for each is written here once.

func logService(area string) string { return "lingkar." + area + ".v1.EventLogService" }

// logPolicy lets services and operators read the log, and nobody of a tenant: it
// spans them all.
func logPolicy(area string) auth.Policy {
	readers := auth.Allow(auth.All, auth.Service, auth.Operator)
	return auth.Policy{
		"/" + logService(area) + "/ReadEvents":  readers,
		"/" + logService(area) + "/GetLogHeads": readers,
	}
}

// registerLog serves the log of the area, unless the service does so itself.
func registerLog(server *rpc.Server, area string, source eventlog.Source) {
	name := logService(area)
	if _, done := server.GetServiceInfo()[name]; done {
		return
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: name,
		HandlerType: (*eventlog.Source)(nil),
		Methods: []grpc.MethodDesc{
			unary(name, "ReadEvents", source.ReadEvents, func() *eventv1.ReadEventsRequest { return &eventv1.ReadEventsRequest{} }),
			unary(name, "GetLogHeads", source.GetLogHeads, func() *eventv1.GetLogHeadsRequest { return &eventv1.GetLogHeadsRequest{} }),
		},
	}, source)
}

// unary describes one method as the generated code does.
func unary[Req, Resp any](service, method string, serve func(context.Context, Req) (Resp, error), empty func() Req) grpc.MethodDesc {
	handler := func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		req := empty()
		if err := decode(req); err != nil {
			return nil, err
		}
		next := func(ctx context.Context, req any) (any, error) {
			return serve(ctx, req.(Req))
		}
		if intercept == nil {
			return next(ctx, req)
		}
		return intercept(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + service + "/" + method}, next)
	}
	return grpc.MethodDesc{MethodName: method, Handler: handler}
}
