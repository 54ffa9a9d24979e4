package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// call is one call of a workload; n counts them.
type call func(ctx context.Context, n int) error

// round is what one round of a load showed.
type round struct {
	rate float64
	took []time.Duration
	cpu  *CPU
}

// load calls from several clients at once, each as soon as it has its answer, for
// some time.
func (b *bench) load(ctx context.Context, clients int, f call) (*round, error) {
	before, cpuErr := b.child.processorTime()
	var (
		mu    sync.Mutex
		took  []time.Duration
		first error
		wg    sync.WaitGroup
	)
	started := time.Now()
	for client := range clients {
		wg.Go(func() {
			var own []time.Duration
			var err error
			for n := client; err == nil && time.Since(started) < b.Round; n += clients {
				at := time.Now()
				err = f(ctx, n)
				own = append(own, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(started)
	if first != nil {
		return nil, first
	}
	r := &round{rate: float64(len(took)) / elapsed.Seconds(), took: took}
	if after, err := b.child.processorTime(); err == nil && cpuErr == nil {
		r.cpu = &CPU{Suite: per(after.suite-before.suite, len(took)), Postgres: per(after.postgres-before.postgres, len(took))}
	}
	return r, nil
}

func per(d time.Duration, calls int) float64 { return d.Seconds() * 1000 / float64(max(1, calls)) }

// sideBySide measures a workload and, in turns with it, its limit.
func (b *bench) sideBySide(ctx context.Context, clients int, f, limit call) (*Row, error) {
	var figure, beside []float64
	var took []time.Duration
	var suite, postgres []float64
	for n := range b.Rounds + 1 {
		r, err := b.load(ctx, clients, f)
		if err != nil {
			return nil, err
		}
		var l *round
		if limit != nil {
			if l, err = b.load(ctx, clients, limit); err != nil {
				return nil, fmt.Errorf("the limit: %w", err)
			}
		}
		if n == 0 {
			continue // the warm-up
		}
		figure, took = append(figure, r.rate), append(took, r.took...)
		if l != nil {
			beside = append(beside, l.rate)
		}
		if r.cpu != nil {
			suite, postgres = append(suite, r.cpu.Suite), append(postgres, r.cpu.Postgres)
		}
	}
	row := &Row{Unit: "calls/s", Figure: spread(figure)}
	row.P50, row.P95 = quantile(took, 0.5), quantile(took, 0.95)
	if limit != nil {
		s := spread(beside)
		row.Beside, row.Ratio = &s, row.Figure.Median/s.Median
	}
	if len(suite) > 0 {
		row.CPU = &CPU{Suite: spread(suite).Median, Postgres: spread(postgres).Median}
	}
	return row, nil
}

// quantile answers a quantile in milliseconds.
func quantile(took []time.Duration, q float64) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(q*float64(len(took))))].Seconds() * 1000
}
