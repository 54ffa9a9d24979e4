package rpc

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Authenticate answers who showed the token. auth.Verifier.Verify is one; the
// gateway's also knows API keys.
type Authenticate func(ctx context.Context, token string) (auth.Caller, error)

const authorization = "authorization"

var (
	errNoToken  = errs.Unauthenticated("TOKEN_MISSING", "send a token: authorization: Bearer …")
	errTwoToken = errs.Unauthenticated("TOKEN_INVALID", "send one token")
)

// identify answers a context that knows the caller and its scope.
func (s *Server) identify(ctx context.Context, method string) (context.Context, error) {
	if s.policy[method].Public() {
		return ctx, nil
	}
	token, err := bearer(ctx)
	if err != nil {
		return ctx, err
	}
	caller, err := s.authenticate(ctx, token)
	if err != nil {
		return ctx, err
	}
	seenFrom(ctx).caller = caller
	ctx = auth.With(ctx, caller)
	if err := s.checkProcess(ctx, caller, method); err != nil {
		return ctx, err
	}
	if !s.served()[method] { // passed on and judged by the policy there, or unknown
		return ctx, nil
	}
	scope, err := s.policy.Check(caller, method)
	return auth.WithScope(ctx, scope), err
}

func bearer(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, authorization)
	if len(values) == 0 {
		return "", errNoToken
	}
	if len(values) > 1 {
		return "", errTwoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}

func (s *Server) identifyUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := s.identify(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Server) identifyStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := s.identify(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	// What is passed on is counted where it is served, if it is a stream there: here
	// a unary call looks like one.
	if caller, ok := auth.FromOK(ctx); ok && s.served()[info.FullMethod] {
		holder := caller.Tenant.String() + "/" + caller.Subject
		if err := s.streams.enter(holder); err != nil {
			return err
		}
		defer s.streams.leave(holder)
	}
	ours := stream.(*serverStream) // answerStream made it
	ours.ctx = ctx
	return next(srv, ours)
}
