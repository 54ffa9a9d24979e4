package rest

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// answer sets the headers that an answer's message implies, and ends one that the
// caller has already.
func answer(ctx context.Context, w http.ResponseWriter, message proto.Message) error {
	if message == nil {
		return nil
	}
	p := preconditionsOf(ctx)
	if p.request == nil {
		return nil
	}
	m := message.ProtoReflect()
	if etag := text(m, "etag"); etag != "" && !includes(m) {
		quoted := `"` + etag + `"`
		w.Header().Set("ETag", quoted)
		if p.request.Method == http.MethodGet && matches(p.ifNoneMatch, quoted) {
			w.Header().Del("Content-Type")
			w.WriteHeader(http.StatusNotModified) // what is written after it goes nowhere
			return nil
		}
	}
	if next := text(m, "next_page_token"); next != "" && p.request.Method == http.MethodGet {
		w.Header().Set("Link", nextPage(p.request.URL, next))
	}
	if text(m, "secret") != "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	return nil
}

// includes says whether the answer holds more than the record, which its etag does not
// tell of.
func includes(m protoreflect.Message) bool {
	f := m.Descriptor().Fields().ByName("included")
	return f != nil && m.Has(f)
}

// text answers a field of that name; empty where the message has none.
func text(m protoreflect.Message, name protoreflect.Name) string {
	f := m.Descriptor().Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.Get(f).String()
}

// matches says whether If-None-Match names the etag.
func matches(header, etag string) bool {
	for _, given := range strings.Split(header, ",") {
		given = strings.TrimPrefix(strings.TrimSpace(given), "W/")
		if given == etag || given == "*" {
			return true
		}
	}
	return false
}

// nextPage is a Link (RFC 8288) to the next page of a list.
func nextPage(of *url.URL, token string) string {
	query := of.Query()
	query.Del("page_token")
	query.Set("pageToken", token)
	next := url.URL{Path: of.Path, RawPath: of.RawPath, RawQuery: query.Encode()}
	return "<" + next.String() + `>; rel="next"`
}

// onStreamError words the error that ends a stream after it has begun.
func onStreamError(_ context.Context, err error) *status.Status { return statusOf(err) }

// writeTimeout is how long a caller may take to read what was written.
const writeTimeout = 30 * time.Second

// pacedWriter gives each write its own time: a stream may last, a caller that
// does not read may not.
type pacedWriter struct {
	http.ResponseWriter
	until time.Time
}

// Write implements http.ResponseWriter.
func (w *pacedWriter) Write(b []byte) (int, error) {
	w.extend()
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer of the server.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// extend moves the deadline on, at most once a second.
func (w *pacedWriter) extend() {
	if now := time.Now(); w.until.Sub(now) < writeTimeout-time.Second {
		w.until = now.Add(writeTimeout)
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(w.until) // not every server has deadlines
	}
}
