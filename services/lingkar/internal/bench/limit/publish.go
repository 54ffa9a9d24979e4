package limit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
)

const (
	// brokerTimeout is how long a broker may take to start, and to acknowledge.
	brokerTimeout = 30 * time.Second
	// relayTimeout is how long a relay may take over a backlog.
	relayTimeout = 2 * time.Minute
	storedPoll   = 5 * time.Millisecond
)

// AwaitStored waits until the stream of events has so many messages, and answers since
// when. That the log knows that they are there is not waited for: a relay notes it with
// the next events, or a while later.
func AwaitStored(ctx context.Context, conn *nats.Conn, rows int64, began time.Time) (time.Duration, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, err
	}
	for {
		var stored uint64
		stream, err := js.Stream(ctx, eventlog.StreamName)
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound): // the relay makes it
		case err != nil:
			return 0, err
		default:
			stored = stream.CachedInfo().State.Msgs
		}
		took := time.Since(began)
		switch {
		case stored >= uint64(rows):
			return took, nil
		case took > relayTimeout:
			return 0, fmt.Errorf("%d of %d events are in the stream after %s", stored, rows, took)
		}
		time.Sleep(storedPoll)
	}
}

// Messages reads so many messages back from the stream of events.
func Messages(ctx context.Context, conn *nats.Conn, n int) ([]*nats.Msg, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	consumer, err := js.OrderedConsumer(ctx, eventlog.StreamName, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	read, err := consumer.Messages()
	if err != nil {
		return nil, err
	}
	defer read.Stop()
	var all []*nats.Msg
	for len(all) < n {
		m, err := read.Next(jetstream.NextMaxWait(brokerTimeout))
		if err != nil {
			return nil, fmt.Errorf("the stream has %d of %d messages: %w", len(all), n, err)
		}
		header := nats.Header{}
		for name, values := range m.Headers() {
			if len(name) < 5 || name[:5] != "Nats-" { // those of the broker itself
				header[name] = values
			}
		}
		all = append(all, &nats.Msg{Subject: m.Subject(), Header: header, Data: m.Data()})
	}
	return all, nil
}

// PublishAsync publishes messages to a broker of its own that leaves the disk to the
// operating system, each without waiting for the one before, and answers how long it
// took until all were acknowledged.
func PublishAsync(ctx context.Context, messages []*nats.Msg) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "lingkar-limit-nats-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	s, err := server.NewServer(&server.Options{DontListen: true, NoLog: true, NoSigs: true, JetStream: true, StoreDir: dir})
	if err != nil {
		return 0, err
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(brokerTimeout) {
		return 0, errors.New("the broker does not become ready")
	}
	conn, err := nats.Connect(nats.DefaultURL, nats.InProcessServer(s))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, err
	}
	if _, err := eventlog.EnsureStream(ctx, js); err != nil {
		return 0, err
	}
	began := time.Now()
	for _, m := range messages {
		if _, err := js.PublishMsgAsync(m); err != nil {
			return 0, err
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		return time.Since(began), nil
	case <-time.After(brokerTimeout):
		return 0, errors.New("not all messages are acknowledged")
	}
}
