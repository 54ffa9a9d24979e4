package eventlog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// published reads what the stream holds, in its order.
func (b *bench) published() []*eventv1.Event {
	b.t.Helper()
	js, err := jetstream.New(b.admin)
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

// Two events close to one another are published at once each, the second while the
// first is on its way; nothing of that is published again with the next ones.
func TestRelay_publishesEachEventOnceWhileCalm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	relay := b.relay()
	b.log.Wake = relay.Wake
	start(t, relay.Run)
	tenant := uuid.New()
	b.write(t.Context(), tenant, uuid.New(), 1)
	eventually(t, "there is a stream", func() bool { return b.count("SELECT sum(published) FROM partition_head") == 1 })
	const rounds = 25
	for range rounds {
		b.write(t.Context(), tenant, uuid.New(), 1)
		b.write(t.Context(), tenant, uuid.New(), 1)
		eventually(t, "both are published", func() bool { return len(b.published()) >= b.written() })
	}
	if n := len(b.published()); n != 1+2*rounds {
		t.Errorf("%d events were published as %d messages", 1+2*rounds, n)
	}
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

// On the wire an event is a CloudEvent (NATS binding, binary mode), whose data is
// the event with its position, still sealed.
func TestRelay_publishesCloudEvents(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}))
	tenant, contact := uuid.New(), uuid.New()
	b.write(ctx, tenant, contact, 30) // a batch
	start(t, b.relay().Run)
	eventually(t, "the batch is published", func() bool { return b.count("SELECT sum(published) FROM partition_head") == 30 })
	b.write(ctx, tenant, contact, 1) // a single message
	eventually(t, "all are published", func() bool { return b.count("SELECT sum(published) FROM partition_head") == 31 })

	js, err := jetstream.New(b.admin)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(ctx, eventlog.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{1, 31} {
		m, err := stream.GetMsg(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		var e eventv1.Event
		if err := proto.Unmarshal(m.Data, &e); err != nil {
			t.Fatal(err)
		}
		if e.GetPosition() != int64(seq) || e.GetSealed() == nil || strings.Contains(e.String(), canary) {
			t.Errorf("message %d carries %v", seq, &e)
		}
		if want := fmt.Sprintf("evt.contact.%d.ContactUpdated", entity.Partition(tenant, contact)); m.Subject != want {
			t.Errorf("subject %s, want %s", m.Subject, want)
		}
		for header, want := range map[string]string{
			"ce-specversion": "1.0", "ce-id": e.GetId(), "ce-source": "/lingkar/contact", "ce-type": "lingkar.contact.v1.ContactUpdated",
			"ce-subject": "contacts/" + contact.String(), "ce-time": e.GetOccurredAt().AsTime().Format(time.RFC3339Nano),
			"content-type": "application/protobuf", "traceparent": "00-01000000000000000000000000000000-0200000000000000-00",
		} {
			if got := m.Header[header]; len(got) != 1 || got[0] != want {
				t.Errorf("message %d: %s = %q, want %q", seq, header, got, want)
			}
		}
		if m.Header.Get(nats.MsgIdHdr) != "" {
			t.Error("a message has a Nats-Msg-Id: one duplicate would refuse a whole batch")
		}
	}
}
