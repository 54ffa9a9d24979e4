// Package rest is a client of the gateway's REST door that generated gRPC clients
// can be put on: each RPC travels as the HTTP request that its google.api.http
// rule describes, so that what is written against a generated client uses, and
// proves, the REST door as well.
//
// Errors come back as the status that the problem document carries, details
// included; where there was no answer, or half of one, as UNAVAILABLE. A file that is
// sent in pieces is the body of one request. Any other stream of requests, and an RPC
// that has no rule, answers UNIMPLEMENTED. Metadata travels as headers both ways.
package rest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// Dial answers a connection to the gateway at a base URL such as
// "http://127.0.0.1:8080". The token may be nil, or answer "" for a caller without
// one.
func Dial(baseURL string, token func() string) grpc.ClientConnInterface {
	return &restConn{base: strings.TrimSuffix(baseURL, "/"), token: token, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type restConn struct {
	base   string
	token  func() string
	client *http.Client
}

// Invoke implements grpc.ClientConnInterface.
func (c *restConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	res, err := c.send(ctx, method, args.(proto.Message))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	tellHeader(res.Header, opts)
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return noAnswer(ctx, err)
	}
	if res.StatusCode != http.StatusOK {
		return problemStatus(res.StatusCode, body).Err()
	}
	if raw, ok := reply.(*httpbody.HttpBody); ok {
		raw.ContentType, raw.Data = res.Header.Get("Content-Type"), body
		return nil
	}
	if err := protojson.Unmarshal(body, reply.(proto.Message)); err != nil {
		return status.Errorf(codes.Internal, "read the answer of %s: %v", method, err)
	}
	return nil
}

// send makes the HTTP request of an RPC.
func (c *restConn) send(ctx context.Context, method string, args proto.Message) (*http.Response, error) {
	req, err := Request(ctx, c.base, method, args)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, req)
}

// do makes an HTTP request as the caller.
func (c *restConn) do(ctx context.Context, req *http.Request) (*http.Response, error) {
	if c.token != nil {
		if token := c.token(); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	if md, ok := metadata.FromOutgoingContext(ctx); ok {
		for key, values := range md {
			req.Header[http.CanonicalHeaderKey(key)] = values
		}
	}
	res, err := c.client.Do(req)
	if err == nil {
		return res, nil
	}
	return nil, noAnswer(ctx, err)
}

// noAnswer is the status of a call whose answer did not come, or not in full.
func noAnswer(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	return status.Error(codes.Unavailable, cause.Error())
}

// Request answers the HTTP request that the google.api.http rule of an RPC makes of
// its message, without a token; for those that change it before they send it. The
// error is a status: UNIMPLEMENTED where the RPC has no rule, INVALID_ARGUMENT where
// JSON cannot hold the message.
func Request(ctx context.Context, baseURL, method string, args proto.Message) (*http.Request, error) {
	desc, err := httprule.Method(method)
	if err != nil {
		return nil, status.Error(codes.Unimplemented, err.Error())
	}
	bindings, err := httprule.Of(desc)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	if len(bindings) == 0 {
		return nil, status.Errorf(codes.Unimplemented, "%s is not offered over HTTP", method)
	}
	return newRequest(ctx, baseURL, bindings[0], args)
}

// newRequest spreads a message over path, body and query. It leaves args alone.
func newRequest(ctx context.Context, base string, b httprule.Binding, args proto.Message) (*http.Request, error) {
	rest := proto.Clone(args).ProtoReflect()
	path := b.Path.Expand(func(variable string) string { return take(rest, variable, b.Body) })
	body, err := takeBody(rest, b.Body)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	if b.Body != "*" {
		if err := addQuery(query, "", rest); err != nil {
			return nil, err
		}
	}
	target := base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, b.Verb, target, bytes.NewReader(body))
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	if b.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// take answers the field at a path such as "lead.name", and clears it unless it
// is a part of the message that is the body.
func take(msg protoreflect.Message, path, body string) string {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		fd := msg.Descriptor().Fields().ByName(protoreflect.Name(name))
		if fd == nil || !msg.Has(fd) {
			return ""
		}
		msg = msg.Get(fd).Message()
	}
	fd := msg.Descriptor().Fields().ByName(protoreflect.Name(names[len(names)-1]))
	if fd == nil {
		return ""
	}
	value := fmt.Sprint(msg.Get(fd).Interface())
	if names[0] != body {
		msg.Clear(fd)
	}
	return value
}

// takeBody marshals what travels as the body and clears it in msg.
func takeBody(msg protoreflect.Message, body string) ([]byte, error) {
	from := msg
	switch body {
	case "":
		return nil, nil
	case "*":
	default:
		fd := msg.Descriptor().Fields().ByName(protoreflect.Name(body))
		if fd == nil || fd.Message() == nil || fd.IsList() || fd.IsMap() {
			return nil, status.Errorf(codes.Unimplemented, "field %q cannot be a body", body)
		}
		if !msg.Has(fd) {
			return nil, nil
		}
		from = msg.Get(fd).Message()
		defer msg.Clear(fd)
	}
	if raw, ok := from.Interface().(*httpbody.HttpBody); ok {
		return raw.GetData(), nil
	}
	data, err := protojson.Marshal(from.Interface())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return data, nil
}

// tellHeader hands the headers of an answer to those who asked for them.
func tellHeader(header http.Header, opts []grpc.CallOption) {
	for _, opt := range opts {
		if want, ok := opt.(grpc.HeaderCallOption); ok {
			*want.HeaderAddr = headerMetadata(header)
		}
	}
}

func headerMetadata(header http.Header) metadata.MD {
	md := make(metadata.MD, len(header))
	for key, values := range header {
		md.Append(key, values...)
	}
	return md
}
