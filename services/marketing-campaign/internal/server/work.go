package server

import (
	"context"
	"sync"
	"time"
)

const (
	// look is how often a worker looks for work that nobody told it of, such as
	// what another process left behind.
	look = time.Second
	// retry is when work that failed is tried again.
	retry = time.Second
)

// bell wakes a worker that waits for work. The zero bell is ready.
type bell struct {
	once sync.Once
	rung chan struct{}
}

func (b *bell) channel() chan struct{} {
	b.once.Do(func() { b.rung = make(chan struct{}, 1) })
	return b.rung
}

// ring tells that there is work. It never waits.
func (b *bell) ring() {
	select {
	case b.channel() <- struct{}{}:
	default:
	}
}

// wait answers when there may be work, or the context has ended.
func (b *bell) wait(ctx context.Context) {
	timer := time.NewTimer(look)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-b.channel():
	case <-timer.C:
	}
}

// work claims and does pieces of work until the context ends. One that fails is
// given back, to be tried again after a pause, while the others go on; one that
// the end of the context interrupts is given back at once.
func work[W any](ctx context.Context, s *Server, name string, b *bell, claim func(context.Context) (*W, error),
	do func(context.Context, *W) error, release func(context.Context, *W, time.Duration) error) error {
	for ctx.Err() == nil {
		piece, err := claim(ctx)
		if err != nil {
			return err
		}
		if piece == nil {
			b.wait(ctx)
			continue
		}
		err = do(ctx, piece)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return giveBack(ctx, piece, release)
		default:
			s.Logger.WarnContext(ctx, "work failed and is tried again", "work", name, "cause", err.Error())
			if err := release(ctx, piece, retry); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// giveBack releases a piece of work although the context has ended.
func giveBack[W any](ctx context.Context, piece *W, release func(context.Context, *W, time.Duration) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return release(ctx, piece, 0)
}
