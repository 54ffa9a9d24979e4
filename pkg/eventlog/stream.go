package eventlog

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamName is the one stream of all areas.
const StreamName = "EVENTS"

// EnsureStream makes the stream, or brings an existing one to its settings.
func EnsureStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	panic("not implemented")
}
