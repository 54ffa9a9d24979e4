package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// WebhookEndpoints is the table of the receivers of events.
var WebhookEndpoints = postgres.NewTable[webhook.Endpoint](postgres.Def{
	Name: "webhook_endpoint", Kind: "webhook endpoint",
	Fields: common(
		postgres.Field{Path: "url"},
		postgres.Field{Path: "state", Type: postgres.Enum, Values: short(platformv1.WebhookEndpoint_State_value, "STATE_")},
		postgres.Field{Path: "recipient_class", Type: postgres.Enum, Values: short(platformv1.WebhookEndpoint_RecipientClass_value, "RECIPIENT_CLASS_")},
	),
	Orders:      [][]string{{"create_time"}, {"state", "create_time"}},
	Constraints: constraints(nil),
})

// short lets a filter name the values of an enum without their prefix too.
func short(values map[string]int32, prefix string) map[string]int32 {
	both := map[string]int32{}
	for name, n := range values {
		both[name], both[strings.TrimPrefix(name, prefix)] = n, n
	}
	return both
}

// testedType is the event that is sent to the endpoint it is about, and to no other.
const testedType = "lingkar.platform.v1.WebhookEndpointTested"

// receiver is what must be known of an endpoint to say what it gets.
type receiver struct {
	webhook.Endpoint
	tenant uuid.UUID
}

// gets says whether the endpoint is sent an event: one of its types that was recorded
// since it exists. It hears of itself only by the event that tries it.
func (r *receiver) gets(kind, aggregate string, recorded time.Time) bool {
	own := aggregate == "webhookEndpoints/"+r.ID.String()
	switch {
	case kind == testedType:
		return own
	case own || recorded.Before(r.CreateTime):
		return false
	}
	return r.Wants(kind)
}

// KeepEvents is what a projection does that keeps events to be sent. Now is the clock.
func KeepEvents(now func() time.Time) func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	return func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
		return keepEvents(ctx, tx, events, now())
	}
}

// keepEvents keeps the events that an endpoint of their tenant wants, and makes a
// delivery of each for every endpoint that is not disabled, in the transaction of a
// projection. Kept again they change nothing.
func keepEvents(ctx context.Context, tx pgx.Tx, events []*eventv1.Event, now time.Time) error {
	receivers, err := receiversOf(ctx, tx, events)
	if err != nil || len(receivers) == 0 {
		return err
	}
	var k keeping
	for _, e := range events {
		if err := k.take(e, receivers); err != nil {
			return fmt.Errorf("event %s: %w", e.GetId(), err)
		}
	}
	if len(k.ids) == 0 {
		return nil
	}
	return tx.SendBatch(ctx, k.batch(now)).Close()
}

func tenantOf(e *eventv1.Event) (uuid.UUID, error) {
	return uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
}

// receiversOf answers the endpoints of the events' tenants, by tenant.
func receiversOf(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) (map[uuid.UUID][]*receiver, error) {
	seen := map[uuid.UUID]bool{}
	var tenants []uuid.UUID
	for _, e := range events {
		if t, err := tenantOf(e); err == nil && !seen[t] {
			seen[t] = true
			tenants = append(tenants, t)
		}
	}
	rows, err := tx.Query(ctx, `
		SELECT tenant, id, event_types, state, create_time
		FROM webhook_endpoint
		WHERE tenant = ANY ($1) AND delete_time IS NULL`, tenants)
	if err != nil {
		return nil, err
	}
	receivers := map[uuid.UUID][]*receiver{}
	var r receiver
	_, err = pgx.ForEachRow(rows, []any{&r.tenant, &r.ID, &r.EventTypes, &r.State, &r.CreateTime}, func() error {
		found := r
		receivers[r.tenant] = append(receivers[r.tenant], &found)
		r.EventTypes = nil
		return nil
	})
	return receivers, err
}

// keeping is what is kept of a batch, as columns.
type keeping struct {
	tenants, ids      []uuid.UUID
	types, aggregates []string
	recorded          []time.Time
	events            [][]byte
	// Whom events concern.
	ofTenants, contacts, ofEvents []uuid.UUID
	deliveries                    deliveries
}

// deliveries are new ones, as columns.
type deliveries struct {
	tenants, ids, endpoints, events []uuid.UUID
	types                           []string
}

func (d *deliveries) add(tenant, endpoint, event uuid.UUID, kind string) {
	d.tenants, d.ids = append(d.tenants, tenant), append(d.ids, entity.NewID())
	d.endpoints, d.events, d.types = append(d.endpoints, endpoint), append(d.events, event), append(d.types, kind)
}

func (k *keeping) take(e *eventv1.Event, receivers map[uuid.UUID][]*receiver) error {
	tenant, err := tenantOf(e)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(e.GetId())
	if err != nil {
		return err
	}
	recorded, wanted := e.GetRecordedAt().AsTime(), false
	for _, r := range receivers[tenant] {
		if !r.gets(e.GetType(), e.GetAggregate(), recorded) {
			continue
		}
		wanted = true
		if r.State != webhook.Disabled {
			k.deliveries.add(tenant, r.ID, id, e.GetType())
		}
	}
	if !wanted {
		return nil
	}
	body, err := proto.Marshal(e)
	if err != nil {
		return err
	}
	k.tenants, k.ids, k.events = append(k.tenants, tenant), append(k.ids, id), append(k.events, body)
	k.types, k.aggregates, k.recorded = append(k.types, e.GetType()), append(k.aggregates, e.GetAggregate()), append(k.recorded, recorded)
	for _, name := range e.GetContacts() {
		if contact, err := uuid.Parse(strings.TrimPrefix(name, "contacts/")); err == nil {
			k.ofTenants, k.contacts, k.ofEvents = append(k.ofTenants, tenant), append(k.contacts, contact), append(k.ofEvents, id)
		}
	}
	return nil
}

func (k *keeping) batch(now time.Time) *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(`
		INSERT INTO webhook_event (tenant, id, type, aggregate, record_time, event)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[])
		ON CONFLICT DO NOTHING`, k.tenants, k.ids, k.types, k.aggregates, k.recorded, k.events)
	b.Queue(`
		INSERT INTO webhook_event_contact (tenant, contact, event)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[])
		ON CONFLICT DO NOTHING`, k.ofTenants, k.contacts, k.ofEvents)
	k.deliveries.queue(b, now, "ON CONFLICT (tenant, event, endpoint) DO NOTHING")
	return b
}

// queue queues deliveries that are due now.
func (d *deliveries) queue(b *pgx.Batch, now time.Time, conflict string) {
	b.Queue(`
		INSERT INTO webhook_delivery (tenant, id, create_time, update_time, endpoint, event, event_type, state, block_reason, tries, next_attempt_time, attempts)
		SELECT u.tenant, u.id, $6, $6, u.endpoint, u.event, u.type, 1, '', 0, $6, '[]'
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[]) AS u (tenant, id, endpoint, event, type)
		`+conflict, d.tenants, d.ids, d.endpoints, d.events, d.types, now)
}

// EraseWebhookAnswers empties what receivers answered to the events that concern a
// contact, in the transaction that erases it: what they were sent is sealed under the
// contact's key, and the answers are all that is in the open.
func EraseWebhookAnswers(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		UPDATE webhook_delivery d
		SET attempts = (SELECT jsonb_agg(a - 'answer' ORDER BY n) FROM jsonb_array_elements(d.attempts) WITH ORDINALITY AS t (a, n))
		FROM webhook_event_contact c
		WHERE c.tenant = $1 AND c.contact = $2 AND d.tenant = c.tenant AND d.event = c.event AND d.attempts <> '[]'`, tenant, contact)
	return err
}
