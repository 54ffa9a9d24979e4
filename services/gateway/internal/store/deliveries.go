package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// WebhookDeliveries is the table of what became of events on their way.
var WebhookDeliveries = postgres.NewTable[webhook.Delivery](postgres.Def{
	Name: "webhook_delivery", Kind: "webhook delivery",
	Fields: []postgres.Field{
		{Path: "endpoint", Type: postgres.UUID}, {Path: "event", Type: postgres.UUID}, {Path: "event_type"},
		{Path: "state", Type: postgres.Enum, Values: short(platformv1.WebhookDelivery_State_value, "STATE_")},
		{Path: "create_time", Type: postgres.Time}, {Path: "update_time", Type: postgres.Time},
	},
	Orders:       [][]string{{"create_time"}, {"endpoint", "create_time"}, {"state", "create_time"}, {"endpoint", "state", "create_time"}},
	DefaultOrder: "create_time desc",
})

// DueEndpoint is an endpoint with deliveries that are due.
type DueEndpoint struct{ Tenant, ID uuid.UUID }

// DueEndpoints answers up to so many active endpoints with deliveries that are due, who
// waits longest first, but for those that are busy. Those of suspended tenants wait.
func DueEndpoints(ctx context.Context, db *postgres.DB, now time.Time, busy []uuid.UUID, limit int) ([]DueEndpoint, error) {
	rows, err := db.System.Query(ctx, `
		SELECT e.tenant, e.id
		FROM webhook_endpoint e
		CROSS JOIN LATERAL (
			SELECT next_attempt_time FROM webhook_delivery d
			WHERE d.tenant = e.tenant AND d.endpoint = e.id AND d.state = 1 AND d.next_attempt_time <= $1
			ORDER BY d.next_attempt_time LIMIT 1
		) due
		WHERE e.state = 1 AND e.delete_time IS NULL AND e.id <> ALL ($2)
		  AND NOT EXISTS (SELECT FROM tenant t WHERE t.tenant = e.tenant AND t.id = e.tenant AND t.state = 2)
		ORDER BY due.next_attempt_time
		LIMIT $3`, now, busy, limit)
	if err != nil {
		return nil, postgres.SQLError(err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DueEndpoint])
	return due, postgres.SQLError(err)
}

// QueueLength is what waits to be sent, over all tenants.
type QueueLength struct {
	// Due are the deliveries that are due, up to countedDue of each endpoint; Disabled the
	// endpoints that were given up on.
	Due, Disabled int64
	// Age is for how long the oldest of those has been due.
	Age time.Duration
}

// countedDue is how many due deliveries of one endpoint are counted at most.
const countedDue = 1000

// WebhookQueue answers what waits to be sent to active endpoints, but for those of
// suspended tenants.
func WebhookQueue(ctx context.Context, db *postgres.DB, now time.Time) (q QueueLength, err error) {
	var oldest *time.Time
	err = db.System.QueryRow(ctx, `
		SELECT count(due.next_attempt_time), min(due.next_attempt_time), count(DISTINCT e.id) FILTER (WHERE e.state = 3)
		FROM webhook_endpoint e
		LEFT JOIN LATERAL (
			SELECT next_attempt_time FROM webhook_delivery d
			WHERE e.state = 1 AND d.tenant = e.tenant AND d.endpoint = e.id AND d.state = 1 AND d.next_attempt_time <= $1
			ORDER BY d.next_attempt_time LIMIT $2
		) due ON true
		WHERE e.delete_time IS NULL
		  AND NOT EXISTS (SELECT FROM tenant t WHERE t.tenant = e.tenant AND t.id = e.tenant AND t.state = 2)`, now, countedDue).Scan(&q.Due, &oldest, &q.Disabled)
	if oldest != nil {
		q.Age = now.Sub(*oldest)
	}
	return q, postgres.SQLError(err)
}

// ClaimedDelivery is a delivery that only its claimer works on until the lease ends.
type ClaimedDelivery struct {
	Tenant, ID, EventID uuid.UUID
	CreateTime          time.Time
	Tries               int32
	// Event is what was kept of it, sealed.
	Event []byte
	// Lease is when the claim ends.
	Lease time.Time
}

// ClaimDeliveries claims up to so many deliveries of an endpoint that are due. Another
// process passes over them until the lease ends, in a minute; then the claimer is taken
// for lost.
func ClaimDeliveries(ctx context.Context, db *postgres.DB, of DueEndpoint, now time.Time, limit int) ([]ClaimedDelivery, error) {
	lease := now.Add(webhook.Lease).UTC().Truncate(time.Microsecond)
	rows, err := db.System.Query(ctx, `
		WITH due AS (
			SELECT id FROM webhook_delivery
			WHERE tenant = $1 AND endpoint = $2 AND state = 1 AND next_attempt_time <= $3
			ORDER BY next_attempt_time, id
			LIMIT $4
			FOR UPDATE SKIP LOCKED
		)
		UPDATE webhook_delivery d
		SET next_attempt_time = $5
		FROM due, webhook_event e
		WHERE d.tenant = $1 AND d.id = due.id AND e.tenant = $1 AND e.id = d.event
		RETURNING d.id, d.event, d.create_time, d.tries, e.event`, of.Tenant, of.ID, now, limit, lease)
	if err != nil {
		return nil, postgres.SQLError(err)
	}
	claimed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ClaimedDelivery, error) {
		c := ClaimedDelivery{Tenant: of.Tenant, Lease: lease}
		return c, row.Scan(&c.ID, &c.EventID, &c.CreateTime, &c.Tries, &c.Event)
	})
	return claimed, postgres.SQLError(err)
}

// Outcome is what became of a claimed delivery.
type Outcome struct {
	State       webhook.DeliveryState
	BlockReason string
	Tries       int32
	// Next is when the next attempt is due; nil where none is.
	Next *time.Time
	// Attempt is what is noted of this one; nil where none was made.
	Attempt *webhook.Attempt
}

// SettleDelivery writes what became of a claimed delivery. Where the claim was lost
// meanwhile, whoever has it says so.
func SettleDelivery(ctx context.Context, db *postgres.DB, c ClaimedDelivery, o Outcome, now time.Time) error {
	made := []webhook.Attempt{}
	if o.Attempt != nil {
		made = append(made, *o.Attempt)
	}
	attempts, err := json.Marshal(made)
	if err != nil {
		return err
	}
	_, err = db.System.Exec(ctx, `
		UPDATE webhook_delivery
		SET state = $4, block_reason = $5, tries = $6, next_attempt_time = $7, update_time = $8,
			attempts = CASE WHEN jsonb_array_length(attempts) >= $10 THEN attempts - 0 ELSE attempts END || $9::jsonb
		WHERE tenant = $1 AND id = $2 AND state = 1 AND next_attempt_time = $3`,
		c.Tenant, c.ID, c.Lease, o.State, o.BlockReason, o.Tries, o.Next, now, attempts, webhook.AttemptsKept)
	return postgres.SQLError(err)
}

// DeliveredSince says whether the endpoint accepted anything that was due to it since.
func DeliveredSince(ctx context.Context, db *postgres.DB, of DueEndpoint, since time.Time) (accepted bool, err error) {
	err = db.System.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT FROM webhook_delivery
			WHERE tenant = $1 AND endpoint = $2 AND state = 2 AND create_time >= $3
		)`, of.Tenant, of.ID, since).Scan(&accepted)
	return accepted, postgres.SQLError(err)
}

// LockDelivery answers a delivery within the unit, under its lock.
func LockDelivery(u *record.Unit, id uuid.UUID) (found *webhook.Delivery, err error) {
	err = u.Read(func(b *pgx.Batch) {
		WebhookDeliveries.QueueLock(b, u.Tenant(), id, func(d *webhook.Delivery) error {
			found = d
			return nil
		})
	})
	return found, err
}

// WriteDelivery writes a delivery within the unit.
func WriteDelivery(u *record.Unit, d *webhook.Delivery) {
	u.Queue(func(b *pgx.Batch) { WebhookDeliveries.QueueUpdate(b, u.Tenant(), d) })
}

// NoteSending writes to the audit log, within the unit, that a caller has something sent to
// an endpoint again: no event tells of that.
func NoteSending(ctx context.Context, u *record.Unit, now time.Time, endpoint, note string) {
	u.Queue(func(b *pgx.Batch) {
		eventlog.QueueAudit(b, eventlog.AuditEntry{Tenant: u.Tenant(), RecordedAt: now, Resource: endpoint, Note: note}.By(ctx))
	})
}

// Replay is a span of time whose events an endpoint is sent.
type Replay struct {
	Endpoint         *webhook.Endpoint
	Start, End       time.Time
	IncludeDelivered bool
}

var errReplay = errs.Invalid("end_time", "REPLAY_TOO_LARGE", "more than 10,000 events are to be sent: ask for less time")

// ReplayDeliveries makes deliveries of the events of a span of time that the endpoint did
// not accept, or has none of, due now, and answers how many.
func ReplayDeliveries(u *record.Unit, r Replay, now time.Time) (int, error) {
	own := receiver{Endpoint: *r.Endpoint, tenant: u.Tenant()}
	own.CreateTime = time.Time{} // what was recorded before it exists too, where it is kept
	var d deliveries
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`
			SELECT e.id, e.type, e.aggregate, e.record_time
			FROM webhook_event e
			WHERE e.tenant = $1 AND e.record_time >= $2 AND e.record_time < $3
			  AND NOT EXISTS (
				SELECT FROM webhook_delivery d
				WHERE d.tenant = $1 AND d.event = e.id AND d.endpoint = $4 AND (d.state = 1 OR d.state = 2 AND NOT $5)
			  )
			ORDER BY e.record_time, e.id`, u.Tenant(), r.Start, r.End, r.Endpoint.ID, r.IncludeDelivered).Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			var kind, aggregate string
			var recorded time.Time
			_, err := pgx.ForEachRow(rows, []any{&id, &kind, &aggregate, &recorded}, func() error {
				switch {
				case !own.gets(kind, aggregate, recorded):
					return nil
				case len(d.ids) == webhook.MaxReplay:
					return errReplay
				}
				d.add(u.Tenant(), own.ID, id, kind)
				return nil
			})
			return err
		})
	})
	if err != nil || len(d.ids) == 0 {
		return 0, err
	}
	u.Queue(func(b *pgx.Batch) {
		d.queue(b, now, `
			ON CONFLICT (tenant, event, endpoint) DO UPDATE
			SET state = 1, block_reason = '', tries = 0, next_attempt_time = excluded.next_attempt_time, update_time = excluded.update_time`)
	})
	return len(d.ids), nil
}

// purged is how many events one statement removes.
const purged = 2000

// PurgeWebhooks removes events that were recorded before a time, and their deliveries.
func PurgeWebhooks(ctx context.Context, db *postgres.DB, before time.Time) error {
	rows, err := db.System.Query(ctx, "SELECT DISTINCT tenant FROM webhook_endpoint")
	if err != nil {
		return postgres.SQLError(err)
	}
	tenants, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return postgres.SQLError(err)
	}
	for _, tenant := range tenants {
		for more := true; more; {
			var gone int
			err := db.System.QueryRow(ctx, `
				WITH gone AS (
					DELETE FROM webhook_event
					WHERE tenant = $1 AND id IN (
						SELECT id FROM webhook_event WHERE tenant = $1 AND record_time < $2 ORDER BY record_time LIMIT $3
					)
					RETURNING id
				), deliveries AS (
					DELETE FROM webhook_delivery WHERE tenant = $1 AND event IN (SELECT id FROM gone)
				)
				SELECT count(*) FROM gone`, tenant, before, purged).Scan(&gone)
			if err != nil {
				return postgres.SQLError(err)
			}
			more = gone == purged
		}
	}
	return nil
}
