// Package errs gives every error of Lingkar the code, the reason and the
// details that a caller sees (AIP-193), at the place where the error is known.
//
// An *Error carries a gRPC code, one ErrorInfo with a reason in UPPER_SNAKE,
// and where they apply a BadRequest with at most 50 violations, a
// PreconditionFailure or a RetryInfo. It keeps its cause for the log, and never
// tells it. Values that a caller sent are not echoed: messages and descriptions
// name fields and rules. Errors are values: With and Wrap answer a copy, so a
// package variable can be shared.
//
// Reason and Code also read errors that arrived from another service, which
// keep what they carry over any number of hops.
package errs

import (
	"maps"
	"regexp"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the domain of every ErrorInfo of ours.
const Domain = "lingkar"

// MaxViolations is how many violations an error tells. What is over is counted
// in the metadata key "violations".
const MaxViolations = 50

// MaxFieldBytes is how long the path of a field is told. A longer one, which the
// keys of maps make, ends in "…".
const MaxFieldBytes = 256

// FieldInvalid is the reason of an input error that has no reason of its own.
const FieldInvalid = "FIELD_INVALID"

// Error is an error with a code and a reason. Make one by the functions of this
// package.
type Error struct {
	code       codes.Code
	reason     string
	message    string
	metadata   map[string]string
	violations []Violation
	retry      time.Duration
	quota      bool
	cause      error
}

// Violation tells one thing that is wrong with the input.
type Violation struct {
	// Field is the path in the request, such as "contact.identifiers[2].value".
	Field string
	// Reason is in UPPER_SNAKE; empty stands for FIELD_INVALID.
	Reason string
	// Description says what is wrong in one sentence, without the value.
	Description string
}

// New makes an error of any code. Prefer the functions named after what
// happened.
func New(code codes.Code, reason, message string) *Error {
	return &Error{code: code, reason: reason, message: message}
}

// Invalid says that one field of the input is wrong. An empty reason stands for
// FIELD_INVALID.
func Invalid(field, reason, description string) *Error {
	return InvalidAll(Violation{Field: field, Reason: reason, Description: description})
}

// InvalidAll says all that is wrong with the input at once. Its reason is that
// of the violations where they agree, else FIELD_INVALID. Use Check where there
// may be none.
func InvalidAll(violations ...Violation) *Error {
	e := New(codes.InvalidArgument, FieldInvalid, "the request is not valid")
	for i, v := range violations {
		if v.Reason == "" {
			v.Reason = FieldInvalid
		}
		v.Field = shortened(v.Field)
		e.violations = append(e.violations, v)
		switch {
		case i == 0:
			e.reason = v.Reason
		case e.reason != v.Reason:
			e.reason = FieldInvalid
		}
	}
	if len(e.violations) == 1 && e.violations[0].Field != "" {
		e.message = e.violations[0].Field + ": " + e.violations[0].Description
	}
	return e
}

func shortened(field string) string {
	if len(field) <= MaxFieldBytes {
		return field
	}
	return strings.ToValidUTF8(field[:MaxFieldBytes], "") + "…"
}

// Check answers InvalidAll of the violations, or nil where there are none.
func Check(violations []Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return InvalidAll(violations...)
}

// resourceName is what may be told back: it cannot hold anything personal.
var resourceName = regexp.MustCompile(`^[a-z][A-Za-z]{0,40}/[0-9A-Za-z-]{1,64}$`)

// NotFound says that a resource does not exist, or that the caller may not know
// that it does: both read the same. The kind is in words, such as "contact" or
// "price list", and makes the reason PRICE_LIST_NOT_FOUND.
func NotFound(kind, name string) *Error {
	reason := strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_").Replace(kind)) + "_NOT_FOUND"
	e := New(codes.NotFound, reason, "the "+kind+" does not exist or is not visible to you")
	if resourceName.MatchString(name) {
		return e.With("resource", name)
	}
	return e
}

// AlreadyExists says that something that must be unique is taken. The metadata
// are keys and values in turn.
func AlreadyExists(reason, message string, metadata ...string) *Error {
	e := New(codes.AlreadyExists, reason, message)
	for i := 0; i+1 < len(metadata); i += 2 {
		e = e.With(metadata[i], metadata[i+1])
	}
	return e
}

// Refused says that the state of a resource does not allow what was asked.
func Refused(reason, message string) *Error {
	return New(codes.FailedPrecondition, reason, message)
}

// Aborted says that another change came between: read again and retry.
func Aborted(reason, message string) *Error { return New(codes.Aborted, reason, message) }

// Denied says that the caller's role does not allow the call.
func Denied(reason, message string) *Error { return New(codes.PermissionDenied, reason, message) }

// Unauthenticated says that the caller did not prove who it is.
func Unauthenticated(reason, message string) *Error {
	return New(codes.Unauthenticated, reason, message)
}

// Exhausted says that a quota, a size or the capacity is used up. A retry of 0
// says that waiting does not help.
func Exhausted(reason, message string, retry time.Duration) *Error {
	e := New(codes.ResourceExhausted, reason, message)
	e.retry = retry
	return e
}

// Quota says that a caller's share is used up, of which the metadata say whose it
// is, and when to come back.
func Quota(reason, message string, retry time.Duration) *Error {
	e := Exhausted(reason, message, retry)
	e.quota = true
	return e
}

// Unavailable says that the call may succeed after the given time.
func Unavailable(reason, message string, retry time.Duration) *Error {
	e := New(codes.Unavailable, reason, message)
	e.retry = retry
	return e
}

// OutOfRange says that the input is beyond what there is, such as a time before
// the log begins.
func OutOfRange(reason, message string) *Error { return New(codes.OutOfRange, reason, message) }

// Internal hides a cause that no caller can do anything about. The cause goes
// to the log.
func Internal(cause error) *Error {
	return New(codes.Internal, "INTERNAL", "internal error").Wrap(cause)
}

// With answers a copy that has one more entry of metadata. Keys are in
// lowerCamel or snake; values must not be personal.
func (e *Error) With(key, value string) *Error {
	c := *e
	c.metadata = maps.Clone(e.metadata)
	if c.metadata == nil {
		c.metadata = map[string]string{}
	}
	c.metadata[key] = value
	return &c
}

// Wrap answers a copy that keeps the cause for the log and for errors.Is.
func (e *Error) Wrap(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Error is for logs: it tells the cause too.
func (e *Error) Error() string {
	text := e.reason + ": " + e.message
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap answers the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is says whether target is an *Error of the same code and reason, so that
// copies made by With and Wrap still match their original.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.code == e.code && t.reason == e.reason
}

// Violations answers what is wrong with the input, all of it.
func (e *Error) Violations() []Violation { return e.violations }

// GRPCStatus is what the caller gets.
func (e *Error) GRPCStatus() *status.Status {
	st, err := status.New(e.code, e.message).WithDetails(e.details()...)
	if err != nil {
		return status.New(e.code, e.message)
	}
	return st
}

func (e *Error) details() []protoadapt.MessageV1 {
	info := &errdetails.ErrorInfo{Reason: e.reason, Domain: Domain, Metadata: maps.Clone(e.metadata)}
	details := []protoadapt.MessageV1{info}
	if len(e.violations) > 0 {
		details = append(details, badRequest(e.violations, info))
	}
	if e.code == codes.FailedPrecondition {
		details = append(details, &errdetails.PreconditionFailure{
			Violations: []*errdetails.PreconditionFailure_Violation{{
				Type: e.reason, Subject: e.metadata["resource"], Description: e.message,
			}},
		})
	}
	if e.quota {
		details = append(details, &errdetails.QuotaFailure{
			Violations: []*errdetails.QuotaFailure_Violation{{Subject: "tenants/" + e.metadata["tenant"], Description: e.message}},
		})
	}
	if e.retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(e.retry)})
	}
	return details
}
