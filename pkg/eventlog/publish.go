package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
)

const (
	// batchEvents is the most events in one atomic batch: the broker's limit.
	batchEvents = 1000
	// batchBytes bounds what one batch holds in memory here and in the broker.
	batchBytes = 8 << 20
	// singleBelow is the number of events below which they are published one by
	// one: the broker sets up a file store for each batch.
	singleBelow = 20
	// batchHeaders is how many headers a message of a batch has beside its own.
	batchHeaders = 3
	// publishTimeout is how long an acknowledgement is waited for.
	publishTimeout = 5 * time.Second
)

// entry is one event with its place in the order.
type entry struct {
	partition int16
	seq       int64
	body      []byte
}

// publisher sends entries to the stream, as CloudEvents.
type publisher struct {
	area string
	conn *nats.Conn
	js   jetstream.JetStream
	// at comes to a failpoint.
	at func(failpoint.Point) error

	// rests is until when it does nothing after a failure.
	rests time.Time
	pause backoff
}

// room is how many events may be published now.
func (p *publisher) room() int {
	if time.Now().Before(p.rests) {
		return 0
	}
	return batchEvents
}

// ended notes how publishing ended: after a failure it rests for a while.
func (p *publisher) ended(err error) {
	if err != nil {
		p.rests = time.Now().Add(p.pause.next())
	} else {
		p.pause.reset()
	}
}

// publish sends the entries in order, and answers how many of them are known to
// be stored. Those after them may or may not be. Until turn answers nothing is stored;
// an error of its is that of publishing, too.
func (p *publisher) publish(ctx context.Context, entries []entry, turn func() error) (int, error) {
	if len(entries) > 0 && !p.conn.IsConnected() {
		return 0, nats.ErrConnectionReconnecting
	}
	done := 0
	for done < len(entries) {
		n := batchLength(entries[done:])
		if err := p.send(ctx, entries[done:done+n], turn); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// batchLength is how many of the entries go into one batch.
func batchLength(entries []entry) int {
	size := 0
	for i, e := range entries {
		size += len(e.body)
		if i == batchEvents || i > 0 && size > batchBytes {
			return i
		}
	}
	return len(entries)
}

func (p *publisher) send(ctx context.Context, entries []entry, turn func() error) error {
	messages := make([]*nats.Msg, len(entries))
	for i, e := range entries {
		m, err := p.message(e)
		if err != nil {
			return err
		}
		messages[i] = m
	}
	if len(messages) < singleBelow {
		if err := turn(); err != nil {
			return err
		}
		return p.sendSingly(ctx, messages)
	}
	return p.sendBatch(ctx, messages, turn)
}

// message is the CloudEvent of an entry: the event with its position as data,
// and its attributes as headers (NATS protocol binding, binary mode). The
// subject is evt.<area>.<partition>.<type without its package>.
func (p *publisher) message(e entry) (*nats.Msg, error) {
	ev, err := scanHead(e.body)
	if err != nil {
		return nil, fmt.Errorf("eventlog: event %d of partition %d cannot be read: %w", e.seq, e.partition, err)
	}
	shortType := ev.kind[strings.LastIndexByte(ev.kind, '.')+1:]
	m := &nats.Msg{
		Subject: "evt." + p.area + "." + strconv.Itoa(int(e.partition)) + "." + shortType,
		Data:    withPosition(e.body, e.seq),
	}
	attributes := [...]struct{ name, value string }{
		{"ce-specversion", "1.0"},
		{"ce-id", ev.id},
		{"ce-source", "/lingkar/" + p.area},
		{"ce-type", ev.kind},
		{"ce-subject", ev.aggregate},
		{"ce-time", ev.occurredAt.AsTime().Format(time.RFC3339Nano)},
		{"content-type", "application/protobuf"},
		{"traceparent", ev.traceparent},
	}
	m.Header = make(nats.Header, len(attributes)+batchHeaders)
	values := make([]string, len(attributes))
	for i, a := range attributes {
		if values[i] = a.value; a.value != "" {
			m.Header[a.name] = values[i : i+1 : i+1]
		}
	}
	return m, nil
}

// sendSingly publishes all messages and then waits for their acknowledgements.
// One that fails leaves a gap in the stream, which consumers see and fill from
// the log.
func (p *publisher) sendSingly(ctx context.Context, messages []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		if i > 0 && i == len(messages)-1 {
			if err := p.at(failpoint.RelayAmidPublish); err != nil {
				return err
			}
		}
		ack, err := p.js.PublishMsgAsync(m, jetstream.WithStallWait(publishTimeout))
		if err != nil {
			return fmt.Errorf("eventlog: publish: %w", err)
		}
		acks[i] = ack
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return fmt.Errorf("eventlog: publish: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("eventlog: publish: %w", ctx.Err())
		}
	}
	return nil
}

// sendBatch publishes the messages as one atomic batch: one flush to the disk,
// all stored or none. The first is a request so that a refusal tells its cause. All
// but the last lie with the broker when their turn is waited for; the last stores them.
// The broker forgets a batch whose last message does not come.
func (p *publisher) sendBatch(ctx context.Context, messages []*nats.Msg, turn func() error) error {
	id := uuid.NewString()
	for i, m := range messages {
		m.Header["Nats-Batch-Id"] = []string{id}
		m.Header["Nats-Batch-Sequence"] = []string{strconv.Itoa(i + 1)}
	}
	last := messages[len(messages)-1]
	last.Header["Nats-Batch-Commit"] = []string{"1"}
	failed := func(err error) error {
		return fmt.Errorf("eventlog: publish a batch of %d: %w", len(messages), err)
	}
	if err := p.request(ctx, messages[0]); err != nil {
		return failed(err)
	}
	for _, m := range messages[1 : len(messages)-1] {
		if err := p.conn.PublishMsg(m); err != nil {
			return failed(err)
		}
	}
	if err := turn(); err != nil {
		return err
	}
	if err := p.at(failpoint.RelayAmidPublish); err != nil {
		return err
	}
	if err := p.request(ctx, last); err != nil {
		return failed(err)
	}
	return nil
}

// request publishes one message of a batch and waits for the broker's word.
func (p *publisher) request(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	resp, err := p.conn.RequestMsgWithContext(ctx, m)
	if errors.Is(err, nats.ErrNoResponders) {
		return jetstream.ErrNoStreamResponse
	}
	if err != nil || len(resp.Data) == 0 {
		return err
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(resp.Data, &answer); err != nil {
		return fmt.Errorf("answer of the broker: %w", err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}
