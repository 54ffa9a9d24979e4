package eventlog_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

func TestReader_answersAPartitionInPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start(t, b.relay().Run)
	tenant, contact := uuid.New(), uuid.New()
	b.write(t.Context(), tenant, contact, 25)
	partition := int32(entity.Partition(tenant, contact))
	eventually(t, "the events are in order", func() bool { return b.count("SELECT count(*) FROM event_order") == 25 })
	reader := &eventlog.Reader{DB: b.db.System}
	for name, source := range map[string]eventlog.Source{"read": reader, "answered": overTheWire{eventlog.Encoded{Reader: reader}}} {
		t.Run(name, func(t *testing.T) { readPages(t, source, partition) })
	}
}

// overTheWire is a log whose answers are encoded and decoded.
type overTheWire struct{ eventlog.Source }

func (s overTheWire) ReadEvents(ctx context.Context, req *eventv1.ReadEventsRequest) (*eventv1.ReadEventsResponse, error) {
	resp, err := s.Source.ReadEvents(ctx, req)
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(resp)
	if err != nil {
		return nil, err
	}
	answer := &eventv1.ReadEventsResponse{}
	return answer, proto.Unmarshal(data, answer)
}

// readPages reads the 25 events of a partition.
func readPages(t *testing.T, source eventlog.Source, partition int32) {
	t.Helper()
	var after int64
	for pages := 0; ; pages++ {
		resp, err := source.ReadEvents(t.Context(), &eventv1.ReadEventsRequest{Partition: partition, AfterPosition: after, PageSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		if resp.GetHeadPosition() != 25 {
			t.Errorf("head %d, want 25", resp.GetHeadPosition())
		}
		for _, e := range resp.GetEvents() {
			if after++; e.GetPosition() != after || e.GetAggregateSeq() != after || e.GetSealed() == nil || e.GetPayload() == nil {
				t.Fatalf("event %d: %v", after, e)
			}
		}
		if len(resp.GetEvents()) == 0 {
			if after != 25 || pages != 3 {
				t.Errorf("ended after %d events and %d pages", after, pages)
			}
			break
		}
	}
	heads, err := source.GetLogHeads(t.Context(), &eventv1.GetLogHeadsRequest{})
	if err != nil || len(heads.GetHeads()) != 16 || heads.GetHeads()[partition].GetPosition() != 25 {
		t.Errorf("heads %v, %v", heads, err)
	}
}

func TestReader_endsAPageAtFourMiB(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	start(t, b.relay().Run)
	tenant, contact := uuid.New(), uuid.New()
	if err := b.keys.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	drafts := make([]eventlog.Draft, 40)
	for i := range drafts {
		drafts[i] = eventlog.Draft{Contacts: []uuid.UUID{contact}, Payload: &contactv1.ContactUpdated{
			Contact: &contactv1.Contact{DisplayName: strings.Repeat("x", 200<<10)},
		}}
	}
	a := eventlog.Aggregate{Name: "contacts/" + contact.String(), Partition: entity.Partition(tenant, contact)}
	events, err := b.log.Prepare(t.Context(), tenant, a, drafts)
	if err != nil {
		t.Fatal(err)
	}
	b.commit(tenant, events)
	start(t, b.runner(eventlog.Projection{Name: "p", Areas: []string{area}, Apply: see("p").Apply}).Run)
	eventually(t, "all are applied", func() bool { return b.count("SELECT count(*) FROM seen") == len(drafts) })
	resp, err := (&eventlog.Reader{DB: b.db.System}).ReadEvents(t.Context(), &eventv1.ReadEventsRequest{Partition: int32(a.Partition)})
	if err != nil || len(resp.GetEvents()) < 15 || len(resp.GetEvents()) > 22 {
		t.Errorf("%d events of 200 KiB in a page, %v", len(resp.GetEvents()), err)
	}
}

func TestReader_saysWhenTheLogWasTrimmed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stop := start(t, b.relay().Run)
	tenant, contact := uuid.New(), uuid.New()
	b.write(t.Context(), tenant, contact, 5)
	eventually(t, "the events are in order", func() bool { return b.count("SELECT count(*) FROM event_order") == 5 })
	stop()
	b.count("WITH gone AS (DELETE FROM event_log WHERE aggregate_seq <= 3 RETURNING 1) SELECT count(*) FROM gone")
	reader := &eventlog.Reader{DB: b.db.System}
	partition := int32(entity.Partition(tenant, contact))
	for after, reason := range []string{"LOG_TRIMMED", "LOG_TRIMMED", "LOG_TRIMMED", ""} {
		_, err := reader.ReadEvents(t.Context(), &eventv1.ReadEventsRequest{Partition: partition, AfterPosition: int64(after)})
		if errs.Reason(err) != reason {
			t.Errorf("after %d: %v, want %q", after, err, reason)
		}
	}
}

func TestRunner_waitForSaysNotYet(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	runner := b.runner(see("p"))
	b.write(t.Context(), uuid.New(), uuid.New(), 1)
	position := int64(b.count("SELECT max(position) FROM outbox"))
	for token, reason := range map[string]string{
		eventlog.Token(area, position): "NOT_YET_VISIBLE",
		"sales.7":                      "", // an area it does not read
		"":                             "",
		"contact":                      "FIELD_INVALID",
		"contact.x":                    "FIELD_INVALID",
	} {
		if err := runner.WaitFor(t.Context(), token); errs.Reason(err) != reason {
			t.Errorf("%q: %v, want %q", token, err, reason)
		}
	}
}

// The months of the log are made ahead; what fell into the net before moves to
// its month.
func TestMonths(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	far := time.Date(2031, 5, 31, 23, 59, 59, 999999000, time.UTC)
	b.log.Now = func() time.Time { return far }
	b.write(t.Context(), uuid.New(), uuid.New(), 2)
	b.log.Now = func() time.Time { return far.Add(time.Microsecond) }
	b.write(t.Context(), uuid.New(), uuid.New(), 1)
	if n := b.count("SELECT count(*) FROM event_log WHERE tableoid = 'event_log_default'::regclass"); n != 3 {
		t.Fatalf("%d events in the default partition, want 3", n)
	}
	for range 2 {
		b.exec("SELECT event_log_months($1, 1)", far)
	}
	if n := b.count("SELECT count(*) FROM event_log WHERE tableoid <> 'event_log_default'::regclass"); n != 2 {
		t.Errorf("%d events moved to their month, want 2", n)
	}

	relay := b.relay()
	relay.Now = func() time.Time { return far }
	start(t, relay.Run)
	eventually(t, "the months ahead are made", func() bool {
		return b.count("SELECT count(*) FROM pg_class WHERE relname IN ('event_log_2031_06', 'event_log_2031_07', 'event_log_2031_08')") == 3
	})
	start(t, b.runner(see("p")).Run)
	b.sees("p")
}

// Answers are kept for 72 hours.
func TestRelay_prunesOldAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	now := time.Now()
	b.exec(`INSERT INTO idempotency (tenant, subject, method, key, hash, contacts, create_time)
		SELECT gen_random_uuid(), 's', 'm', n::text, '', '{}', $1::timestamptz - n * interval '1 hour' - interval '1 second' FROM generate_series(0, 143) n`, now)
	b.exec(`INSERT INTO idempotency (tenant, subject, method, key, hash, contacts, create_time)
		SELECT gen_random_uuid(), 's', 'm', n::text, '', '{}', $1::timestamptz - interval '80 hours' FROM generate_series(1, 12000) n`, now)
	relay := b.relay()
	relay.Now = func() time.Time { return now }
	start(t, relay.Run)
	eventually(t, "72 answers are left", func() bool { return b.count("SELECT count(*) FROM idempotency") == 72 })
}

func (b *bench) exec(query string, args ...any) {
	b.t.Helper()
	if _, err := b.db.System.Exec(context.Background(), query, args...); err != nil {
		b.t.Fatal(err)
	}
}
