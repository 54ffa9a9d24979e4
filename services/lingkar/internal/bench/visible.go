package bench

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

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
