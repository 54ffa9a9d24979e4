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

// workload are calls of one RPC, by its full method, or of REST that becomes such.
type workload struct {
	method string
	call   call
}

// round is what one round of a load showed.
type round struct {
	rate float64
	took []time.Duration
	cpu  *CPU
	work *Work
}

// against is a limit that a workload takes turns with.
type against struct {
	what string
	// round runs it for one round and answers calls a second.
	round func(ctx context.Context) (float64, error)
}

// loop is a limit that is called like a workload.
func (b *bench) loop(what string, clients int, f call) against {
	return against{what: what, round: func(ctx context.Context) (float64, error) {
		took, elapsed, err := b.drive(ctx, clients, f)
		return float64(len(took)) / elapsed.Seconds(), err
	}}
}

// drive calls from several clients at once, each as soon as it has its answer, for
// a round. It answers how long each call took, and all together.
func (b *bench) drive(ctx context.Context, clients int, f call) (took []time.Duration, elapsed time.Duration, err error) {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	started := time.Now()
	for client := range clients {
		wg.Go(func() {
			var own []time.Duration
			var failed error
			for n := client; failed == nil && time.Since(started) < b.Round; n += clients {
				at := time.Now()
				failed = f(ctx, n)
				own = append(own, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			if err == nil {
				err = failed
			}
		})
	}
	wg.Wait()
	return took, time.Since(started), err
}

// load drives a workload for a round and answers what the suite used for it.
func (b *bench) load(ctx context.Context, clients int, w workload) (*round, error) {
	before, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	took, elapsed, err := b.drive(ctx, clients, w.call)
	if err != nil {
		return nil, err
	}
	after, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	r := &round{rate: float64(len(took)) / elapsed.Seconds(), took: took}
	r.cpu, r.work = after.since(before, w.method, len(took))
	return r, nil
}

// limit runs a limit for one round, after all that the suite had to do was done, and
// answers calls a second and the milliseconds of processor time that PostgreSQL took for
// each; 0 where they are not known.
func (b *bench) limit(ctx context.Context, l against) (rate, postgres float64, err error) {
	if err := b.settle(ctx); err != nil {
		return 0, 0, err
	}
	before, unknown := b.child.processorTime()
	if rate, err = l.round(ctx); err != nil {
		return 0, 0, fmt.Errorf("the limit, %s: %w", l.what, err)
	}
	after, err := b.child.processorTime()
	if unknown == nil && err == nil {
		postgres = (after.postgres - before.postgres).Seconds() * 1000 / (rate * b.Round.Seconds())
	}
	return rate, postgres, nil
}

// sideBySide measures a workload and, in turns with it, its limits.
func (b *bench) sideBySide(ctx context.Context, clients int, w workload, limits ...against) (*Row, error) {
	var rounds []*round
	rates, postgres := make([][]float64, len(limits)), make([][]float64, len(limits))
	for n := range b.Rounds + 1 {
		r, err := b.load(ctx, clients, w)
		if err != nil {
			return nil, err
		}
		for i, limit := range limits {
			rate, took, err := b.limit(ctx, limit)
			if err != nil {
				return nil, err
			}
			if n > 0 {
				rates[i], postgres[i] = append(rates[i], rate), append(postgres[i], took)
			}
		}
		if n > 0 { // the first is the warm-up
			rounds = append(rounds, r)
		}
	}
	row := rowOf(rounds)
	for i, limit := range limits {
		row.beside(limit.what, rates[i])
		if took := spread(postgres[i]).Median; took > 0 {
			row.note("PostgreSQL of the limit, "+limit.what, took, "ms CPU a call")
		}
	}
	return row, nil
}

// rowOf sums the rounds of a workload up.
func rowOf(rounds []*round) *Row {
	median := func(of func(*round) float64) float64 {
		var values []float64
		for _, r := range rounds {
			values = append(values, of(r))
		}
		return spread(values).Median
	}
	var rates []float64
	var took []time.Duration
	known := true
	for _, r := range rounds {
		rates, took = append(rates, r.rate), append(took, r.took...)
		known = known && r.cpu != nil
	}
	row := &Row{Unit: "calls/s", Figure: spread(rates)}
	row.P50, row.P95 = quantile(took, 0.5), quantile(took, 0.95)
	if known {
		row.CPU = &CPU{
			Suite:    median(func(r *round) float64 { return r.cpu.Suite }),
			Postgres: median(func(r *round) float64 { return r.cpu.Postgres }),
		}
	}
	row.Work = &Work{
		Trips: median(func(r *round) float64 { return r.work.Trips }), Behind: median(func(r *round) float64 { return r.work.Behind }),
		Bytes: median(func(r *round) float64 { return r.work.Bytes }), Objects: median(func(r *round) float64 { return r.work.Objects }),
	}
	return row
}

// quantile answers a quantile in milliseconds.
func quantile(took []time.Duration, q float64) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(q*float64(len(took))))].Seconds() * 1000
}
