package live

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// slack is how much earlier than an event's own time it is looked for: the
	// clocks of services differ.
	slack = time.Minute
	// scanned is how many messages are looked through for an event.
	scanned = 100_000
	// fetched is how many come at a time.
	fetched = 500
)

// resume hands what came after an event to say, in the broker's order, and
// answers the broker's sequence up to which all was told. It answers false where
// the broker does not know the event.
func (h *Hub) resume(ctx context.Context, l *listener, after uuid.UUID, say func(told) error) (upTo uint64, ok bool, err error) {
	making, cancel := context.WithTimeout(ctx, setUp)
	defer cancel()
	stream, err := h.stream(making)
	if err != nil {
		return 0, false, err
	}
	end := stream.CachedInfo().State.LastSeq
	seconds, nanos := after.Time().UnixTime()
	start := time.Unix(seconds, nanos).Add(-slack)
	if after.Version() != 7 || start.After(time.Now()) || end == 0 {
		return 0, false, nil
	}
	consumer, err := stream.OrderedConsumer(making, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &start,
	})
	if err != nil {
		return 0, false, err
	}
	return h.replay(ctx, l, consumer, after, end, say)
}

func (h *Hub) replay(ctx context.Context, l *listener, from jetstream.Consumer, after uuid.UUID, end uint64, say func(told) error) (upTo uint64, found bool, err error) {
	for range scanned / fetched {
		batch, err := from.Fetch(fetched, jetstream.FetchMaxWait(pullExpiry))
		if err != nil {
			return upTo, false, err
		}
		got := 0
		for m := range batch.Messages() {
			got++
			meta, err := m.Metadata()
			if err != nil {
				return upTo, false, err
			}
			if upTo = meta.Sequence.Stream; found {
				err = h.repeat(ctx, l, upTo, m.Data(), say)
			} else {
				found = idOf(m) == after.String()
			}
			if err != nil || upTo >= end {
				return upTo, found, err
			}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoMessages) {
			return upTo, false, err
		}
		if got == 0 {
			break
		}
	}
	return upTo, found && upTo >= end, ctx.Err()
}

// idOf reads the id of an event without decoding it.
func idOf(m jetstream.Msg) string { return m.Headers().Get("ce-id") }

// repeat says an event again, where it is one for the listener.
func (h *Hub) repeat(ctx context.Context, l *listener, seq uint64, data []byte, say func(told) error) error {
	var e eventv1.Event
	if err := proto.Unmarshal(data, &e); err != nil || tenantOf(&e) != l.tenant {
		return nil // the live tail tells of what cannot be read
	}
	t, err := h.word(ctx, seq, &e)
	if err != nil || !l.filter.wants(t) {
		return err
	}
	return say(t)
}
