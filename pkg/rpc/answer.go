package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// recovered makes an error of a panic.
func (s *Server) recovered(method string, cause any) error {
	panics.Add(1)
	s.counters.panics.Add(context.Background(), 1)
	return fmt.Errorf("panic in %s: %v\n%s", method, cause, debug.Stack())
}

// answerUnary is the outermost interceptor: whatever happens inside, the caller
// gets a status with a reason and nothing else.
func (s *Server) answerUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	started := time.Now()
	ctx, seen := withSeen(ctx)
	defer func() {
		if cause := recover(); cause != nil {
			err = s.recovered(info.FullMethod, cause)
		}
		if err == nil {
			err = checkSize(resp)
		}
		err = s.word(ctx, info.FullMethod, seen, started, err)
	}()
	return next(ctx, req)
}

func (s *Server) answerStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	started := time.Now()
	ctx, seen := withSeen(stream.Context())
	defer func() {
		if cause := recover(); cause != nil {
			err = s.recovered(info.FullMethod, cause)
		}
		err = s.word(ctx, info.FullMethod, seen, started, err)
	}()
	return next(srv, &serverStream{ServerStream: stream, ctx: ctx, server: s, method: info.FullMethod})
}

// checkSize refuses an answer that the transport would not send.
func checkSize(resp any) error {
	if m, ok := resp.(proto.Message); ok && proto.Size(m) > MaxResponse {
		return errs.Exhausted("RESPONSE_TOO_LARGE", "the answer is larger than 8 MiB: ask for less", 0)
	}
	return nil
}

// seen is what the inner interceptors learn and the log tells.
type seen struct {
	caller auth.Caller
	info   call.Info
}

type seenKey struct{}

func withSeen(ctx context.Context) (context.Context, *seen) {
	s := &seen{}
	return context.WithValue(ctx, seenKey{}, s), s
}

func seenFrom(ctx context.Context) *seen { return ctx.Value(seenKey{}).(*seen) }

// word makes the status that the caller gets, and tells the log why.
func (s *Server) word(ctx context.Context, method string, seen *seen, started time.Time, err error) error {
	if err == nil && !s.log.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	took := float64(time.Since(started).Microseconds()) / 1000
	attrs := []slog.Attr{slog.String("method", method), slog.Float64("took_ms", took), slog.String("subject", seen.caller.Subject),
		slog.String("tenant", seen.caller.Tenant.String()), slog.String("correlation", seen.info.Correlation)}
	if err == nil {
		s.log.LogAttrs(ctx, slog.LevelDebug, "answered", attrs...)
		return nil
	}
	st, mapped := errs.Status(err)
	if !mapped {
		unmapped.Add(1)
		s.counters.unmapped.Add(ctx, 1)
	}
	level := levelOf(st.Code())
	attrs = append(attrs, slog.String("code", st.Code().String()), slog.String("reason", errs.Reason(err)))
	if level == slog.LevelError || st.Code() == codes.Unauthenticated || st.Code() == codes.Unavailable {
		attrs = append(attrs, slog.String("cause", err.Error()))
	}
	s.log.LogAttrs(ctx, level, "refused", attrs...)
	return st.Err()
}

// levelOf answers how much an operator should care about an answer.
func levelOf(c codes.Code) slog.Level {
	switch c {
	case codes.Internal:
		return slog.LevelError
	case codes.Canceled:
		return slog.LevelDebug
	default:
		return slog.LevelInfo
	}
}
