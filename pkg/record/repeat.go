package record

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Repeats answers a repeated request as it was answered first, also where the call
// fails today before it reaches its transaction, because what it needs has changed
// since: a price that is gone, a contact that was merged (AIP-155; B24). Such a call
// costs one more round trip; one that succeeds costs none.
func Repeats(area string, db *postgres.DB) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		answer, err := next(ctx, req)
		if err == nil || !mayRepeat(err) {
			return answer, err
		}
		return kept(ctx, area, db, info.FullMethod, err)
	}
}

// mayRepeat reports whether an error may hide that the request was answered before:
// it says what is the matter with the request, and not that an answer was looked for.
func mayRepeat(err error) bool {
	switch errs.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.OutOfRange:
		reason := errs.Reason(err)
		return reason != errs.Reason(errKeyReused) && reason != errs.Reason(errErased)
	}
	return false
}

// kept answers what was kept for the request of a call that failed; the failure where
// nothing was, or where that cannot be told now.
func kept(ctx context.Context, area string, db *postgres.DB, method string, failure error) (any, error) {
	caller, known := auth.FromOK(ctx)
	if !known || caller.Tenant == auth.NoTenant {
		return nil, failure
	}
	r := requestOf(ctx, caller.Tenant)
	if !r.given() {
		return nil, failure
	}
	if err := r.lookAgain(ctx, db); err != nil || !r.found {
		return nil, failure
	}
	kind := call.AnswerOf(method)
	if kind == nil {
		return nil, failure
	}
	empty, err := protoregistry.GlobalTypes.FindMessageByName(kind.FullName())
	if err != nil {
		return nil, failure
	}
	answer := empty.New().Interface()
	if err := r.replayInto(answer); err != nil {
		return nil, err
	}
	if r.position != nil {
		call.SetPosition(ctx, eventlog.Token(area, *r.position))
	}
	return answer, nil
}
