package rest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/sse"
)

// resumes are the fields that tell where a stream goes on: of an answer its id, and of a
// request what a reader that comes back shows as Last-Event-ID.
var resumes = []protoreflect.Name{"sync_token", "cursor"}

// eventStream words the answers of a stream as server-sent events, for callers that
// accept nothing else. Any other answer is JSON.
type eventStream struct{ runtime.Marshaler }

// StreamContentType implements runtime.StreamContentType.
func (eventStream) StreamContentType(any) string { return sse.MediaType }

// Delimiter implements runtime.Delimited: an event ends itself.
func (eventStream) Delimiter() []byte { return nil }

// Marshal implements runtime.Marshaler. The answers of a stream come one by one in a
// map, as "result", or at the end "error".
func (e eventStream) Marshal(v any) ([]byte, error) {
	switch chunk := v.(type) {
	case map[string]any:
		answer, _ := chunk["result"].(proto.Message)
		if answer == nil {
			break
		}
		data, err := e.Marshaler.Marshal(answer)
		return sse.Event(resumeOf(answer.ProtoReflect()), "", data), err
	case map[string]proto.Message:
		data, err := e.Marshaler.Marshal(chunk["error"])
		return sse.Event("", "error", data), err
	}
	return e.Marshaler.Marshal(v)
}

func resumeOf(answer protoreflect.Message) string {
	for _, name := range resumes {
		if fd := answer.Descriptor().Fields().ByName(name); fd != nil && fd.Kind() == protoreflect.StringKind {
			return answer.Get(fd).String()
		}
	}
	return ""
}

// resumed lets a stream go on after the event that the reader saw last, unless the
// request says itself where.
func resumed(r *http.Request, found *rule) *http.Request {
	last := r.Header.Get("Last-Event-ID")
	if last == "" || !found.method.IsStreamingServer() || !strings.HasPrefix(r.Header.Get("Accept"), sse.MediaType) {
		return r
	}
	for _, name := range resumes {
		fd := found.method.Input().Fields().ByName(name)
		if fd == nil || r.URL.Query().Has(fd.JSONName()) || r.URL.Query().Has(string(name)) {
			continue
		}
		again := *r.URL
		again.RawQuery = strings.TrimPrefix(again.RawQuery+"&"+url.Values{fd.JSONName(): {last}}.Encode(), "&")
		r = r.Clone(r.Context())
		r.URL = &again
		r.Form = nil
	}
	return r
}
