package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// schemaVersion is the version of a payload's meaning until its documentation
// says more.
const schemaVersion = 1

// Prepare makes the events of one aggregate, numbered from a.Seq+1 on and with
// their personal fields sealed. Who did it and what led to it are read from the
// context.
//
// It answers a *KeyMissingError when a key must be fetched first (outside of a
// transaction), and INVALID_ARGUMENT EVENT_TOO_LARGE for an event over
// MaxEventBytes.
func (l *Log) Prepare(ctx context.Context, tenant uuid.UUID, a Aggregate, drafts []Draft) ([]*eventv1.Event, error) {
	recorded := l.Now().UTC().Truncate(time.Microsecond)
	events := make([]*eventv1.Event, len(drafts))
	for i, d := range drafts {
		e := l.envelope(ctx, tenant, a, d, recorded)
		e.AggregateSeq = a.Seq + int64(i) + 1
		if err := Seal(l.Keys, e, d.Payload); err != nil {
			return nil, err
		}
		encoded, err := proto.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("eventlog: %s of %s: %w", e.GetType(), a.Name, err)
		}
		if len(encoded) > MaxEventBytes {
			return nil, errs.Invalid("", "EVENT_TOO_LARGE", "the record is larger than 256 KiB: move long texts into a document")
		}
		events[i] = e
	}
	return events, nil
}

func (l *Log) envelope(ctx context.Context, tenant uuid.UUID, a Aggregate, d Draft, recorded time.Time) *eventv1.Event {
	occurred := d.OccurredAt
	if occurred.IsZero() {
		occurred = recorded
	}
	contacts := make([]string, len(d.Contacts))
	for i, c := range d.Contacts {
		contacts[i] = "contacts/" + c.String()
	}
	info := call.From(ctx)
	return &eventv1.Event{
		Id:            entity.NewID().String(),
		Tenant:        "tenants/" + tenant.String(),
		Type:          string(d.Payload.ProtoReflect().Descriptor().FullName()),
		Aggregate:     a.Name,
		Area:          l.Area,
		Partition:     int32(a.Partition),
		OccurredAt:    timestamppb.New(occurred.UTC().Truncate(time.Microsecond)),
		RecordedAt:    timestamppb.New(recorded),
		Actor:         l.actor(ctx),
		CorrelationId: info.Correlation,
		CausationId:   info.Causation,
		SchemaVersion: schemaVersion,
		Contacts:      contacts,
		Interaction:   d.Interaction,
		Traceparent:   traceparent(ctx),
	}
}

// actor is the caller, or the service itself in its own background work.
func (l *Log) actor(ctx context.Context) string {
	if c, ok := auth.FromOK(ctx); ok {
		return c.Subject
	}
	return "services/" + l.Area
}

// traceparent is the W3C form of the context's span, empty without one.
func traceparent(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return ""
	}
	return "00-" + span.TraceID().String() + "-" + span.SpanID().String() + "-" + span.TraceFlags().String()
}

// insertEvents takes the numbers of the log's positions after the row locks of
// the aggregates are held, which is what makes their order that of each
// aggregate.
const insertEvents = `
WITH logged AS (
	INSERT INTO event_log (tenant, id, recorded_at, partition, aggregate, aggregate_seq, type, event)
	SELECT $1, e.id, e.recorded_at, e.partition, e.aggregate, e.aggregate_seq, e.type, e.event
	FROM unnest($2::uuid[], $3::timestamptz[], $4::smallint[], $5::text[], $6::bigint[], $7::text[], $8::bytea[])
		WITH ORDINALITY AS e (id, recorded_at, partition, aggregate, aggregate_seq, type, event, n)
	ORDER BY e.n
	RETURNING position, recorded_at, partition
), queued AS (
	INSERT INTO outbox (position, recorded_at, partition)
	SELECT position, recorded_at, partition FROM logged
)
SELECT position FROM logged`

// Queue adds the rows of the events, at least one, to the batch of the change's
// transaction. The events are those of Prepare, all of one tenant. The query
// answers their positions in the log, from which a Token is made. After the
// commit call Wake.
func (l *Log) Queue(b *pgx.Batch, events []*eventv1.Event) *pgx.QueuedQuery {
	n := len(events)
	var (
		ids        = make([]uuid.UUID, n)
		recorded   = make([]time.Time, n)
		partitions = make([]int16, n)
		aggregates = make([]string, n)
		seqs       = make([]int64, n)
		types      = make([]string, n)
		bodies     = make([][]byte, n)
	)
	for i, e := range events {
		ids[i] = uuid.MustParse(e.GetId())
		recorded[i] = e.GetRecordedAt().AsTime()
		partitions[i] = int16(e.GetPartition())
		aggregates[i] = e.GetAggregate()
		seqs[i] = e.GetAggregateSeq()
		types[i] = e.GetType()
		bodies[i] = encode(e)
	}
	tenant := uuid.MustParse(events[0].GetTenant()[len("tenants/"):])
	return b.Queue(insertEvents, tenant, ids, recorded, partitions, aggregates, seqs, types, bodies)
}

// encode marshals an event of Prepare, which has shown that it can be.
func encode(e *eventv1.Event) []byte {
	body, err := proto.Marshal(e)
	if err != nil {
		panic("eventlog: an event that was not prepared: " + err.Error())
	}
	return body
}
