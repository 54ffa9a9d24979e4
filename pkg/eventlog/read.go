package eventlog

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Reader serves the log of an area: it is a Source, and the methods of an
// area's EventLogService, which embeds it:
//
//	type eventLog struct {
//		salesv1.UnsafeEventLogServiceServer
//		*eventlog.Reader
//	}
type Reader struct {
	// DB is the service's database as role relay.
	DB *pgxpool.Pool
}

// ReadEvents answers the next events of a partition.
func (r *Reader) ReadEvents(ctx context.Context, req *eventv1.ReadEventsRequest) (*eventv1.ReadEventsResponse, error) {
	panic("not implemented")
}

// GetLogHeads answers the newest position of each partition.
func (r *Reader) GetLogHeads(ctx context.Context, req *eventv1.GetLogHeadsRequest) (*eventv1.LogHeads, error) {
	panic("not implemented")
}

// NewSource reads the log of another service, through its EventLogService.
func NewSource(area string, conn grpc.ClientConnInterface) Source {
	return &remote{service: "/lingkar." + area + ".v1.EventLogService/", conn: conn}
}

type remote struct {
	service string
	conn    grpc.ClientConnInterface
}

// ReadEvents implements Source.
func (s *remote) ReadEvents(ctx context.Context, req *eventv1.ReadEventsRequest) (*eventv1.ReadEventsResponse, error) {
	resp := &eventv1.ReadEventsResponse{}
	return resp, s.conn.Invoke(ctx, s.service+"ReadEvents", req, resp)
}

// GetLogHeads implements Source.
func (s *remote) GetLogHeads(ctx context.Context, req *eventv1.GetLogHeadsRequest) (*eventv1.LogHeads, error) {
	resp := &eventv1.LogHeads{}
	return resp, s.conn.Invoke(ctx, s.service+"GetLogHeads", req, resp)
}
