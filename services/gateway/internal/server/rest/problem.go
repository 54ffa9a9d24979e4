package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// problem is an error as RFC 9457 writes it, with what gRPC tells beside it.
type problem struct {
	Type          string            `json:"type"`
	Title         string            `json:"title"`
	Status        int               `json:"status"`
	Detail        string            `json:"detail"`
	Code          string            `json:"code"`
	Reason        string            `json:"reason"`
	Violations    []violation       `json:"violations,omitempty"`
	CorrelationID string            `json:"correlationId"`
	Details       []json.RawMessage `json:"details,omitempty"`
}

type violation struct {
	Field       string `json:"field"`
	Reason      string `json:"reason"`
	Description string `json:"description"`
}

// problemType begins the type of every problem; the reason follows.
const problemType = "urn:lingkar:problem:"

// Errors of the door itself.
var (
	errRoute     = errs.New(codes.NotFound, "ROUTE_UNKNOWN", "there is nothing at this path")
	errVerb      = errs.New(codes.Unimplemented, "METHOD_NOT_ALLOWED", "this path does not take this method")
	errPath      = errs.Invalid("", "PATH_INVALID", "the path has an empty part, a dot part, an escaped separator or text that is not UTF-8")
	errHeaders   = errs.Exhausted("HEADERS_TOO_LARGE", "the request has too many headers", 0)
	errBodyLimit = errs.Exhausted("REQUEST_TOO_LARGE", "the body is larger than 1 MiB", 0)
	errMedia     = errs.Invalid("", "MEDIA_TYPE_UNSUPPORTED", "the body must be application/json, and not compressed")
	errBodyRead  = errs.Invalid("", "BODY_UNREADABLE", "the body ended too early or came too slowly")
	errUnread    = errs.Invalid("", "", "the request cannot be read")
)

// httpStatuses are those that the gRPC code does not tell.
var httpStatuses = map[string]int{
	"METHOD_NOT_ALLOWED":     http.StatusMethodNotAllowed,
	"HEADERS_TOO_LARGE":      http.StatusRequestHeaderFieldsTooLarge,
	"REQUEST_TOO_LARGE":      http.StatusRequestEntityTooLarge,
	"MEDIA_TYPE_UNSUPPORTED": http.StatusUnsupportedMediaType,
}

// statusOf answers what a caller is to see of an error. grpc-gateway words its
// own errors, which may repeat values of the caller's; their text is dropped.
func statusOf(err error) *status.Status {
	var routing *runtime.HTTPStatusError
	if errors.As(err, &routing) {
		err = errPath
	}
	if st, ok := status.FromError(err); ok && st.Code() == codes.InvalidArgument && len(st.Details()) == 0 {
		err = errUnread
	}
	st, _ := errs.Status(err)
	return st
}

// refuse answers the problem that stands for an error.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	drain(w, r)
	st := statusOf(err)
	p := describe(st, call.From(r.Context()).Correlation)
	h := w.Header()
	for _, name := range []string{"Etag", "Link", "Trailer", "Transfer-Encoding", "Content-Length"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if st.Code() == codes.Unauthenticated {
		h.Set("WWW-Authenticate", `Bearer realm="lingkar"`)
	}
	if wait := retryAfter(st); wait > 0 {
		h.Set("Retry-After", strconv.Itoa(wait))
	}
	level := slog.LevelDebug
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	d.Logger.Log(r.Context(), level, "refused over HTTP", "method", r.Method, "status", p.Status,
		"reason", p.Reason, "correlation", p.CorrelationID, "cause", err.Error())
	w.WriteHeader(p.Status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p) // fails only when the caller is gone
}

func describe(st *status.Status, correlation string) problem {
	reason := errs.Reason(st.Err())
	p := problem{
		Type: problemType + reason, Title: titleOf(st.Code()), Status: runtime.HTTPStatusFromCode(st.Code()),
		Detail: st.Message(), Code: code.Code_name[int32(st.Code())], Reason: reason, CorrelationID: correlation,
	}
	if known, ok := httpStatuses[reason]; ok {
		p.Status = known
	}
	for _, v := range errs.FieldViolations(st.Err()) {
		p.Violations = append(p.Violations, violation(v))
	}
	for _, detail := range st.Proto().GetDetails() {
		if raw, err := protojson.Marshal(detail); err == nil { // a detail of another kind stays behind
			p.Details = append(p.Details, raw)
		}
	}
	return p
}

// titleOf words a code: "Invalid argument".
func titleOf(c codes.Code) string {
	words := strings.ToLower(strings.ReplaceAll(code.Code_name[int32(c)], "_", " "))
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}

// retryAfter answers the seconds to wait, rounded up; 0 where waiting does not
// help.
func retryAfter(st *status.Status) int {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return int(math.Ceil(info.GetRetryDelay().AsDuration().Seconds()))
		}
	}
	return 0
}

// onError is what grpc-gateway calls with the error of an RPC.
func (d *door) onError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if md, ok := runtime.ServerMetadataFromContext(ctx); ok {
		for _, position := range md.HeaderMD.Get(call.PositionHeader) {
			w.Header().Set(positionHeader, position)
		}
	}
	d.refuse(w, r, err)
}

// onRouting is what grpc-gateway calls where no RPC has the path or the method.
func (d *door) onRouting(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpStatus int) {
	switch httpStatus {
	case http.StatusMethodNotAllowed:
		d.refuse(w, r, errVerb)
	case http.StatusNotFound:
		d.refuse(w, r, errRoute)
	default:
		d.refuse(w, r, errPath)
	}
}
