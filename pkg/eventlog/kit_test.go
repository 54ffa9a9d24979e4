package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// area is the service of these tests, which keeps its log and its projections in
// one database.
const area = "contact"

func migrate(ctx context.Context, ownerURL string) error {
	return postgres.Migrate(ctx, ownerURL, eventlog.VersionTable, eventlog.Migrations)
}

// bench is one service's log with its broker, without relay or runner.
type bench struct {
	t     testing.TB
	db    *postgres.DB
	nats  *nats.Conn
	keys  *eventlog.KeyCache
	log   *eventlog.Log
	urls  postgres.URLs
	seqMu sync.Mutex
	seqs  map[uuid.UUID]int64
}

func newBench(t testing.TB) *bench {
	t.Helper()
	urls := testkit.Database(t, "eventlog", migrate, eventlog.Migrations)
	keys := (&vault{}).keys()
	b := &bench{
		t: t, urls: urls, db: testkit.Open(t, urls), nats: testkit.NATS(t), keys: keys,
		log:  &eventlog.Log{Area: area, Keys: keys, Now: time.Now},
		seqs: map[uuid.UUID]int64{},
	}
	return b
}

func (b *bench) relay() *eventlog.Relay {
	return &eventlog.Relay{Area: area, DB: b.db.System, NATS: b.nats, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
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
	var batch pgx.Batch
	postgres.QueueTenant(&batch, tenant)
	b.log.Queue(&batch, b.prepare(ctx, tenant, contact, seq, n))
	if err := postgres.Run(ctx, b.db, &batch); err != nil {
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
