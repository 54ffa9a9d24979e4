package rpc

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

const (
	// defaultDeadline is how long a call may take whose caller set no limit.
	defaultDeadline = 5 * time.Second
	// longestDeadline is the most that a caller can ask for.
	longestDeadline = 30 * time.Second
	// defaultConcurrency is how many calls a process works on at a time.
	defaultConcurrency = 256
	// longestWait is how long a call waits for its turn.
	longestWait = 100 * time.Millisecond
	// streamsPerCaller is how many streams one subject may hold open.
	streamsPerCaller = 64
)

var (
	errOverloaded = errs.Exhausted("OVERLOADED", "the service is at its capacity", time.Second)
	errStreams    = errs.Exhausted("TOO_MANY_STREAMS", "you hold too many streams open", 5*time.Second)
)

// admitUnary bounds the time of a call and the number of those at work. Health
// is exempt: a service under load is not a dead one.
func (s *Server) admitUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := withDeadline(ctx)
	defer cancel()
	if s.policy[info.FullMethod].Public() {
		return next(ctx, req)
	}
	if err := enter(ctx, s.turns); err != nil {
		s.counters.overloads.Add(ctx, 1)
		return nil, err
	}
	defer s.turns.Release(1)
	return next(ctx, req)
}

func withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := longestDeadline
	if _, ok := ctx.Deadline(); !ok {
		limit = defaultDeadline
	}
	return context.WithTimeout(ctx, limit) // an earlier deadline of the caller stays
}

// enter waits for a turn. A call whose deadline has passed meanwhile is not
// begun: nobody waits for its answer.
func enter(ctx context.Context, turns *semaphore.Weighted) error {
	if turns.TryAcquire(1) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	err := turns.Acquire(waiting, 1)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			turns.Release(1)
		}
		return ctx.Err()
	case err != nil:
		return errOverloaded
	default:
		return nil
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
