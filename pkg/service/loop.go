package service

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
	// settled is how long a loop must have run for its next failure to count as
	// the first one.
	settled = time.Minute
)

// loop is work in the background.
type loop struct {
	name string
	run  func(ctx context.Context) error
	log  *slog.Logger
}

// keep runs the loop until the context ends, again and again where it must.
func (l loop) keep(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		started := time.Now()
		err := l.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > settled {
			pause = firstPause
		}
		l.log.ErrorContext(ctx, "a loop ended and is run again", "loop", l.name, "pause", pause, "cause", fmt.Sprint(err))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func (l loop) once(ctx context.Context) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return l.run(ctx)
}

// group is loops that start and stop together.
type group struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func start(loops []loop) *group {
	ctx, cancel := context.WithCancel(context.Background())
	g := &group{cancel: cancel}
	for _, l := range loops {
		g.done.Go(func() { l.keep(ctx) })
	}
	return g
}

// stop tells the loops to end and waits for them, or until the context ends.
func (g *group) stop(ctx context.Context) error {
	g.cancel()
	ended := make(chan struct{})
	go func() {
		g.done.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("loops still run: %w", ctx.Err())
	}
}
