package fuzz

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Judge says what is wrong with answers.
type Judge struct {
	// Secrets are texts of another tenant: no answer may hold one.
	Secrets []string
}

// Wrong says what no caller may get of this answer; empty where it is one that
// callers may get, whether they are glad of it or not.
func (j Judge) Wrong(a Answer) string {
	for _, secret := range j.Secrets {
		if bytes.Contains(a.Raw, []byte(secret)) || strings.Contains(a.Status.Message(), secret) {
			return "it holds what is another tenant's"
		}
	}
	switch {
	case a.Malformed != nil:
		return "it cannot be read: " + a.Malformed.Error()
	case a.Cut:
		return ""
	case a.HTTP == 500 || a.HTTP == 501 || a.HTTP == 502:
		return fmt.Sprintf("HTTP status %d", a.HTTP)
	case a.Status.Code() == codes.OK:
		return ""
	}
	return wrongStatus(a.Status, a.HTTP, a.Optional)
}

var reason = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,62}$`)

// httpOf are the statuses of reasons that their code does not tell.
var httpOf = map[string]int{
	"METHOD_NOT_ALLOWED": 405, "HEADERS_TOO_LARGE": 431, "REQUEST_TOO_LARGE": 413, "MEDIA_TYPE_UNSUPPORTED": 415,
}

// wrongStatus judges an error.
func wrongStatus(st *status.Status, http int, optional bool) string {
	info, details := detailsOf(st)
	switch code := st.Code(); {
	case code == codes.Internal, code == codes.Unknown, code == codes.DataLoss:
		return "code " + code.String()
	case code == codes.Unimplemented && info.GetReason() != "METHOD_NOT_ALLOWED" && !optional:
		return "an RPC that is offered is not there"
	case code == codes.DeadlineExceeded:
		return "it took longer than its deadline"
	case details.infos != 1:
		return fmt.Sprintf("%d ErrorInfo", details.infos)
	case info.GetDomain() != errs.Domain || !reason.MatchString(info.GetReason()):
		return fmt.Sprintf("ErrorInfo{reason %q, domain %q}", info.GetReason(), info.GetDomain())
	case info.GetReason() == "SERVICE_UNAVAILABLE" || info.GetReason() == "STORAGE_UNAVAILABLE":
		return "a part of the system is not there"
	case code == codes.InvalidArgument && details.violations == 0 && info.GetReason() != "MALFORMED_MESSAGE":
		return "INVALID_ARGUMENT that names no field"
	case code == codes.FailedPrecondition && details.preconditions == 0:
		return "FAILED_PRECONDITION without a PreconditionFailure"
	case code == codes.Unavailable && !details.retry:
		return "UNAVAILABLE without RetryInfo"
	}
	if http != 0 {
		want := runtime.HTTPStatusFromCode(st.Code())
		if own, ok := httpOf[info.GetReason()]; ok {
			want = own
		}
		if http != want {
			return fmt.Sprintf("HTTP status %d for %s %s", http, st.Code(), info.GetReason())
		}
	}
	return leaks(details.texts)
}

// told is what the details of an error hold.
type told struct {
	infos, violations, preconditions int
	retry                            bool
	field                            string
	texts                            []string
}

func detailsOf(st *status.Status) (*errdetails.ErrorInfo, told) {
	t := told{texts: []string{st.Message()}}
	var info *errdetails.ErrorInfo
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			info, t.infos = d, t.infos+1
			for _, v := range d.GetMetadata() {
				t.texts = append(t.texts, v)
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				if t.violations++; t.field == "" {
					t.field = v.GetField()
				}
				t.texts = append(t.texts, v.GetDescription())
			}
		case *errdetails.PreconditionFailure:
			t.preconditions = len(d.GetViolations())
		case *errdetails.RetryInfo:
			t.retry = true
		}
	}
	return info, t
}

// insides are what the inside of a service looks like when it shows in a text.
var insides = regexp.MustCompile(`(?i)sqlstate|pgx|pgconn|\bpq:|syntax error at|\.go:\d|goroutine \d|runtime error|panic|nil pointer|` +
	`127\.0\.0\.1|localhost|/tmp/|dial tcp|\bnats:|rpc error|proto:|relation "|duplicate key|violates .* constraint|unmarshal|json:|strconv\.|reflect\.|\*errors\.`)

func leaks(texts []string) string {
	for _, text := range texts {
		if found := insides.FindString(text); found != "" {
			return fmt.Sprintf("a text shows the inside of the service: %q in %.200q", found, text)
		}
		if !utf8.ValidString(text) || len(text) > 2000 {
			return "a text is not fit to be shown"
		}
	}
	return ""
}
