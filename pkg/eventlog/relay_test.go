package eventlog_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// published reads what the stream holds, in its order.
func (b *bench) published() []*eventv1.Event {
	b.t.Helper()
	js, err := jetstream.New(b.nats)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx := b.t.Context()
	stream, err := js.Stream(ctx, "EVENTS")
	if err != nil {
		b.t.Fatal(err)
	}
	state := stream.CachedInfo().State
	var events []*eventv1.Event
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if err != nil {
			b.t.Fatal(err)
		}
		e := &eventv1.Event{}
		if err := proto.Unmarshal(m.Data, e); err != nil {
			b.t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestRelay_publishesEachEventOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	tenants := []uuid.UUID{uuid.New(), uuid.New()}
	contacts := []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}
	const rounds = 20
	for range rounds {
		for i, c := range contacts {
			b.write(t.Context(), tenants[i%2], c, 1+i*10)
		}
	}
	total := rounds * (1 + 11 + 21)
	eventually(t, "all are published", func() bool {
		return b.count("SELECT coalesce(sum(published), 0) FROM partition_head") == total
	})

	positions, seqs := map[int32]int64{}, map[string]int64{}
	events := b.published()
	if len(events) != total {
		t.Errorf("%d events in the stream, want %d", len(events), total)
	}
	for _, e := range events {
		if e.GetPosition() != positions[e.GetPartition()]+1 {
			t.Fatalf("partition %d: position %d after %d", e.GetPartition(), e.GetPosition(), positions[e.GetPartition()])
		}
		positions[e.GetPartition()]++
		if e.GetAggregateSeq() != seqs[e.GetAggregate()]+1 {
			t.Fatalf("%s: event %d after %d", e.GetAggregate(), e.GetAggregateSeq(), seqs[e.GetAggregate()])
		}
		seqs[e.GetAggregate()]++
	}
	if n := b.count("SELECT count(*) FROM outbox"); n != 0 {
		t.Errorf("%d rows are left in the outbox", n)
	}
}
