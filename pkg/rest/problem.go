package rest

import (
	"encoding/json"
	"fmt"
	"net/http"

	// The details of errors are decoded by their registered types.
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
)

// problem is what the gateway answers instead of a result (RFC 9457).
type problem struct {
	Status  int
	Code    string
	Detail  string
	Details []json.RawMessage
}

// ProblemStatus answers the gRPC status that an HTTP answer of the gateway carries:
// OK for 200, else that of its problem document.
func ProblemStatus(httpStatus int, body []byte) *status.Status {
	if httpStatus == http.StatusOK {
		return status.New(codes.OK, "")
	}
	return problemStatus(httpStatus, body)
}

// problemStatus rebuilds the gRPC status of a problem document. Anything else
// that is no success becomes UNKNOWN and shows its beginning.
func problemStatus(httpStatus int, body []byte) *status.Status {
	var p problem
	var code codes.Code
	err := json.Unmarshal(body, &p)
	if err == nil {
		err = code.UnmarshalJSON([]byte(fmt.Sprintf("%q", p.Code)))
	}
	if err != nil || p.Status != httpStatus {
		return status.Newf(codes.Unknown, "%d %s without a problem document: %.300s", httpStatus, http.StatusText(httpStatus), body)
	}
	st := &spb.Status{Code: int32(code), Message: p.Detail}
	for _, raw := range p.Details {
		var detail anypb.Any
		if err := protojson.Unmarshal(raw, &detail); err != nil {
			return status.Newf(codes.Unknown, "unreadable detail %.300s: %v", raw, err)
		}
		st.Details = append(st.Details, &detail)
	}
	return status.FromProto(st)
}
