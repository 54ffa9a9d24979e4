package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// steady records events in the log of contact itself, at an even pace: no service that
// a measurement stops stands between. They are of relationship types, which have no
// personal fields to seal.
type steady struct {
	conn    *pgx.Conn
	tenant  uuid.UUID
	end     context.CancelFunc
	done    chan struct{}
	written int
	failed  error
}

func startSteady(ctx context.Context, url string) (*steady, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(ctx)
	s := &steady{conn: conn, tenant: entity.NewID(), end: end, done: make(chan struct{})}
	go s.run(ctx)
	return s, nil
}

// stop answers how many events were recorded.
func (s *steady) stop() (int, error) {
	s.end()
	<-s.done
	_ = s.conn.Close(context.Background()) // nothing is pending
	return s.written, s.failed
}

func (s *steady) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(time.Second / steadyRate)
	defer tick.Stop()
	for ctx.Err() == nil && s.failed == nil {
		if s.failed = s.record(context.WithoutCancel(ctx)); s.failed == nil {
			s.written++
		}
		<-tick.C
	}
}

// record writes one event and tells the relay.
func (s *steady) record(ctx context.Context) error {
	e, err := s.event(time.Now().UTC().Truncate(time.Microsecond))
	if err != nil {
		return err
	}
	body, err := proto.Marshal(e)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`
		WITH e AS (
			INSERT INTO event_log (tenant, aggregate, aggregate_seq, recorded_at, id, partition, type, event)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			RETURNING position, recorded_at, partition
		)
		INSERT INTO outbox (position, recorded_at, partition) SELECT * FROM e`,
		s.tenant, e.GetAggregate(), e.GetAggregateSeq(), e.GetRecordedAt().AsTime(), uuid.MustParse(e.GetId()), int16(e.GetPartition()), e.GetType(), body)
	if err := s.conn.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	_, err = s.conn.Exec(ctx, "SELECT pg_notify('lingkar_outbox', '')")
	return err
}

func (s *steady) event(now time.Time) (*eventv1.Event, error) {
	id := entity.NewID()
	name := "relationshipTypes/" + id.String()
	payload, err := anypb.New(&contactv1.RelationshipTypeCreated{RelationshipType: &contactv1.RelationshipType{
		Name: name, ForwardName: "buys for " + id.String(), ReverseName: "is bought for by " + id.String(), CreateTime: timestamppb.New(now), UpdateTime: timestamppb.New(now),
	}})
	if err != nil {
		return nil, err
	}
	return &eventv1.Event{
		Id: entity.NewID().String(), Tenant: s.tenant.String(), Type: string(payload.MessageName()), Aggregate: name, AggregateSeq: 1,
		Area: "contact", Partition: int32(entity.Partition(s.tenant, id)), OccurredAt: timestamppb.New(now), RecordedAt: timestamppb.New(now),
		Actor: "users/bench", SchemaVersion: 1, Payload: payload,
	}, nil
}

// stored waits until the store of events has as many as were written, and answers how
// many came twice and how many out of the order of their partition.
func stored(ctx context.Context, url string, written int) (doubled, turned int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	all, different := 0, 0
	for deadline := time.Now().Add(settleTimeout); different < written; time.Sleep(eventsPoll) {
		err := conn.QueryRow(ctx, "SELECT count(*), count(DISTINCT (partition, position)) FROM event_store WHERE area = 'contact'").Scan(&all, &different)
		if err != nil {
			return 0, 0, err
		}
		if time.Now().After(deadline) {
			return 0, 0, fmt.Errorf("%d of %d events have arrived after %s", different, written, settleTimeout)
		}
	}
	err = conn.QueryRow(ctx, `
		SELECT count(*) FROM (
			SELECT position, lag(position, 1, 0::bigint) OVER (PARTITION BY partition ORDER BY arrival) AS before
			FROM event_store WHERE area = 'contact') x
		WHERE position <> before + 1`).Scan(&turned)
	return all - different, turned, err
}
