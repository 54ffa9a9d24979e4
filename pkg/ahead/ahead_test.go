package ahead_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/ahead"
)

// count hands over the numbers from 0, so many of them, and then fails.
func count(n int, err error) func(context.Context, func(int) error) error {
	return func(_ context.Context, hand func(int) error) error {
		for i := range n {
			if err := hand(i); err != nil {
				return err
			}
		}
		return err
	}
}

func TestUse(t *testing.T) {
	t.Parallel()
	gone, late := errors.New("gone"), errors.New("late")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		produce func(context.Context, func(int) error) error
		useFail int
		used    []int
		err     error
	}{
		"all":                       {produce: count(4, nil), useFail: -1, used: []int{0, 1, 2, 3}},
		"none":                      {produce: count(0, nil), useFail: -1},
		"what came before an error": {produce: count(3, late), useFail: -1, used: []int{0, 1, 2}, err: late},
		"use fails":                 {produce: count(1_000_000, late), useFail: 2, used: []int{0, 1, 2}, err: gone},
		"nobody waits any more": {ctx: stopped, useFail: -1, err: context.Canceled, produce: func(ctx context.Context, _ func(int) error) error {
			<-ctx.Done()
			return ctx.Err()
		}},
		"it ends with use": {useFail: 0, used: []int{0}, err: gone, produce: func(ctx context.Context, hand func(int) error) error {
			if err := hand(0); err != nil {
				return err
			}
			<-ctx.Done()
			return late
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := c.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			var used []int
			err := ahead.Use(ctx, c.produce, func(i int) error {
				used = append(used, i)
				if i == c.useFail {
					return gone
				}
				return nil
			})
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if !slices.Equal(used, c.used) {
				t.Errorf("used %v, want %v", used, c.used)
			}
		})
	}
}

func TestUse_makesTheNextMeanwhile(t *testing.T) {
	t.Parallel()
	second := make(chan struct{})
	err := ahead.Use(t.Context(), func(_ context.Context, hand func(int) error) error {
		if err := hand(1); err != nil {
			return err
		}
		close(second)
		return hand(2)
	}, func(i int) error {
		if i == 1 {
			select {
			case <-second:
			case <-t.Context().Done():
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUse_panicIsAnError(t *testing.T) {
	t.Parallel()
	err := ahead.Use(t.Context(), func(context.Context, func(int) error) error { panic("odd") }, func(int) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "odd") {
		t.Errorf("error %v", err)
	}
}
