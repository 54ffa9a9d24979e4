package fuzz

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/rest"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
)

const (
	// patience is how long an answer may take. The services answer earlier, with a
	// deadline of their own.
	patience = 25 * time.Second
	// watched is how long a stream of answers is read, unless the context says: who
	// expects a refusal waits for it with Expectantly.
	watched = 50 * time.Millisecond
	// largest is how much of an answer over HTTP is read.
	largest = 16 << 20
)

// Answer is what came back.
type Answer struct {
	// Status is what the service says; over HTTP that of the problem document.
	Status *status.Status
	// HTTP is the status over HTTP; 0 over gRPC, and where no answer came.
	HTTP int
	// Messages are the answers, decoded.
	Messages []proto.Message
	// Raw is all that came.
	Raw []byte
	// Malformed says what of the answer could not be read.
	Malformed error
	// Optional says that a service need not have the RPC: of Google's
	// long-running operations, some are for servers that keep them for long.
	Optional bool
	// Cut says that the caller stopped reading a stream.
	Cut bool
}

// Expectantly answers a context for a call that is to end by itself: a stream of answers
// is read for as long as a single answer may take.
func Expectantly(ctx context.Context) context.Context {
	return context.WithValue(ctx, expected{}, true)
}

type expected struct{}

// bounded answers a context that ends when a call of a method has taken too long.
func bounded(ctx context.Context, m Method) (context.Context, context.CancelFunc) {
	limit := patience
	if m.Desc.IsStreamingServer() && ctx.Value(expected{}) == nil {
		limit = watched
	}
	return context.WithTimeout(ctx, limit)
}

// CallGRPC sends messages as they are, one after the other, and reads the answers.
func CallGRPC(ctx context.Context, conn grpc.ClientConnInterface, m Method, payloads ...[]byte) Answer {
	ctx, cancel := bounded(ctx, m)
	defer cancel()
	desc := &grpc.StreamDesc{ServerStreams: m.Desc.IsStreamingServer(), ClientStreams: m.Desc.IsStreamingClient()}
	stream, err := conn.NewStream(ctx, desc, m.Full, grpc.ForceCodecV2(rpc.Codec()))
	if err != nil {
		return Answer{Status: status.Convert(err), Cut: m.Desc.IsStreamingServer() && ctx.Err() != nil}
	}
	for _, payload := range payloads {
		if stream.SendMsg(&rpc.Frame{Payload: payload}) != nil { // RecvMsg tells why
			break
		}
	}
	_ = stream.CloseSend() // RecvMsg tells this too
	var a Answer
	for {
		var frame rpc.Frame
		if err = stream.RecvMsg(&frame); err != nil {
			break
		}
		a.Raw = append(a.Raw, frame.Payload...)
		decoded := NewMessage(m.Desc.Output()).Interface()
		if err := proto.Unmarshal(frame.Payload, decoded); err != nil {
			a.Malformed = err
		} else if _, err := protojson.Marshal(decoded); err != nil { // such as a time before the year 1
			a.Malformed = err
		}
		a.Messages = append(a.Messages, decoded)
		if !m.Desc.IsStreamingServer() {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	a.Status, a.Optional = status.New(codes.OK, ""), m.Desc.Parent().FullName() == operations
	if err != nil {
		a.Status = status.Convert(err)
	}
	a.Cut = m.Desc.IsStreamingServer() && (ctx.Err() != nil || a.Status.Code() == codes.DeadlineExceeded)
	return a
}

// client answers the requests over HTTP. It follows no redirect.
var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// CallHTTP sends a request. Sent is false where it could not be written as HTTP at
// all, such as one with a line break in a header. Where the request is spoiled, it
// may be one of another RPC: the answer is JSON, but not known to be of the RPC.
func CallHTTP(ctx context.Context, m Method, req *http.Request, spoiled bool) (a Answer, sent bool) {
	ctx, cancel := bounded(ctx, m)
	defer cancel()
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		a.Cut = m.Desc.IsStreamingServer() && ctx.Err() != nil
		a.Status = status.New(codes.Unavailable, err.Error())
		return a, !unsendable(err) && !a.Cut
	}
	defer func() { _ = res.Body.Close() }()
	a.HTTP = res.StatusCode
	a.Raw, err = io.ReadAll(io.LimitReader(res.Body, largest))
	a.Cut = m.Desc.IsStreamingServer() && ctx.Err() != nil
	switch {
	case err != nil && !a.Cut:
		a.Malformed = err
	case a.Cut, bodiless(req, res):
	case res.StatusCode != http.StatusOK && res.Header.Get("Content-Type") != "application/problem+json":
		a.Malformed = fmt.Errorf("status %d of type %q", res.StatusCode, res.Header.Get("Content-Type"))
	case res.StatusCode == http.StatusOK && spoiled:
		if res.Header.Get("Content-Type") == "application/json" && !m.Desc.IsStreamingServer() && !json.Valid(a.Raw) {
			a.Malformed = errors.New("the body is no JSON")
		}
	default:
		a.Status = rest.ProblemStatus(res.StatusCode, a.Raw)
		a.read(m, res)
	}
	if a.Status == nil {
		a.Status = status.New(codes.OK, "")
	}
	return a, true
}

// bodiless says whether the status is all that HTTP lets an answer tell, that the
// server answered before any code of ours, or that the path was spoilt away and the
// root leads to the documentation.
func bodiless(req *http.Request, res *http.Response) bool {
	return req.Method == http.MethodHead || req.Method == http.MethodOptions || res.Header.Get("Location") == "/docs/" ||
		res.StatusCode == http.StatusNotModified || res.StatusCode == http.StatusRequestHeaderFieldsTooLarge
}

// read decodes the body of an answer that is no problem.
func (a *Answer) read(m Method, res *http.Response) {
	if res.StatusCode != http.StatusOK || m.Desc.IsStreamingServer() || res.Header.Get("Content-Type") != "application/json" {
		return
	}
	decoded := NewMessage(m.Desc.Output()).Interface()
	a.Malformed = protojson.Unmarshal(a.Raw, decoded)
	a.Messages = []proto.Message{decoded}
}

// unsendable says whether the client refused to write a request.
func unsendable(err error) bool {
	for _, why := range []string{"invalid header field", "invalid method", "invalid URL", "net/http: invalid", "malformed", "ContentLength="} {
		if strings.Contains(err.Error(), why) {
			return true
		}
	}
	return false
}
