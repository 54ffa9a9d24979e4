package rest

import (
	"context"
	"net/http"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Operations is google.longrunning.Operations as far as it is offered over HTTP.
type Operations interface {
	GetOperation(context.Context, *longrunningpb.GetOperationRequest) (*longrunningpb.Operation, error)
	CancelOperation(context.Context, *longrunningpb.CancelOperationRequest) (*emptypb.Empty, error)
}

// registerOperations makes the routes that the generator makes of our own files
// alone.
func (d *door) registerOperations() error {
	type handle = func(ctx context.Context, name string) (proto.Message, error)
	for _, route := range []struct {
		verb, path string
		handle     handle
	}{
		{http.MethodGet, "/v1/{name=operations/*}", func(ctx context.Context, name string) (proto.Message, error) {
			return d.Operations.GetOperation(ctx, &longrunningpb.GetOperationRequest{Name: name})
		}},
		{http.MethodPost, "/v1/{name=operations/*}:cancel", func(ctx context.Context, name string) (proto.Message, error) {
			return d.Operations.CancelOperation(ctx, &longrunningpb.CancelOperationRequest{Name: name})
		}},
	} {
		err := d.mux.HandlePath(route.verb, route.path, func(w http.ResponseWriter, r *http.Request, params map[string]string) {
			ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
			defer cancel()
			message, err := route.handle(ctx, params["name"])
			d.forward(w, r, message, err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// forward answers a message as grpc-gateway does.
func (d *door) forward(w http.ResponseWriter, r *http.Request, message proto.Message, err error) {
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	_, marshaler := runtime.MarshalerForRequest(d.mux, r)
	runtime.ForwardResponseMessage(r.Context(), d.mux, marshaler, w, r, message, d.mux.GetForwardResponseOptions()...)
}
