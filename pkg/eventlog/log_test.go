package eventlog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

func TestLog_prepareTellsWhoAndWhy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 0, 0, 123456789, time.FixedZone("WIB", 7*3600))
	keys := (&vault{}).keys()
	log := &eventlog.Log{Area: "sales", Keys: keys, Now: func() time.Time { return now }}
	tenant, contact := uuid.New(), uuid.New()
	if err := keys.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	ctx := auth.With(t.Context(), auth.Caller{Tenant: tenant, Subject: "users/siti"})
	ctx = call.With(ctx, call.Info{Correlation: "corr", Causation: "cause"})
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	yesterday := now.Add(-24 * time.Hour)
	events, err := log.Prepare(ctx, tenant, eventlog.Aggregate{Name: "orders/x", Partition: 3, Seq: 7}, []eventlog.Draft{
		{Payload: &contactv1.ContactCreated{}, Contacts: []uuid.UUID{contact}, OccurredAt: yesterday},
		{Payload: &contactv1.ContactUpdated{}, Interaction: &eventv1.Interaction{Channel: eventv1.Channel_CHANNEL_POS}},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := events[0]
	recorded := now.Truncate(time.Microsecond)
	if e.GetTenant() != "tenants/"+tenant.String() || e.GetType() != "lingkar.contact.v1.ContactCreated" || e.GetAggregate() != "orders/x" ||
		e.GetArea() != "sales" || e.GetPartition() != 3 || e.GetAggregateSeq() != 8 || events[1].GetAggregateSeq() != 9 || e.GetPosition() != 0 ||
		e.GetActor() != "users/siti" || e.GetCorrelationId() != "corr" || e.GetCausationId() != "cause" || e.GetSchemaVersion() != 1 ||
		e.GetContacts()[0] != "contacts/"+contact.String() {
		t.Errorf("event %v", e)
	}
	if !e.GetRecordedAt().AsTime().Equal(recorded) || !e.GetOccurredAt().AsTime().Equal(yesterday.Truncate(time.Microsecond)) ||
		!events[1].GetOccurredAt().AsTime().Equal(recorded) {
		t.Errorf("times %v, %v", e, events[1])
	}
	if want := "00-01000000000000000000000000000000-0200000000000000-01"; e.GetTraceparent() != want {
		t.Errorf("traceparent %s, want %s", e.GetTraceparent(), want)
	}
	if uuid.MustParse(e.GetId()).Version() != 7 || e.GetId() == events[1].GetId() {
		t.Errorf("ids %s, %s", e.GetId(), events[1].GetId())
	}
}

// Events are measured as they are stored: a sealed one a byte over 256 KiB is
// refused, and one at the limit passes.
func TestLog_prepareRefusesLargeEvents(t *testing.T) {
	t.Parallel()
	keys := (&vault{}).keys()
	now := time.Now() // of two instants one may take a byte less
	log := &eventlog.Log{Area: "contact", Keys: keys, Now: func() time.Time { return now }}
	tenant, contact := uuid.New(), uuid.New()
	if err := keys.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	prepare := func(n int) (int, error) {
		events, err := log.Prepare(t.Context(), tenant, eventlog.Aggregate{Name: "contacts/x"}, []eventlog.Draft{{
			Payload: &contactv1.ContactCreated{Contact: &contactv1.Contact{Note: strings.Repeat("x", n)}}, Contacts: []uuid.UUID{contact},
		}})
		if err != nil {
			return 0, err
		}
		return proto.Size(events[0]), nil
	}
	size, err := prepare(250_000)
	if err != nil {
		t.Fatal(err)
	}
	room := eventlog.MaxEventBytes - size
	if size, err := prepare(250_000 + room); err != nil || size != eventlog.MaxEventBytes {
		t.Errorf("at the limit: %d bytes, %v", size, err)
	}
	if _, err := prepare(250_000 + room + 1); errs.Reason(err) != "EVENT_TOO_LARGE" {
		t.Errorf("over the limit: %v", err)
	}
}

// A verifier computes the leaf again from what is stored: no two entries may
// share it by moving text between fields.
func TestAuditEntry_leaf(t *testing.T) {
	t.Parallel()
	entry := eventlog.AuditEntry{Tenant: uuid.New(), RecordedAt: time.Now(), Actor: "ab", Method: "c", Resource: "d", Seq: 1, RequestID: "e", CorrelationID: "f", Note: "g"}
	seen := map[[32]byte]string{entry.Leaf(): "the entry"}
	for what, change := range map[string]func(*eventlog.AuditEntry){
		"actor to method":  func(e *eventlog.AuditEntry) { e.Actor, e.Method = "a", "bc" },
		"note to resource": func(e *eventlog.AuditEntry) { e.Resource, e.Note = "dg", "" },
		"seq":              func(e *eventlog.AuditEntry) { e.Seq++ },
		"time":             func(e *eventlog.AuditEntry) { e.RecordedAt = e.RecordedAt.Add(time.Microsecond) },
		"tenant":           func(e *eventlog.AuditEntry) { e.Tenant = uuid.New() },
	} {
		changed := entry
		change(&changed)
		if same, ok := seen[changed.Leaf()]; ok {
			t.Errorf("%s has the leaf of %s", what, same)
		}
		seen[changed.Leaf()] = what
	}
	if again := entry; again.Leaf() != entry.Leaf() {
		t.Error("the leaf is not the same twice")
	}
}
