package errs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Code answers the gRPC code of an error: of an *Error, of a status from another
// hop, of an ended context; Unknown of anything else and OK of nil.
func Code(err error) codes.Code {
	if err == nil {
		return codes.OK
	}
	var hop interface{ GRPCStatus() *status.Status }
	if errors.As(err, &hop) {
		return hop.GRPCStatus().Code()
	}
	if st, ok := Status(err); ok {
		return st.Code()
	}
	return codes.Unknown
}

// Reason answers the reason of an error, or "" where it has none. It works on
// both sides of a call.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	st, ok := Status(err)
	if !ok {
		return ""
	}
	if info := infoOf(st); info != nil {
		return info.GetReason()
	}
	return ""
}

// FieldViolations answers what is wrong with the input, on both sides of a call.
func FieldViolations(err error) []Violation {
	st, ok := Status(err)
	if !ok {
		return nil
	}
	var violations []Violation
	for _, d := range st.Details() {
		bad, ok := d.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for _, v := range bad.GetFieldViolations() {
			violations = append(violations, Violation{Field: v.GetField(), Reason: v.GetReason(), Description: v.GetDescription()})
		}
	}
	return violations
}

// Status answers what a caller is to see of an error, and whether the error says
// so itself. Where it answers false the error is one that nobody mapped, and the
// status reads "internal error".
//
// A status from another hop that carries our ErrorInfo is kept as it is. One
// that the transport made is given a reason, and loses its text, which may name
// addresses.
func Status(err error) (*status.Status, bool) {
	var own *Error
	if errors.As(err, &own) {
		return own.GRPCStatus(), true
	}
	var hop interface{ GRPCStatus() *status.Status }
	if errors.As(err, &hop) {
		return fromHop(hop.GRPCStatus())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return deadline.GRPCStatus(), true
	}
	if errors.Is(err, context.Canceled) {
		return canceled.GRPCStatus(), true
	}
	return Internal(err).GRPCStatus(), false
}

var (
	deadline    = New(codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "the call took longer than its deadline")
	canceled    = New(codes.Canceled, "CANCELED", "the caller canceled the call")
	unavailable = Unavailable("SERVICE_UNAVAILABLE", "a service that is needed cannot be reached", time.Second)
	overloaded  = Exhausted("RESOURCE_EXHAUSTED", "a limit was reached", 0)
	missing     = New(codes.Unimplemented, "METHOD_UNKNOWN", "this method does not exist here")
)

// fromHop keeps a status that says why, and words the ones of the transport.
func fromHop(st *status.Status) (*status.Status, bool) {
	if infoOf(st) != nil {
		return st, true
	}
	switch st.Code() {
	case codes.DeadlineExceeded:
		return deadline.GRPCStatus(), true
	case codes.Canceled:
		return canceled.GRPCStatus(), true
	case codes.Unavailable:
		return unavailable.GRPCStatus(), true
	case codes.ResourceExhausted:
		return overloaded.GRPCStatus(), true
	case codes.Unimplemented:
		return missing.GRPCStatus(), true
	default:
		return Internal(st.Err()).GRPCStatus(), false
	}
}

func infoOf(st *status.Status) *errdetails.ErrorInfo {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// badRequest words the violations, and notes in info how many there are where
// not all are told.
func badRequest(violations []Violation, info *errdetails.ErrorInfo) *errdetails.BadRequest {
	if len(violations) > MaxViolations {
		if info.Metadata == nil {
			info.Metadata = map[string]string{}
		}
		info.Metadata["violations"] = strconv.Itoa(len(violations))
		violations = violations[:MaxViolations]
	}
	bad := &errdetails.BadRequest{}
	for _, v := range violations {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: v.Field, Reason: v.Reason, Description: v.Description,
		})
	}
	return bad
}
