package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// lookedAt is how many of a second's writes are looked for, whatever the rate: more
// reads would be a load of their own.
const lookedAt = 20

// visible measures at a calm rate, visibleFast at a busy one.
func visible(ctx context.Context, b *bench) (*Row, error) { return b.visible(ctx, 200, 50, 10) }

func visibleFast(ctx context.Context, b *bench) (*Row, error) {
	return b.visible(ctx, 1000, 150, 40)
}

// visible measures from the answer of a write to the view that has it, which a
// reader asks for by the write's position, while so many events are recorded a
// second whatever became of those before. The targets are milliseconds.
func (b *bench) visible(ctx context.Context, rate int, first, goal float64) (*Row, error) {
	if _, err := b.awaitRanking(ctx); err != nil {
		return nil, err
	}
	if _, _, _, err := b.follow(ctx, rate, b.Round); err != nil { // warms up
		return nil, err
	}
	waits, refused, late, err := b.follow(ctx, rate, b.Round*time.Duration(b.Rounds))
	if err != nil {
		return nil, err
	}
	p99 := quantile(waits, 0.99)
	row := &Row{Unit: "ms", Figure: Spread{Median: p99, Min: quantile(waits, 0), Max: quantile(waits, 1)}, P50: quantile(waits, 0.5), P95: quantile(waits, 0.95)}
	row.note("looked for", float64(len(waits)), "writes")
	row.note("refused as too much", float64(refused), "calls")
	row.note("the client was behind by at most", late.Seconds()*1000, "ms")
	return row.aim(fmt.Sprintf("commit to visible, p99, at %d events/s", rate), fmt.Sprintf("%.0f ms", first), fmt.Sprintf("%.0f ms", goal), p99 <= first && refused == 0), nil
}

// follow records for some time and answers how long those writes waited that were looked
// for, how many calls were refused as too much, and how late the client was at most.
func (b *bench) follow(ctx context.Context, rate int, during time.Duration) (waits []time.Duration, refused int, late time.Duration, err error) {
	results := make(chan waited, 10*rate)
	sent, late := openLoop(ctx, rate, during, func(n int) {
		results <- b.seen(ctx, b.sample[n%len(b.sample)], n%(rate/lookedAt) == 0)
	})
	for range sent {
		w := <-results
		switch {
		case errs.Code(w.err) == codes.ResourceExhausted:
			refused++
		case w.err != nil && errs.Reason(w.err) != "NOT_YET_VISIBLE": // the wait until it was given up counts
			return nil, 0, 0, w.err
		case w.measured:
			waits = append(waits, w.wait)
		}
	}
	return waits, refused, late, nil
}

// openLoop calls f so many times a second for some time, each in a goroutine of its
// own, whatever became of the calls before. It answers how often, and how late the
// latest call began.
func openLoop(ctx context.Context, rate int, during time.Duration, f func(n int)) (sent int, late time.Duration) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ctx.Err() == nil && time.Since(began) < during; <-tick.C {
		due := int(time.Since(began).Seconds() * float64(rate))
		if sent < due {
			late = max(late, time.Since(began)-time.Duration(float64(sent)/float64(rate)*float64(time.Second)))
		}
		for ; sent < due; sent++ {
			go f(sent)
		}
	}
	return sent, late
}

// waited is how long it took until a write could be seen, where it was looked for.
type waited struct {
	wait     time.Duration
	measured bool
	err      error
}

// seen records an interaction and, where looked for, reads the view at the
// position that the write answered. What a read itself takes is in the figure.
func (b *bench) seen(ctx context.Context, contact uuid.UUID, look bool) waited {
	var header metadata.MD
	_, err := contactv1.NewInteractionServiceClient(b.conn).RecordInteraction(ctx, &contactv1.RecordInteractionRequest{
		Interaction: &contactv1.Interaction{
			Contact: "contacts/" + contact.String(), Channel: eventv1.Channel_CHANNEL_WEB, Direction: eventv1.Direction_DIRECTION_INBOUND,
			Title: "Looked at beans", OccurredAt: timestamppb.Now(),
		},
		RequestId: uuid.NewString(),
	}, grpc.Header(&header))
	if err != nil || !look {
		return waited{err: err}
	}
	committed := time.Now()
	position := ""
	if values := header.Get("lingkar-position"); len(values) > 0 {
		position = values[0]
	}
	_, err = analyticsv1.NewCustomerViewServiceClient(b.conn).GetCustomerView(ctx, &analyticsv1.GetCustomerViewRequest{
		Name: "customers/" + contact.String(), MinPosition: position,
	})
	return waited{wait: time.Since(committed), measured: true, err: err}
}
