package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// area is the service of these tests, which keeps its log and its projections in
// one database.
const area = "contact"

// schema is a projection that writes down what it sees. Nothing in it hides a
// doubled or a turned-round event.
var schema = fstest.MapFS{"00001_seen.sql": {Data: []byte(`-- +goose Up
CREATE TABLE seen (
	n             bigint GENERATED ALWAYS AS IDENTITY,
	projection    text,
	tenant        text,
	partition     int,
	position      bigint,
	aggregate     text,
	aggregate_seq bigint,
	name          text
);
SELECT lingkar_grant('seen');`)}}

func migrate(ctx context.Context, ownerURL string) error {
	if err := postgres.Migrate(ctx, ownerURL, eventlog.VersionTable, eventlog.Migrations); err != nil {
		return err
	}
	return postgres.Migrate(ctx, ownerURL, "seen_version", schema)
}

// bench is one service's log with its broker, without relay or runner.
type bench struct {
	t     testing.TB
	db    *postgres.DB
	nats  *nats.Conn // as the service
	admin *nats.Conn // as the broker's operator
	keys  *eventlog.KeyCache
	log   *eventlog.Log
	urls  postgres.URLs
	seqMu sync.Mutex
	seqs  map[uuid.UUID]int64
}

func newBench(t testing.TB) *bench {
	t.Helper()
	urls := testkit.Database(t, "eventlog", migrate, eventlog.Migrations, schema)
	keys := (&vault{}).keys()
	broker := testkit.StartBroker(t, mesh.Mesh{"contact": {Area: area, Reads: []string{area}}})
	b := &bench{
		t: t, urls: urls, db: testkit.Open(t, urls), nats: broker.Connect(t, "contact"), admin: broker.Connect(t, mesh.Operator), keys: keys,
		log:  &eventlog.Log{Area: area, Keys: keys, Now: time.Now},
		seqs: map[uuid.UUID]int64{},
	}
	return b
}

func (b *bench) relay() *eventlog.Relay {
	return &eventlog.Relay{Area: area, DB: b.db.System, NATS: b.nats, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
}

// see is a projection that writes what it sees into table seen.
func see(name string) eventlog.Projection {
	return eventlog.Projection{Name: name, Areas: []string{area}, Apply: func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		var batch pgx.Batch
		for _, e := range events {
			var payload contactv1.ContactUpdated
			if err := e.GetPayload().UnmarshalTo(&payload); err != nil {
				return err
			}
			batch.Queue(`
				INSERT INTO seen (projection, tenant, partition, position, aggregate, aggregate_seq, name)
				VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				name, e.GetTenant(), e.GetPartition(), e.GetPosition(), e.GetAggregate(), e.GetAggregateSeq(),
				payload.GetContact().GetDisplayName())
		}
		return tx.SendBatch(ctx, &batch).Close()
	}}
}

// runner keeps a projection that reads the log through the broker, and catches
// up from the log itself.
func (b *bench) runner(p eventlog.Projection) *eventlog.Runner {
	return &eventlog.Runner{
		Projection: p, DB: b.db.System, Feed: &eventlog.Feed{NATS: b.nats}, Keys: b.keys, Logger: slog.New(slog.DiscardHandler),
		Sources: map[string]eventlog.Source{area: &eventlog.Reader{DB: b.db.System}},
	}
}

// written is how many events the log holds.
func (b *bench) written() int { return b.count("SELECT count(*) FROM event_log") }

// sees waits until a projection has seen all that was written, and checks that
// each event came once, opened, and in the order of its partition and of its
// aggregate.
func (b *bench) sees(name string) {
	b.t.Helper()
	eventually(b.t, name+" has seen all", func() bool {
		return b.count("SELECT count(DISTINCT (partition, position)) FROM seen WHERE projection = $1", name) >= b.written()
	})
	if seen, written := b.count("SELECT count(*) FROM seen WHERE projection = $1", name), b.written(); seen != written {
		b.t.Errorf("%s saw %d events, %d were written", name, seen, written)
	}
	if n := b.count(`
		SELECT count(*) FROM (
			SELECT position, lag(position, 1, 0::bigint) OVER (PARTITION BY partition ORDER BY n) AS before
			FROM seen WHERE projection = $1) x
		WHERE position <> before + 1`, name); n > 0 {
		b.t.Errorf("%s: %d events out of the order of their partition", name, n)
	}
	if n := b.count(`
		SELECT count(*) FROM (
			SELECT aggregate_seq, lag(aggregate_seq, 1, 0::bigint) OVER (PARTITION BY aggregate ORDER BY n) AS before
			FROM seen WHERE projection = $1) x
		WHERE aggregate_seq <> before + 1`, name); n > 0 {
		b.t.Errorf("%s: %d events out of the order of their aggregate", name, n)
	}
	if n := b.count("SELECT count(*) FROM seen WHERE projection = $1 AND name <> $2", name, canary); n > 0 {
		b.t.Errorf("%s: %d events were not unsealed", name, n)
	}
}

// start runs something until stop is called, or the test ends.
func start(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

// prepare makes n events of an aggregate after seq.
func (b *bench) prepare(ctx context.Context, tenant, contact uuid.UUID, seq int64, n int) []*eventv1.Event {
	b.t.Helper()
	drafts := make([]eventlog.Draft, n)
	for i := range drafts {
		drafts[i] = eventlog.Draft{
			Payload: &contactv1.ContactUpdated{Contact: &contactv1.Contact{
				Name: "contacts/" + contact.String(), DisplayName: canary, LanguageCode: fmt.Sprint(seq + int64(i) + 1),
			}},
			Contacts: []uuid.UUID{contact},
		}
	}
	a := eventlog.Aggregate{Name: "contacts/" + contact.String(), Partition: entity.Partition(tenant, contact), Seq: seq}
	events, err := b.log.Prepare(ctx, tenant, a, drafts)
	if err != nil {
		if err := eventlog.FetchMissing(ctx, b.keys, err); err != nil {
			b.t.Fatal(err)
		}
		if events, err = b.log.Prepare(ctx, tenant, a, drafts); err != nil {
			b.t.Fatal(err)
		}
	}
	return events
}

// write commits n more events of a contact.
func (b *bench) write(ctx context.Context, tenant, contact uuid.UUID, n int) {
	b.t.Helper()
	b.seqMu.Lock()
	seq := b.seqs[contact]
	b.seqs[contact] += int64(n)
	b.seqMu.Unlock()
	b.commit(tenant, b.prepare(ctx, tenant, contact, seq, n))
}

// commit writes events in a transaction of their own, and wakes the relay.
func (b *bench) commit(tenant uuid.UUID, events []*eventv1.Event) {
	b.t.Helper()
	var batch pgx.Batch
	postgres.QueueTenant(&batch, tenant)
	b.log.Queue(&batch, events)
	if err := postgres.Run(context.Background(), b.db, &batch); err != nil {
		b.t.Fatal(err)
	}
	if b.log.Wake != nil {
		b.log.Wake()
	}
}

// eventually fails the test unless the condition holds within 20 seconds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// count answers the one number of a query as role relay.
func (b *bench) count(query string, args ...any) int {
	b.t.Helper()
	var n int
	if err := b.db.System.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}
