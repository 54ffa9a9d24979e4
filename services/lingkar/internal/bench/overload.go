package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// overloadTimes is how many times its capacity the suite is asked for.
	overloadTimes = 3
	// peakClients is how many clients find out the capacity: enough to keep the cores
	// busy, and too few to be refused.
	peakClients = 16
	// overloadConns spread the load: a server takes 256 calls at a time on each.
	overloadConns = 8
	// patience is how long a caller waits for an answer.
	patience = 5 * time.Second
	// mostOpen is how many calls may be waited for; a generator that holds more is
	// the one that is overloaded.
	mostOpen = 10_000
	// quietRate is how many calls a second the quiet tenant makes.
	quietRate = 20
)

// overload finds out what the suite can do at most, with the calls of people: a mix
// of reads and writes. Then it is asked for three times as much, whatever it answers,
// while another tenant makes a few calls.
func overload(ctx context.Context, b *bench) (*Row, error) {
	if _, err := b.awaitRanking(ctx); err != nil {
		return nil, err
	}
	crowd, err := b.newCrowd(ctx)
	if err != nil {
		return nil, err
	}
	defer crowd.close()
	var rates []float64
	var calm heard
	for n := range b.Rounds + 1 {
		stop := crowd.listen(ctx)
		took, elapsed, err := b.drive(ctx, peakClients, crowd.must)
		quiet, quietErr := stop()
		if err != nil || quietErr != nil {
			return nil, fmt.Errorf("at its peak: %w", first(err, quietErr))
		}
		if n > 0 {
			rates = append(rates, float64(len(took))/elapsed.Seconds())
			calm.add(quiet)
		}
	}
	peak := spread(rates)
	seen := &outcomes{}
	stop := crowd.listen(ctx)
	during := b.Round * time.Duration(b.Rounds)
	sent, late := openLoop(ctx, int(overloadTimes*peak.Median), during, func(n int) { seen.note(crowd.try(ctx, n)) })
	quiet, err := stop()
	if err != nil {
		return nil, fmt.Errorf("the quiet tenant: %w", err)
	}
	seen.await(sent)
	return overloadRow(peak, seen, sent, during, late, calm, quiet)
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// overloadRow judges what was seen.
func overloadRow(peak Spread, seen *outcomes, sent int, during, late time.Duration, calm, quiet heard) (*Row, error) {
	if seen.failed != nil {
		return nil, fmt.Errorf("neither done nor refused: %w", seen.failed)
	}
	goodput := float64(len(seen.took)) / during.Seconds()
	row := &Row{Unit: "calls/s", Figure: Spread{Median: goodput, Min: goodput, Max: goodput}}
	row.P50, row.P95 = quantile(seen.took, 0.5), quantile(seen.took, 0.95)
	row.Limit, row.Beside, row.Ratio = fmt.Sprintf("peak of %d clients", peakClients), &peak, goodput/peak.Median
	share := func(n int) float64 { return 100 * float64(n) / float64(max(1, sent)) }
	row.note("offered", float64(sent)/during.Seconds(), "calls/s")
	row.note("answered RESOURCE_EXHAUSTED with RetryInfo", share(seen.told), "% of calls")
	row.note("answered RESOURCE_EXHAUSTED without it", share(seen.refused-seen.told), "% of calls")
	row.note("not answered by their deadline", share(seen.expired), "% of calls")
	row.note("not sent: the client had too many open", share(seen.unsent), "% of calls")
	row.note("p99 of admitted calls of people", quantile(seen.took, 0.99), "ms")
	calm.note(row, "at the peak")
	quiet.note(row, "meanwhile")
	row.note("the client was behind by at most", late.Seconds()*1000, "ms")
	return row.aim(fmt.Sprintf("goodput when asked for %d times the peak", overloadTimes), "0.90", "0.90", row.Ratio >= 0.9 && seen.refused == seen.told), nil
}

// outcomes are what became of calls.
type outcomes struct {
	mu                             sync.Mutex
	took                           []time.Duration // of those that were done
	refused, told, expired, unsent int
	failed                         error
	noted                          int
}

// note counts the outcome of a call.
func (o *outcomes) note(took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noted++
	switch code := status.Code(err); {
	case err == nil:
		o.took = append(o.took, took)
	case errors.Is(err, errUnsent):
		o.unsent++
	case code == codes.ResourceExhausted:
		o.refused++
		if retryable(err) {
			o.told++
		}
	case code == codes.DeadlineExceeded:
		o.expired++
	case o.failed == nil:
		o.failed = err
	}
}

// await waits until so many outcomes are noted.
func (o *outcomes) await(sent int) {
	for deadline := time.Now().Add(2 * patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		o.mu.Lock()
		done := o.noted >= sent
		o.mu.Unlock()
		if done {
			return
		}
	}
}

// retryable says whether an answer tells when to try again.
func retryable(err error) bool {
	return slices.ContainsFunc(status.Convert(err).Details(), func(d any) bool {
		info, ok := d.(*errdetails.RetryInfo)
		return ok && info.GetRetryDelay().AsDuration() > 0
	})
}
