// Package rest is the HTTP door: every RPC by its google.api.http rule, and the
// few things that HTTP has of its own.
//
// grpc-gateway routes and transcodes. Around it: callers are known before
// anything of their request is read; a body is at most 1 MiB and checked by field
// before it becomes a message; unknown fields and parameters are refused; errors
// are problem documents that keep the details of the gRPC status. Nothing of a
// request's headers reaches a service but what is on a list.
package rest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/pages"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/sse"
)

// Options are what the door needs.
type Options struct {
	// Dial answers the connection to an area.
	Dial func(area string) grpc.ClientConnInterface
	// Authenticate answers who showed a token.
	Authenticate rpc.Authenticate
	// Admit lets the context's caller in, or answers why not; what it answers is
	// called when the call has ended. A lasting call is a stream, a wait or an upload.
	Admit func(ctx context.Context, method string, lasting bool) (leave func(), err error)
	// Origins are those whose pages may call, such as "https://crm.example.com",
	// or "*".
	Origins []string
	// Hops is how many proxies of our own stand before the door: of
	// X-Forwarded-For, so many entries from the right are believed.
	Hops int
	// Live takes GET /v1/events:stream, for callers that are known. An error says
	// that nothing was written.
	Live func(w http.ResponseWriter, r *http.Request) error
	// Document takes GET /v1/openapi.json, for callers that are known. An error says that
	// nothing was written.
	Document func(w http.ResponseWriter, r *http.Request) error
	// Ready says why the process cannot do its work.
	Ready func(context.Context) error
	// Operations answers google.longrunning.Operations.
	Operations Operations
	// Logger takes what an operator must know.
	Logger *slog.Logger
}

type door struct {
	Options
	rules map[route]*rule
	mux   *runtime.ServeMux
	// pages take what is not below /v1/.
	pages http.Handler
}

const (
	api          = "/v1/"
	eventsStream = "/v1/events:stream"
	ownDocument  = "/v1/openapi.json"
)

// New makes the handler of the HTTP listener.
func New(o Options) (http.Handler, error) {
	d := &door{Options: o}
	var err error
	if d.rules, err = readRules(); err != nil {
		return nil, err
	}
	d.mux = runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{Marshaler: &runtime.JSONPb{
			UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
		}}),
		runtime.WithMarshalerOption(sse.MediaType, eventStream{&runtime.JSONPb{}}),
		runtime.WithMiddlewares(d.checked),
		runtime.WithErrorHandler(d.onError),
		runtime.WithRoutingErrorHandler(d.onRouting),
		runtime.WithStreamErrorHandler(onStreamError),
		runtime.WithForwardResponseOption(answer),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(outgoingHeader),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithUnescapingMode(runtime.UnescapingModeAllExceptSlash),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)
	for area, services := range areas {
		for _, register := range services {
			if err := register(context.Background(), d.mux, carrying{o.Dial(area)}); err != nil {
				return nil, fmt.Errorf("routes of area %s: %w", area, err)
			}
		}
	}
	missing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.refuse(w, r, errRoute) })
	if d.pages, err = pages.Handler(o.Ready, missing); err != nil {
		return nil, err
	}
	if err := d.registerOperations(); err != nil {
		return nil, err
	}
	if err := d.registerUploads(); err != nil {
		return nil, err
	}
	if err := d.registerDownloads(); err != nil {
		return nil, err
	}
	return d, nil
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &pacedWriter{ResponseWriter: w}
	secure(w.Header(), r.TLS != nil)
	r = d.cleaned(r)
	w.Header().Set(correlationHeader, call.From(r.Context()).Correlation)
	if d.cors(w, r) {
		return
	}
	if err := wellFormed(r); err != nil {
		d.refuse(w, r, err)
		return
	}
	if !strings.HasPrefix(r.URL.Path, api) {
		d.pages.ServeHTTP(w, r)
		return
	}
	ctx, err := d.known(r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	r = r.WithContext(ctx)
	leave, err := d.Admit(ctx, "", lasting(r))
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	defer leave()
	if own := d.own(r); own != nil {
		if err := own(w, r); err != nil {
			d.refuse(w, r, err)
		}
		return
	}
	d.mux.ServeHTTP(w, r)
}

// own answers what takes a request that is for no RPC; nil for all others.
func (d *door) own(r *http.Request) func(http.ResponseWriter, *http.Request) error {
	switch {
	case r.Method != http.MethodGet:
		return nil
	case r.URL.Path == eventsStream:
		return d.Live
	case r.URL.Path == ownDocument:
		return d.Document
	}
	return nil
}

// lasting says whether a request is one for a stream, a wait or a file, none of which
// keeps anything busy while it lasts.
func lasting(r *http.Request) bool {
	_, verb, _ := strings.Cut(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ":")
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.HasPrefix(verb, "watch") || verb == "stream" || verb == "wait" || verb == "download" || r.Method == http.MethodPost && media != "" && media != "application/json"
}
