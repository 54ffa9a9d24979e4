package eventlog_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// The tests' PostgreSQL runs without fsync; the broker syncs every write.

// backlog is how many events a throughput is measured over.
const backlog = 20_000

// fillLog writes n events of many contacts, 500 in a transaction.
func (b *bench) fillLog(n int) {
	b.t.Helper()
	tenant := uuid.New()
	for range n / 500 {
		var events []*eventv1.Event
		for range 50 {
			events = append(events, b.prepare(context.Background(), tenant, uuid.New(), 0, 10)...)
		}
		b.commit(tenant, events)
	}
}

// counted is a projection that writes a row an event, in one statement a batch.
func counted() eventlog.Projection {
	return eventlog.Projection{Name: "counted", Areas: []string{area}, Apply: func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		aggregates, positions := make([]string, len(events)), make([]int64, len(events))
		for i, e := range events {
			aggregates[i], positions[i] = e.GetAggregate(), e.GetPosition()
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO seen (projection, aggregate, position)
			SELECT 'counted', * FROM unnest($1::text[], $2::bigint[])`, aggregates, positions)
		return err
	}}
}

func BenchmarkLog_Prepare(b *testing.B) {
	keys := (&vault{}).keys()
	log := &eventlog.Log{Area: area, Keys: keys, Now: time.Now}
	tenant, contact := uuid.New(), uuid.New()
	if err := keys.Fetch(b.Context(), tenant, contact); err != nil {
		b.Fatal(err)
	}
	a := eventlog.Aggregate{Name: "contacts/" + contact.String(), Partition: entity.Partition(tenant, contact)}
	drafts := []eventlog.Draft{{Contacts: []uuid.UUID{contact}, Payload: &contactv1.ContactUpdated{Contact: &contactv1.Contact{
		Name: a.Name, DisplayName: "Siti Rahayu", GivenName: "Siti", FamilyName: "Rahayu", LanguageCode: "id",
		Identifiers: []*contactv1.Identifier{{Value: "siti@example.com"}}, Labels: map[string]string{"tier": "gold"},
	}}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := log.Prepare(b.Context(), tenant, a, drafts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRelay(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newBench(b)
		h.fillLog(backlog)
		b.StartTimer()
		began := time.Now()
		stop := start(b, h.relay().Run)
		for h.count("SELECT coalesce(sum(published), 0) FROM partition_head") < backlog {
			time.Sleep(5 * time.Millisecond)
		}
		b.ReportMetric(backlog/time.Since(began).Seconds(), "events/s")
		stop()
	}
}

// A projection that catches up reads the log of its producer, not the broker.
func BenchmarkRunner_catchUp(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newBench(b)
		h.fillLog(backlog)
		stopRelay := start(b, h.relay().Run)
		for h.count("SELECT count(*) FROM outbox") > 0 {
			time.Sleep(5 * time.Millisecond)
		}
		stopRelay()
		b.StartTimer()
		began := time.Now()
		stop := start(b, h.runner(counted()).Run)
		for h.count("SELECT coalesce(sum(seq), 0) FROM projection_cursor") < backlog {
			time.Sleep(5 * time.Millisecond)
		}
		b.ReportMetric(backlog/time.Since(began).Seconds(), "events/s")
		stop()
	}
}

// Relay and projection together, through the broker.
func BenchmarkRunner_follow(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newBench(b)
		h.fillLog(backlog)
		stopRunner := start(b, h.runner(counted()).Run)
		for h.count("SELECT count(*) FROM projection_cursor") < 16 {
			time.Sleep(5 * time.Millisecond)
		}
		b.StartTimer()
		began := time.Now()
		stopRelay := start(b, h.relay().Run)
		for h.count("SELECT coalesce(sum(seq), 0) FROM projection_cursor") < backlog {
			time.Sleep(5 * time.Millisecond)
		}
		b.ReportMetric(backlog/time.Since(began).Seconds(), "events/s")
		stopRelay()
		stopRunner()
	}
}

// From the recording of a change to its appearance in the projection's
// transaction, just before that commits, at 200 changes a second.
func BenchmarkFreshness(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		h := newBench(b)
		relay := h.relay()
		h.log.Wake = relay.Wake
		lags := make(chan time.Duration, 4000)
		p := counted()
		apply := p.Apply
		p.Apply = func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
			err := apply(ctx, tx, events)
			for _, e := range events {
				lags <- time.Since(e.GetRecordedAt().AsTime())
			}
			return err
		}
		stopRelay := start(b, relay.Run)
		stopRunner := start(b, h.runner(p).Run)
		time.Sleep(500 * time.Millisecond)
		tenant := uuid.New()
		b.StartTimer()
		tick := time.NewTicker(5 * time.Millisecond)
		for range 1000 {
			<-tick.C
			h.write(context.Background(), tenant, uuid.New(), 1)
		}
		for len(lags) < 1000 {
			time.Sleep(5 * time.Millisecond)
		}
		tick.Stop()
		stopRunner()
		stopRelay()
		reportLags(b, lags)
	}
}

func reportLags(b *testing.B, lags chan time.Duration) {
	close(lags)
	var all []time.Duration
	for lag := range lags {
		all = append(all, lag)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}
