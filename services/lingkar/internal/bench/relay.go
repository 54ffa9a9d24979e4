package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/limit"
)

// relay measures a relay that moves events from the log to a broker that syncs every
// write, and publishing the same messages to a broker that does not sync, without
// waiting for one before the next. Both brokers are in this process, which favours
// neither; the log is in a database of its own.
func relay(ctx context.Context, b *bench) (*Row, error) {
	w, err := limit.Open(ctx, b.adminURL("postgres"), b.adminURL(contactDatabase), 1)
	if err != nil {
		return nil, err
	}
	row, err := b.besideAsync(ctx, w)
	w.Close()
	if dropped := limit.Drop(context.WithoutCancel(ctx), b.adminURL("postgres")); err == nil {
		err = dropped
	}
	return row, err
}

func (b *bench) besideAsync(ctx context.Context, w *limit.Writes) (*Row, error) {
	rows, _, err := w.CopyEvents(ctx, b.adminURL(contactDatabase), b.bulkRows())
	if err != nil {
		return nil, err
	}
	var rates, async []float64
	for range min(b.Rounds, importRounds) {
		took, messages, err := b.relayOnce(ctx, w, rows)
		if err != nil {
			return nil, err
		}
		published, err := limit.PublishAsync(ctx, messages)
		if err != nil {
			return nil, fmt.Errorf("the limit, publishing: %w", err)
		}
		rates, async = append(rates, float64(rows)/took.Seconds()), append(async, float64(len(messages))/published.Seconds())
	}
	row := &Row{Unit: "events/s", Figure: spread(rates)}
	row.beside("async publish of the same messages without sync", async)
	return row.aim(fmt.Sprintf("relay of %d events with sync on every write, numbering included", rows), "0.30", "0.80", row.Ratio >= 0.30), nil
}

// relayOnce runs a relay until all is published, and answers how long that took and
// what is in the stream.
func (b *bench) relayOnce(ctx context.Context, w *limit.Writes, rows int64) (time.Duration, []*nats.Msg, error) {
	dir, err := os.MkdirTemp("", "lingkar-bench-nats-")
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(dir)
	server, err := natsserver.Start(natsserver.Options{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		return 0, nil, err
	}
	defer server.Close()
	conn, err := server.Connect()
	if err != nil {
		return 0, nil, err
	}
	defer conn.Close()
	if err := w.Unpublish(ctx); err != nil {
		return 0, nil, err
	}
	system, err := w.System(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer system.Close()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	r := &eventlog.Relay{Area: "contact", DB: system, NATS: conn, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
	began := time.Now()
	go func() { ended <- r.Run(running) }()
	took, err := limit.AwaitStored(ctx, conn, rows, began)
	stop()
	<-ended
	if err != nil {
		return 0, nil, err
	}
	messages, err := limit.Messages(ctx, conn, int(rows))
	return took, messages, err
}
