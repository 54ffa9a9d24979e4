// Package ahead makes what is needed next while the last is in use: the next page is read
// while this one is being written.
package ahead

import (
	"context"
	"fmt"
	"runtime/debug"
)

// Use uses what produce hands over, in its order and one at a time, while produce, in a
// goroutine of its own, makes the next one or two.
//
// It answers when both have ended: the error of use, or else that of produce once all that
// it handed over was used. A panic of produce is an error. Once use has failed, the context
// of produce ends and hand answers an error.
func Use[T any](ctx context.Context, produce func(ctx context.Context, hand func(T) error) error, use func(T) error) (err error) {
	producing, stop := context.WithCancel(ctx)
	defer stop()
	made, ended := make(chan T, 1), make(chan error, 1)
	go func() {
		defer close(made)
		ended <- caught(func() error {
			return produce(producing, func(v T) error {
				select {
				case <-producing.Done():
					return producing.Err()
				case made <- v:
					return nil
				}
			})
		})
	}()
	for v := range made {
		if err != nil {
			continue // produce is about to end
		}
		if err = use(v); err != nil {
			stop()
		}
	}
	if failed := <-ended; err == nil {
		err = failed
	}
	return err
}

// caught makes an error of a panic, which nobody else could catch in that goroutine.
func caught(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return f()
}
