package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// applyEvents is the most events of one transaction.
	applyEvents = 1000
	// feedBuffer is how many events wait in memory while a batch is applied. Whoever is
	// further behind reads the log, which is the faster way then.
	feedBuffer = 4 * applyEvents
	// pullExpiry and pullHeartbeat make a lost pull request cost a second; with
	// the defaults of the client it costs thirty.
	pullExpiry    = 2 * time.Second
	pullHeartbeat = 500 * time.Millisecond
	// subscribeTimeout bounds finding the stream and making the consumer.
	subscribeTimeout = 5 * time.Second
)

var (
	// errFeedBroken says that events may have been missed: they are read from the log.
	errFeedBroken = errors.New("eventlog: the feed of events broke")
	errOverrun    = errors.New("more events wait than may")
)

// Feed is the live tail of the stream for the projections of a process. Those that read the
// same areas share a consumer of the broker, so that an event is sent and decoded once,
// however many apply it: for them it is read-only.
type Feed struct {
	// NATS is the broker.
	NATS *nats.Conn
	// Areas, where there are any, are those of all projections, which share one consumer
	// then: each gets the events of its own.
	Areas []string

	// buffer is how many events wait for each; feedBuffer where 0.
	buffer   int
	starting singleflight.Group
	mu       sync.Mutex
	tails    map[string]*tail
}

// follow starts to follow the events of areas that are published from now on.
func (f *Feed) follow(ctx context.Context, areas []string) (*follower, error) {
	together := areas
	if len(f.Areas) > 0 {
		together = f.Areas
	}
	key := strings.Join(together, " ")
	if follower := f.join(key, areas); follower != nil {
		return follower, nil
	}
	starting := f.starting.DoChan(key, func() (any, error) { return nil, f.start(key, together) })
	select {
	case <-ctx.Done():
		go f.leaveUnused(key, starting)
		return nil, ctx.Err()
	case started := <-starting:
		if started.Err != nil {
			return nil, started.Err
		}
	}
	if follower := f.join(key, areas); follower != nil {
		return follower, nil
	}
	return nil, errFeedBroken // since it was started
}

// leaveUnused ends the consumer of a key, once it is started, unless somebody follows it.
// Who was about to starts it anew.
func (f *Feed) leaveUnused(key string, starting <-chan singleflight.Result) {
	<-starting
	if follower := f.join(key, nil); follower != nil {
		follower.stop()
	}
}

// join answers a new follower of the consumer of that key; nil where there is none.
func (f *Feed) join(key string, areas []string) *follower {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tails[key]
	if t == nil {
		return nil
	}
	return t.join(areas)
}

// runs says whether there is a consumer of that key.
func (f *Feed) runs(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tails[key]
	return t != nil && !t.isOver()
}

// start makes the consumer of a key, unless there is one by now.
func (f *Feed) start(key string, areas []string) error {
	if f.runs(key) {
		return nil
	}
	if !f.NATS.IsConnected() {
		return nats.ErrConnectionReconnecting
	}
	ctx, cancel := context.WithTimeout(context.Background(), subscribeTimeout)
	defer cancel()
	js, err := jetstream.New(f.NATS)
	if err != nil {
		return err
	}
	if _, err := js.Stream(ctx, StreamName); errors.Is(err, jetstream.ErrStreamNotFound) {
		if _, err := EnsureStream(ctx, js); err != nil {
			return err
		}
	}
	subjects := make([]string, len(areas))
	for i, area := range areas {
		subjects[i] = "evt." + area + ".>"
	}
	consumer, err := js.OrderedConsumer(ctx, StreamName, jetstream.OrderedConsumerConfig{
		FilterSubjects: subjects,
		DeliverPolicy:  jetstream.DeliverNewPolicy,
	})
	if err != nil {
		return fmt.Errorf("eventlog: subscribe: %w", err)
	}
	t := &tail{buffer: cmp.Or(f.buffer, feedBuffer), followers: map[*follower]bool{}, ended: make(chan struct{})}
	lost := f.NATS.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	consuming, err := consumer.Consume(t.receive,
		jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { t.end(err) }))
	if err != nil {
		f.NATS.RemoveStatusListener(lost)
		return fmt.Errorf("eventlog: subscribe: %w", err)
	}
	f.mu.Lock()
	if f.tails == nil {
		f.tails = map[string]*tail{}
	}
	f.tails[key] = t
	f.mu.Unlock()
	go func() {
		t.watch(lost)
		f.NATS.RemoveStatusListener(lost)
		f.forget(key, t)
		consuming.Stop()
	}()
	return nil
}

// forget takes out a consumer that has ended.
func (f *Feed) forget(key string, t *tail) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tails[key] == t {
		delete(f.tails, key)
	}
}

// tail is one consumer, without acknowledgements, and who follows it. It ends with the
// last of them, or when events may have been missed.
type tail struct {
	buffer int

	mu        sync.Mutex
	followers map[*follower]bool
	over      bool
	ended     chan struct{}
}

func (t *tail) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

// join adds a follower; it answers nil where the tail has ended.
func (t *tail) join(areas []string) *follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return nil
	}
	w := &follower{tail: t, areas: areas, some: make(chan struct{}, 1), full: make(chan struct{}, 1), broken: make(chan error, 1)}
	t.followers[w] = true
	return w
}

// leave takes a follower away.
func (t *tail) leave(w *follower) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.followers, w)
	if len(t.followers) == 0 {
		t.endLocked(nil)
	}
}

// receive takes an event from the broker. One that cannot be read is a gap.
func (t *tail) receive(m jetstream.Msg) {
	e := &eventv1.Event{}
	if err := proto.Unmarshal(m.Data(), e); err != nil {
		t.end(fmt.Errorf("message on %s: %w", m.Subject(), err))
		return
	}
	a := arrival{event: e, at: time.Now()}
	t.mu.Lock()
	defer t.mu.Unlock()
	for w := range t.followers {
		if slices.Contains(w.areas, e.GetArea()) && !w.take(a) {
			delete(t.followers, w) // it comes back when it has read the log
		}
	}
}

// end ends the tail and tells those who follow it why.
func (t *tail) end(cause error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.endLocked(cause)
}

func (t *tail) endLocked(cause error) {
	if t.over {
		return
	}
	t.over = true
	for w := range t.followers {
		w.fail(cause)
	}
	close(t.ended)
}

// watch ends the tail with the connection, whose loss the client's consumer would not
// tell, and answers when it has ended.
func (t *tail) watch(lost <-chan nats.Status) {
	select {
	case <-lost:
		t.end(nats.ErrConnectionReconnecting)
	case <-t.ended:
	}
}

// arrival is an event from the broker, and when it came.
type arrival struct {
	event *eventv1.Event
	at    time.Time
}

// follower is one projection's part of a feed.
type follower struct {
	tail  *tail
	areas []string
	// some is told when the first event waits, full when a whole batch does, broken when
	// events may have been missed.
	some, full chan struct{}
	broken     chan error

	mu      sync.Mutex
	waiting []arrival
}

// take keeps an event until it is collected. It answers false, and fails, where too many
// wait.
func (w *follower) take(a arrival) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) >= w.tail.buffer {
		w.fail(errOverrun)
		return false
	}
	w.waiting = append(w.waiting, a)
	w.tell()
	return true
}

// tell says what waits.
func (w *follower) tell() {
	if len(w.waiting) > 0 {
		signal(w.some)
	}
	if len(w.waiting) >= applyEvents {
		signal(w.full)
	}
}

// next takes what waits, up to a batch.
func (w *follower) next() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := w.waiting
	w.waiting = nil
	if len(batch) > applyEvents {
		batch, w.waiting = batch[:applyEvents:applyEvents], batch[applyEvents:]
		w.tell()
	}
	return batch
}

func (w *follower) fail(cause error) {
	select {
	case w.broken <- cause:
	default:
	}
}

// stop ends the part.
func (w *follower) stop() { w.tail.leave(w) }

// collect answers the next batch: what arrives within a time of the first event, and
// not before the instant, at most applyEvents. It answers an empty batch at a tick.
func (w *follower) collect(ctx context.Context, tick <-chan time.Time, within time.Duration, before time.Time) ([]arrival, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-w.broken:
			return nil, errors.Join(errFeedBroken, err)
		case <-tick:
			return nil, nil
		case <-w.some:
		}
		linger := time.NewTimer(max(within, time.Until(before)))
		select {
		case <-ctx.Done():
		case <-w.full:
		case <-linger.C:
		}
		linger.Stop()
		if batch := w.next(); len(batch) > 0 {
			return batch, nil
		}
	}
}
