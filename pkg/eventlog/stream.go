package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamName is the one stream of all areas.
const StreamName = "EVENTS"

const (
	// streamAge is how long the broker keeps an event. The log keeps it for ever:
	// a consumer that was away for longer catches up from there.
	streamAge = 14 * 24 * time.Hour
	// headerBytes is room for the headers beside an event of MaxEventBytes.
	headerBytes = 8 << 10
)

// EnsureStream makes the stream where there is none. One that exists is left as it
// is: to change its settings is the operator's, by UpdateStream.
func EnsureStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	stream, err := js.CreateStream(ctx, streamConfig())
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		stream, err = js.Stream(ctx, StreamName)
	}
	return stream, worded(err)
}

// UpdateStream makes the stream, or brings an existing one to the settings of this
// version. At the broker it takes an operator.
func UpdateStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	stream, err := js.CreateOrUpdateStream(ctx, streamConfig())
	return stream, worded(err)
}

func worded(err error) error {
	if err != nil {
		return fmt.Errorf("eventlog: stream %s: %w", StreamName, err)
	}
	return nil
}

// streamConfig is how the stream is to be. When it is full it refuses new events,
// which then wait in the log; it never drops old ones that may not have been read.
func streamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        StreamName,
		Description: "Events of all areas on their way from the logs to the projections",
		Subjects:    []string{"evt.>"},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		Replicas:    1,
		Discard:     jetstream.DiscardNew,
		MaxAge:      streamAge,
		MaxMsgSize:  MaxEventBytes + headerBytes,
		DenyDelete:  true,
		// Events are known by their position, never by a Nats-Msg-Id: one duplicate
		// would refuse a whole atomic batch.
		Duplicates:         time.Minute,
		AllowAtomicPublish: true,
	}
}

// streamMissing reports whether an error says that the stream does not exist, or
// that the broker has no JetStream yet.
func streamMissing(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrNoStreamResponse)
}
