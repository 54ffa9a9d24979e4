package eventlog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// pageEvents is the most events of one answer.
	pageEvents = 1000
	// pageBytes ends an answer early: it must stay below the size of a message.
	pageBytes = 4 << 20
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
	// Relay is the relay in the same process, or nil. While it leads, those who wait
	// for a change to get its place hear of it from the relay.
	Relay *Relay
}

// ReadEvents answers the next events of a partition. It answers OUT_OF_RANGE
// LOG_TRIMMED when the log no longer goes back that far.
func (r *Reader) ReadEvents(ctx context.Context, req *eventv1.ReadEventsRequest) (*eventv1.ReadEventsResponse, error) {
	resp := &eventv1.ReadEventsResponse{}
	return resp, r.read(ctx, req, resp, func(position int64, body []byte) error {
		e := &eventv1.Event{Position: position}
		resp.Events = append(resp.Events, e)
		return proto.UnmarshalOptions{Merge: true}.Unmarshal(body, e)
	})
}

// Encoded serves the log of an area to others: it answers events as they are stored,
// so that nobody decodes them but who asked.
type Encoded struct{ *Reader }

// ReadEvents answers what that of Reader does. Until it is encoded the answer holds the
// events where a message keeps what it does not know.
func (r Encoded) ReadEvents(ctx context.Context, req *eventv1.ReadEventsRequest) (*eventv1.ReadEventsResponse, error) {
	resp := &eventv1.ReadEventsResponse{}
	var events []byte
	err := r.read(ctx, req, resp, func(position int64, body []byte) error {
		events = appendAnswered(events, body, position)
		return nil
	})
	resp.ProtoReflect().SetUnknown(events)
	return resp, err
}

// read hands over the next events of a partition, and puts the partition's head into the
// answer.
func (r *Reader) read(ctx context.Context, req *eventv1.ReadEventsRequest, resp *eventv1.ReadEventsResponse, take func(position int64, body []byte) error) error {
	limit := int(req.GetPageSize())
	if limit <= 0 || limit > pageEvents {
		limit = pageEvents
	}
	last := req.GetAfterPosition()
	var b pgx.Batch
	b.Queue(readOrder, req.GetPartition(), req.GetAfterPosition(), limit).Query(func(rows pgx.Rows) (err error) {
		last, err = scanEvents(rows, last, take)
		return err
	})
	b.Queue("SELECT seq FROM partition_head WHERE partition = $1", req.GetPartition()).QueryRow(func(row pgx.Row) error {
		return row.Scan(&resp.HeadPosition)
	})
	if err := r.DB.SendBatch(ctx, &b).Close(); err != nil {
		return postgres.SQLError(fmt.Errorf("eventlog: reading the log: %w", err))
	}
	if last == req.GetAfterPosition() && resp.GetHeadPosition() > last {
		return errTrimmed
	}
	return nil
}

const readOrder = `
SELECT o.seq, l.event
FROM event_order o
CROSS JOIN LATERAL (
	SELECT event
	FROM event_log
	WHERE position = o.position AND recorded_at = o.recorded_at
	LIMIT 1
) l
WHERE o.partition = $1 AND o.seq > $2
ORDER BY o.seq
LIMIT $3`

var errTrimmed = errs.OutOfRange("LOG_TRIMMED", "the log no longer goes back that far")

// scanEvents hands over events up to pageBytes, without a gap after the position, and
// answers that of the last one.
func scanEvents(rows pgx.Rows, after int64, take func(position int64, body []byte) error) (last int64, err error) {
	var position int64
	var body pgtype.DriverBytes
	for size := 0; rows.Next() && size < pageBytes; size += len(body) {
		if err := rows.Scan(&position, &body); err != nil {
			return after, err
		}
		if after++; position != after {
			return after, errTrimmed
		}
		if err := take(position, body); err != nil {
			return after, fmt.Errorf("event %d: %w", after, err)
		}
	}
	rows.Close()
	return after, rows.Err()
}

// GetLogHeads answers the newest position of each partition. Where the request
// names a position token, it waits until that change has its place in the order.
func (r *Reader) GetLogHeads(ctx context.Context, req *eventv1.GetLogHeadsRequest) (*eventv1.LogHeads, error) {
	if err := r.awaitOrder(ctx, req.GetMinPosition()); err != nil {
		return nil, err
	}
	rows, err := r.DB.Query(ctx, "SELECT partition, seq FROM partition_head ORDER BY partition")
	if err != nil {
		return nil, postgres.SQLError(fmt.Errorf("eventlog: reading the heads: %w", err))
	}
	heads, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*eventv1.LogHead, error) {
		h := &eventv1.LogHead{}
		return h, row.Scan(&h.Partition, &h.Position)
	})
	return &eventv1.LogHeads{Heads: heads}, postgres.SQLError(err)
}

// Token makes the lingkar-position of a change: the area and the position of its
// last event in the log.
func Token(area string, position int64) string {
	return area + "." + strconv.FormatInt(position, 10)
}

func parseToken(token string) (area string, position int64, err error) {
	area, number, _ := strings.Cut(token, ".")
	position, err = strconv.ParseInt(number, 10, 64)
	if err != nil || area == "" {
		return "", 0, errs.Invalid("min_position", "", "must be the lingkar-position of an earlier answer")
	}
	return area, position, nil
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
