package errs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// hop takes an error over the wire, as the next service gets it.
func hop(t *testing.T, err error) error {
	t.Helper()
	st, _ := errs.Status(err)
	b, failed := proto.Marshal(st.Proto())
	if failed != nil {
		t.Fatal(failed)
	}
	var got statuspb.Status
	if failed := proto.Unmarshal(b, &got); failed != nil {
		t.Fatal(failed)
	}
	return status.ErrorProto(&got)
}

func details[T any](t *testing.T, err error) []T {
	t.Helper()
	st, _ := errs.Status(err)
	var found []T
	for _, d := range st.Details() {
		if x, ok := d.(T); ok {
			found = append(found, x)
		}
	}
	return found
}

func TestError_keepsCodeAndReasonOverHops(t *testing.T) {
	t.Parallel()
	cause := errors.New("secret cause")
	for _, c := range []struct {
		err    error
		code   codes.Code
		reason string
	}{
		{errs.Invalid("lead.name", "", "must not be empty"), codes.InvalidArgument, "FIELD_INVALID"},
		{errs.Invalid("price", "MONEY_INVALID", "must be finite"), codes.InvalidArgument, "MONEY_INVALID"},
		{errs.NotFound("price list", "priceLists/1"), codes.NotFound, "PRICE_LIST_NOT_FOUND"},
		{errs.AlreadyExists("CARD_TAKEN", "the card is taken", "holder", "contacts/1"), codes.AlreadyExists, "CARD_TAKEN"},
		{errs.Refused("CLOSED", "it is closed"), codes.FailedPrecondition, "CLOSED"},
		{errs.Aborted("ETAG_MISMATCH", "it changed"), codes.Aborted, "ETAG_MISMATCH"},
		{errs.Denied("RPC_NOT_ALLOWED", "no"), codes.PermissionDenied, "RPC_NOT_ALLOWED"},
		{errs.Unauthenticated("TOKEN_INVALID", "no"), codes.Unauthenticated, "TOKEN_INVALID"},
		{errs.Exhausted("OVERLOADED", "later", time.Second), codes.ResourceExhausted, "OVERLOADED"},
		{errs.Unavailable("STORAGE_UNAVAILABLE", "later", time.Second), codes.Unavailable, "STORAGE_UNAVAILABLE"},
		{errs.OutOfRange("LOG_TRIMMED", "too early"), codes.OutOfRange, "LOG_TRIMMED"},
		{errs.Internal(cause), codes.Internal, "INTERNAL"},
		{fmt.Errorf("while at it: %w", errs.Refused("CLOSED", "it is closed").Wrap(cause)), codes.FailedPrecondition, "CLOSED"},
		{context.DeadlineExceeded, codes.DeadlineExceeded, "DEADLINE_EXCEEDED"},
		{fmt.Errorf("query: %w", context.Canceled), codes.Canceled, "CANCELED"},
	} {
		err := c.err
		for range 3 {
			if errs.Code(err) != c.code || errs.Reason(err) != c.reason {
				t.Errorf("%v: got %v %q, want %v %q", c.err, errs.Code(err), errs.Reason(err), c.code, c.reason)
			}
			if infos := details[*errdetails.ErrorInfo](t, err); len(infos) != 1 || infos[0].GetDomain() != "lingkar" {
				t.Errorf("%v: got the infos %v, want one of our domain", c.err, infos)
			}
			err = hop(t, err)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the cause is told: %v", err)
		}
	}
}

func TestStatus_wordsTheTransport(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]struct {
		reason string
		mapped bool
	}{
		codes.Unavailable:       {"SERVICE_UNAVAILABLE", true},
		codes.DeadlineExceeded:  {"DEADLINE_EXCEEDED", true},
		codes.Canceled:          {"CANCELED", true},
		codes.ResourceExhausted: {"RESOURCE_EXHAUSTED", true},
		codes.Unimplemented:     {"METHOD_UNKNOWN", true},
		codes.Unknown:           {"INTERNAL", false},
		codes.Internal:          {"INTERNAL", false},
	} {
		st, mapped := errs.Status(status.Error(code, "dial tcp 10.0.0.7:5432"))
		if errs.Reason(st.Err()) != want.reason || mapped != want.mapped {
			t.Errorf("%v: got %q, %v", code, errs.Reason(st.Err()), mapped)
		}
		if strings.Contains(st.Message(), "10.0.0.7") {
			t.Errorf("%v: an address is told: %s", code, st.Message())
		}
	}
	if code := errs.Code(status.Error(codes.NotFound, "")); code != codes.NotFound {
		t.Errorf("a status without a reason has the code %v", code)
	}
	if st, mapped := errs.Status(errors.New("boom")); mapped || st.Code() != codes.Internal || st.Message() != "internal error" {
		t.Errorf("an unknown error reads %v, %v", st, mapped)
	}
	if errs.Code(errors.New("boom")) != codes.Unknown || errs.Reason(errors.New("boom")) != "" || errs.Code(nil) != codes.OK {
		t.Error("an error without a code has one")
	}
}

func TestInvalidAll(t *testing.T) {
	t.Parallel()
	if err := errs.Check(nil); err != nil {
		t.Errorf("no violations give %v", err)
	}
	same := errs.Check([]errs.Violation{{Field: "a", Reason: "INVALID_TEXT"}, {Field: "b", Reason: "INVALID_TEXT"}})
	mixed := errs.Check([]errs.Violation{{Field: "a", Reason: "INVALID_TEXT"}, {Field: "b"}})
	if errs.Reason(same) != "INVALID_TEXT" || errs.Reason(mixed) != "FIELD_INVALID" {
		t.Errorf("got %q and %q", errs.Reason(same), errs.Reason(mixed))
	}
	if got := errs.FieldViolations(hop(t, mixed)); len(got) != 2 || got[0].Reason != "INVALID_TEXT" || got[1].Reason != "FIELD_INVALID" || got[1].Field != "b" {
		t.Errorf("got %v", got)
	}

	many := errs.InvalidAll(make([]errs.Violation, 120)...)
	bad := details[*errdetails.BadRequest](t, many)
	if len(bad) != 1 || len(bad[0].GetFieldViolations()) != errs.MaxViolations {
		t.Fatalf("got %d violations, want %d", len(bad[0].GetFieldViolations()), errs.MaxViolations)
	}
	if n := details[*errdetails.ErrorInfo](t, many)[0].GetMetadata()["violations"]; n != "120" {
		t.Errorf("the metadata tells %q of 120", n)
	}
}

// The key of a map is in the path of what is wrong with its value, and may be as
// long as a request.
func TestInvalid_shortensLongPaths(t *testing.T) {
	t.Parallel()
	status := hop(t, errs.Invalid(`lead.external_ids["`+strings.Repeat("é", 100_000)+`"]`, "", "is too long"))
	v := errs.FieldViolations(status)
	if len(v) != 1 || len(v[0].Field) > errs.MaxFieldBytes+len("…") || !utf8.ValidString(v[0].Field) || !strings.HasSuffix(v[0].Field, "…") {
		t.Errorf("got %d violations, the first of %q", len(v), v[0].Field)
	}
	if len(status.Error()) > 2*errs.MaxFieldBytes {
		t.Errorf("a message of %d bytes", len(status.Error()))
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	refused := errs.Refused("CLOSED", "it is closed").With("resource", "opportunities/1")
	if f := details[*errdetails.PreconditionFailure](t, refused); len(f) != 1 || f[0].GetViolations()[0].GetType() != "CLOSED" || f[0].GetViolations()[0].GetSubject() != "opportunities/1" {
		t.Errorf("got %v", f)
	}
	if r := details[*errdetails.RetryInfo](t, errs.Exhausted("X", "x", time.Second)); len(r) != 1 || r[0].GetRetryDelay().AsDuration() != time.Second {
		t.Errorf("got %v", r)
	}
	if r := details[*errdetails.RetryInfo](t, errs.Exhausted("X", "x", 0)); len(r) != 0 {
		t.Errorf("an error that waiting does not help says %v", r)
	}
}

func TestNotFound_echoesNamesAlone(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{
		"contacts/0193f7a2-0000-7000-8000-000000000000": true,
		"contacts/ann@example.com":                      false,
		"Ann Example":                                   false,
		"contacts/" + strings.Repeat("x", 65):           false,
	} {
		err := errs.NotFound("contact", name)
		_, has := details[*errdetails.ErrorInfo](t, err)[0].GetMetadata()["resource"]
		if has != told || strings.Contains(err.GRPCStatus().Message(), name) {
			t.Errorf("%q: told %v, want %v: %s", name, has, told, err.GRPCStatus().Message())
		}
	}
}

func TestError_isAValue(t *testing.T) {
	t.Parallel()
	shared := errs.Refused("CLOSED", "it is closed").With("a", "1")
	cause := errors.New("cause")
	changed := shared.With("b", "2").Wrap(cause)
	if !errors.Is(changed, shared) || !errors.Is(changed, cause) || errors.Is(changed, errs.Refused("OPEN", "")) {
		t.Error("a copy does not match its original and its cause alone")
	}
	if m := details[*errdetails.ErrorInfo](t, shared)[0].GetMetadata(); len(m) != 1 {
		t.Errorf("the original changed: %v", m)
	}
}
