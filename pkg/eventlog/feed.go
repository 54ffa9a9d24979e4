package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// applyEvents is the most events of one transaction.
	applyEvents = 1000
	// feedBuffer is how many events wait in memory while a batch is applied.
	feedBuffer = 4 * applyEvents
	// pullExpiry and pullHeartbeat make a lost pull request cost a second; with
	// the defaults of the client it costs thirty.
	pullExpiry    = 2 * time.Second
	pullHeartbeat = 500 * time.Millisecond
	// subscribeTimeout bounds finding the stream and making the consumer.
	subscribeTimeout = 5 * time.Second
)

// errFeedBroken says that the broker's consumer has to be made anew: events may
// have been missed.
var errFeedBroken = errors.New("eventlog: the feed of events broke")

// arrival is an event from the broker, and when it came.
type arrival struct {
	event *eventv1.Event
	at    time.Time
}

// feed is the live tail of the stream: an ordered consumer, without
// acknowledgements.
type feed struct {
	events chan arrival
	broken chan error
	ended  chan struct{}
	consum jetstream.ConsumeContext
	// lost is told when the connection is; the client's consumer would wait for it
	// to come back and say nothing.
	lost    chan nats.Status
	forsake func()
}

// subscribe starts a feed of the events that are published from now on.
func (s *session) subscribe(ctx context.Context) (*feed, error) {
	if !s.NATS.IsConnected() {
		return nil, nats.ErrConnectionReconnecting
	}
	ctx, cancel := context.WithTimeout(ctx, subscribeTimeout)
	defer cancel()
	js, err := jetstream.New(s.NATS)
	if err != nil {
		return nil, err
	}
	if _, err := js.Stream(ctx, StreamName); errors.Is(err, jetstream.ErrStreamNotFound) {
		if _, err := EnsureStream(ctx, js); err != nil {
			return nil, err
		}
	}
	subjects := make([]string, len(s.Areas))
	for i, area := range s.Areas {
		subjects[i] = "evt." + area + ".>"
	}
	consumer, err := js.OrderedConsumer(ctx, StreamName, jetstream.OrderedConsumerConfig{
		FilterSubjects: subjects,
		DeliverPolicy:  jetstream.DeliverNewPolicy,
	})
	if err != nil {
		return nil, fmt.Errorf("eventlog: subscribe: %w", err)
	}
	f := &feed{events: make(chan arrival, feedBuffer), broken: make(chan error, 1), ended: make(chan struct{})}
	f.lost = s.NATS.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	f.forsake = func() { s.NATS.RemoveStatusListener(f.lost) }
	f.consum, err = consumer.Consume(f.receive,
		jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { f.fail(err) }))
	if err != nil {
		f.forsake()
		return nil, fmt.Errorf("eventlog: subscribe: %w", err)
	}
	return f, nil
}

// receive takes an event from the broker, and makes the broker wait while too
// many are in memory. One that cannot be read is a gap.
func (f *feed) receive(m jetstream.Msg) {
	e := &eventv1.Event{}
	if err := proto.Unmarshal(m.Data(), e); err != nil {
		f.fail(fmt.Errorf("message on %s: %w", m.Subject(), err))
		return
	}
	select {
	case f.events <- arrival{event: e, at: time.Now()}:
	case <-f.ended:
	}
}

func (f *feed) fail(err error) {
	select {
	case f.broken <- err:
	default:
	}
}

func (f *feed) stop() {
	close(f.ended)
	f.forsake()
	f.consum.Stop()
}

// collect answers the next batch: what arrives within a time of the first event, and
// not before the instant, at most applyEvents. It answers an empty batch at a tick.
func (f *feed) collect(ctx context.Context, tick <-chan time.Time, within time.Duration, before time.Time) ([]arrival, error) {
	var batch []arrival
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-f.broken:
		return nil, errors.Join(errFeedBroken, err)
	case <-f.lost:
		return nil, errors.Join(errFeedBroken, nats.ErrConnectionReconnecting)
	case <-tick:
		return nil, nil
	case a := <-f.events:
		batch = append(batch, a)
	}
	linger := time.NewTimer(max(within, time.Until(before)))
	defer linger.Stop()
	for len(batch) < applyEvents {
		select {
		case a := <-f.events:
			batch = append(batch, a)
		case <-linger.C:
			return batch, nil
		}
	}
	return batch, nil
}
