package rpc

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/admission"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// defaultDeadline is how long a call may take whose caller set no limit.
	defaultDeadline = 5 * time.Second
	// longestDeadline is the most that a caller can ask for.
	longestDeadline = 30 * time.Second
	// streamsPerCaller is how many streams one subject may hold open.
	streamsPerCaller = 64
)

var errStreams = errs.Exhausted("TOO_MANY_STREAMS", "you hold too many streams open", 5*time.Second)

// boundUnary bounds the time of a call.
func (s *Server) boundUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	return next(ctx, req)
}

// admitUnary bounds the number of calls at work, once the caller is known and before
// anything is done for it. Health is exempt: a service under load is not a dead one.
func (s *Server) admitUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	caller, ok := auth.FromOK(ctx)
	if !ok {
		return next(ctx, req)
	}
	class := admission.ClassOf(caller, info.FullMethod)
	if err := s.places.Enter(ctx, class, caller.Tenant); err != nil {
		if errors.Is(err, admission.ErrOverloaded) {
			s.counters.overloads.Add(ctx, 1, metric.WithAttributes(attribute.String("class", class.String())))
		}
		return nil, err
	}
	defer s.places.Leave(caller.Tenant)
	return next(ctx, req)
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	switch {
	case !ok:
		return context.WithTimeout(ctx, defaultDeadline)
	case time.Until(end) > longestDeadline:
		return context.WithTimeout(ctx, longestDeadline)
	default:
		return ctx, func() {} // it ends with the call
	}
}

// streams counts the open streams of each subject.
type streams struct {
	mu   sync.Mutex
	open map[string]int
}

// enter counts one more; leave must follow where it answers nil.
func (c *streams) enter(subject string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[subject] >= streamsPerCaller {
		return errStreams
	}
	c.open[subject]++
	return nil
}

func (c *streams) leave(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[subject]--; c.open[subject] == 0 {
		delete(c.open, subject)
	}
}
