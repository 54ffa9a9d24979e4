package fuzz

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/rest"
)

// The ways a request travels.
const (
	direct   = "gRPC"
	door     = "gRPC through the gateway"
	overREST = "REST"
)

// worker sends requests, one after the other, as one caller.
type worker struct {
	g         *Generator
	collector *collector
	judge     Judge
	methods   []Method
	// direct reaches each service itself, door the gateway.
	direct, door grpc.ClientConnInterface
	base, token  string
}

// rounds is how often each RPC that makes something is called before the run, so
// that what one needs of another comes to be.
const rounds = 6

// seed reads every list, makes resources of all kinds, and calls everything once.
func (w *worker) seed(ctx context.Context) {
	for round := range rounds {
		for _, m := range w.methods {
			makes := m.Resource() != nil && !m.Standard("Update") || m.Desc.IsStreamingClient()
			if makes || round == 0 && m.Standard("List") || round == rounds-1 {
				w.send(ctx, m, direct, w.requests(m, ""))
			}
		}
	}
}

// step sends one request, or a story of several.
func (w *worker) step(ctx context.Context) {
	m := w.methods[w.g.Rand.IntN(len(w.methods))]
	switch n := w.g.Rand.IntN(20); {
	case n < 1:
		w.story(ctx)
	case n < 7:
		w.send(ctx, m, w.way(m), w.requests(m, ""))
	case n < 13:
		requests := w.requests(m, "")
		w.g.Mutate(requests[w.g.Rand.IntN(len(requests))])
		w.send(ctx, m, w.way(m), requests)
	case n < 16:
		var payloads [][]byte
		for _, request := range w.requests(m, "") {
			payloads = append(payloads, w.g.SpoilWire(Wire(request)))
		}
		way := direct
		if offered(m) && w.g.chance(0.5) {
			way = door
		}
		w.sendBytes(ctx, m, way, payloads)
	default:
		w.spoiled(ctx, m)
	}
}

// way picks a way that the method is offered on.
func (w *worker) way(m Method) string {
	switch n := w.g.Rand.IntN(3); {
	case n == 0 && offered(m):
		return door
	case n == 1 && len(m.Bindings) > 0:
		return overREST
	default:
		return direct
	}
}

// offered says whether the gateway takes calls of the method's service.
func offered(m Method) bool { return m.Area == "platform" || !internal(m) }

// internal says whether the method's service is for our own processes: no RPC of it
// is offered over HTTP.
func internal(m Method) bool {
	siblings := m.Desc.Parent().(protoreflect.ServiceDescriptor).Methods()
	for i := range siblings.Len() {
		if len(newMethod(m.Area, siblings.Get(i)).Bindings) > 0 {
			return false
		}
	}
	return m.Desc.Parent().FullName() != operations
}

// requests makes the messages of one call: one, or those of a stream, of which the
// first takes the first choice of its oneof and the others the second.
func (w *worker) requests(m Method, resource string) []proto.Message {
	if !m.Desc.IsStreamingClient() {
		return []proto.Message{w.g.RequestAbout(m, resource)}
	}
	var all []proto.Message
	for i := range 1 + w.g.Rand.IntN(4) {
		request := w.g.Request(m)
		for range 20 {
			if hasNumber(request, protoreflect.FieldNumber(min(i, 1)+1)) {
				break
			}
			request = w.g.Request(m)
		}
		all = append(all, request)
	}
	return all
}

func hasNumber(m proto.Message, n protoreflect.FieldNumber) bool {
	f := m.ProtoReflect().Descriptor().Fields().ByNumber(n)
	return f != nil && m.ProtoReflect().Has(f)
}

// send sends messages on a way, judges the answer and learns from it.
func (w *worker) send(ctx context.Context, m Method, way string, requests []proto.Message) Answer {
	if way == overREST {
		req, err := rest.Request(ctx, w.base, m.Full, requests[0])
		if err == nil {
			return w.sendHTTP(ctx, m, req, false)
		}
		way = direct // what no JSON holds
	}
	payloads := make([][]byte, len(requests))
	for i, request := range requests {
		payloads[i] = Wire(request)
	}
	return w.sendBytes(ctx, m, way, payloads)
}

func (w *worker) sendBytes(ctx context.Context, m Method, way string, payloads [][]byte) Answer {
	conn := w.direct
	if way == door {
		conn = w.door
	}
	w.collector.sent.Add(1)
	a := CallGRPC(ctx, conn, m, payloads...)
	w.done(ctx, m, way, a, func() string { return describe(m, payloads) })
	if !hypothetical(m, payloads[0]) {
		w.learn(a)
	}
	return a
}

// describe shows payloads as text where they can be read, else as bytes.
func describe(m Method, payloads [][]byte) string {
	var b strings.Builder
	for _, p := range payloads {
		message := NewMessage(m.Desc.Input()).Interface()
		if err := proto.Unmarshal(p, message); err != nil {
			fmt.Fprintf(&b, "%x\n", p)
			continue
		}
		b.WriteString(prototextOf(message) + "\n")
	}
	return b.String()
}

func prototextOf(m proto.Message) string { return prototext.MarshalOptions{}.Format(m) }

func (w *worker) sendHTTP(ctx context.Context, m Method, req *http.Request, spoiled bool) Answer {
	if !req.URL.IsAbs() {
		return Answer{}
	}
	if req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body) // it is in memory
		body = bytes.ReplaceAll(body, []byte(notUTF8), []byte(badUTF8))
		setBody(req, body)
	}
	w.collector.sent.Add(1)
	a, sent := CallHTTP(ctx, m, req, spoiled)
	if sent {
		w.done(ctx, m, overREST, a, func() string {
			return fmt.Sprintf("%s %s %v\n%q", req.Method, req.URL, withoutToken(req.Header), body)
		})
	}
	return a
}

func withoutToken(h http.Header) http.Header {
	h = h.Clone()
	h.Del("Authorization")
	return h
}

// done judges an answer. What was cut off by the end of the run is no answer.
func (w *worker) done(ctx context.Context, m Method, way string, a Answer, input func() string) {
	if ctx.Err() != nil || a.Status == nil {
		return
	}
	judge := w.judge
	if internal(m) { // our own processes read what is of all tenants
		judge.Secrets = nil
	}
	wrong, shown := judge.Wrong(a), ""
	if wrong != "" {
		shown = input()
	}
	w.collector.note(m, way, shown, a, wrong)
}

// learn remembers what a success answered.
func (w *worker) learn(a Answer) {
	if a.Status != nil && a.Status.Code() == codes.OK {
		for _, message := range a.Messages {
			w.g.Pool.Learn(message)
		}
	}
}

// hypothetical says whether a call asked for what would be, and changed nothing.
func hypothetical(m Method, payload []byte) bool {
	request := NewMessage(m.Desc.Input())
	checks := request.Descriptor().Fields().ByName("validate_only")
	return checks != nil && proto.Unmarshal(payload, request.Interface()) == nil && request.Get(checks).Bool()
}

// spoiled sends a spoiled request over HTTP.
func (w *worker) spoiled(ctx context.Context, m Method) {
	for len(m.Bindings) == 0 {
		m = w.methods[w.g.Rand.IntN(len(w.methods))]
	}
	request := w.g.Request(m)
	if w.g.chance(0.3) {
		w.g.Mutate(request)
	}
	req, err := rest.Request(ctx, w.base, m.Full, request)
	if err != nil {
		return
	}
	w.g.SpoilHTTP(req)
	w.sendHTTP(ctx, m, req, true)
}
