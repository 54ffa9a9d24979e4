package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// lifecycles is the collection of where contacts stand.
const lifecycles = "lifecycles"

const updateLifecycles = `
UPDATE contact_lifecycle AS l
SET related = n.related, no_need = n.no_need, deleted = n.deleted, erased = n.erased, contact_seq = n.contact_seq,
	class = n.class, phase = n.phase, since = n.since, moves = n.moves, as_of = n.as_of, due = n.due
FROM unnest($2::uuid[], $3::boolean[], $4::boolean[], $5::boolean[], $6::boolean[], $7::bigint[], $8::smallint[], $9::smallint[],
	$10::timestamptz[], $11::bigint[], $12::timestamptz[], $13::timestamptz[])
	AS n (id, related, no_need, deleted, erased, contact_seq, class, phase, since, moves, as_of, due)
WHERE l.tenant = $1 AND l.id = n.id`

const upsertPurchases = `
INSERT INTO contact_purchase (tenant, id, contact, purchase_time, seq)
SELECT $1, p.* FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[]) AS p
ON CONFLICT (tenant, id) DO UPDATE SET contact = excluded.contact, purchase_time = excluded.purchase_time, seq = excluded.seq`

const insertTransitions = `
INSERT INTO lifecycle_transition (tenant, contact, number, from_class, to_class, from_phase, to_phase, change_time, record_time,
	cause, event_id, event_type, resource, window_months, time_zone)
SELECT $1, t.*
FROM unnest($2::uuid[], $3::bigint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[], $8::timestamptz[], $9::timestamptz[],
	$10::smallint[], $11::text[], $12::text[], $13::text[], $14::integer[], $15::text[]) AS t`

// queue queues keeping what became of the families: their rows, their moves with the
// events of these, and the timers of their next boundaries. One statement of each sort,
// however many there are.
func (f *families) queue(ctx context.Context, b *pgx.Batch, log *eventlog.Log) error {
	var changed []*member
	for _, m := range f.members {
		if m.changed {
			changed = append(changed, m)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	f.queueMembers(b, changed)
	if len(f.bought) > 0 {
		b.Queue(upsertPurchases, f.tenant,
			pick(f.bought, func(o boughtOrder) uuid.UUID { return o.id }), pick(f.bought, func(o boughtOrder) uuid.UUID { return o.contact }),
			pick(f.bought, func(o boughtOrder) *time.Time { return o.at }), pick(f.bought, func(o boughtOrder) int64 { return o.seq }))
	}
	if err := f.queueMoves(ctx, b, log); err != nil {
		return err
	}
	if len(f.erased) > 0 {
		b.Queue("DELETE FROM contact_purchase WHERE tenant = $1 AND contact = ANY ($2)", f.tenant, f.erased)
		b.Queue("DELETE FROM lifecycle_transition WHERE tenant = $1 AND contact = ANY ($2)", f.tenant, f.erased)
	}
	return nil
}

// pick answers one value of each.
func pick[T, V any](of []T, value func(T) V) []V {
	all := make([]V, len(of))
	for i, one := range of {
		all[i] = value(one)
	}
	return all
}

func (f *families) queueMembers(b *pgx.Batch, changed []*member) {
	type m = *member
	b.Queue(updateLifecycles, f.tenant,
		pick(changed, func(m m) uuid.UUID { return m.id }), pick(changed, func(m m) bool { return m.related }), pick(changed, func(m m) bool { return m.noNeed }),
		pick(changed, func(m m) bool { return m.deleted }), pick(changed, func(m m) bool { return m.erased }), pick(changed, func(m m) int64 { return m.contactSeq }),
		pick(changed, func(m m) int16 { return int16(m.place.Class) }), pick(changed, func(m m) int16 { return int16(m.place.Phase) }),
		pick(changed, func(m m) *time.Time { return m.since }), pick(changed, func(m m) int64 { return m.moves }),
		pick(changed, func(m m) *time.Time { return m.asOf }), pick(changed, func(m m) *time.Time { return m.next }))
	var timers []timer.Timer
	for _, m := range changed {
		switch {
		case !m.nextChanged:
		case m.next != nil:
			timers = append(timers, timer.Timer{Tenant: f.tenant, Kind: LifecycleTimer, Key: m.id.String(), Due: *m.next})
		default:
			timer.Cancel(b, f.tenant, LifecycleTimer, m.id.String())
		}
	}
	timer.Arm(b, timers...)
}

// queueMoves queues the events of the moves, and the rows by which they are listed.
func (f *families) queueMoves(ctx context.Context, b *pgx.Batch, log *eventlog.Log) error {
	if len(f.moved) == 0 {
		return nil
	}
	recorded := log.Now().UTC().Truncate(time.Microsecond)
	var events []*eventv1.Event
	for _, m := range f.moved {
		caused := call.With(ctx, call.Info{Correlation: m.correlation, Causation: m.causation})
		of := eventlog.Aggregate{Name: named(lifecycles, m.root.id), Partition: m.partition, Seq: m.number - 1}
		made, err := log.Prepare(caused, f.tenant, of, []eventlog.Draft{{
			Payload: &contactv1.LifecycleChanged{Lifecycle: m.message(recorded)}, Contacts: []uuid.UUID{m.root.id}, OccurredAt: m.At,
		}})
		if err != nil {
			return err
		}
		events = append(events, made...)
	}
	log.Queue(b, events)
	b.Queue(insertTransitions, f.tenant,
		pick(f.moved, func(m moved) uuid.UUID { return m.root.id }), pick(f.moved, func(m moved) int64 { return m.number }),
		pick(f.moved, func(m moved) int16 { return int16(m.From.Class) }), pick(f.moved, func(m moved) int16 { return int16(m.To.Class) }),
		pick(f.moved, func(m moved) int16 { return int16(m.From.Phase) }), pick(f.moved, func(m moved) int16 { return int16(m.To.Phase) }),
		pick(f.moved, func(m moved) time.Time { return m.At }), pick(f.moved, func(moved) time.Time { return recorded }),
		pick(f.moved, func(m moved) int16 { return int16(m.Cause) }), pick(f.moved, func(m moved) string { return m.Event }),
		pick(f.moved, func(m moved) string { return m.Type }), pick(f.moved, func(m moved) string { return m.Resource }),
		pick(f.moved, func(m moved) int32 { return int32(m.By.Months) }), pick(f.moved, func(m moved) string { return m.By.Zone.String() }))
	return nil
}

// message words where the family stands after the move.
func (m moved) message(recorded time.Time) *contactv1.Lifecycle {
	return &contactv1.Lifecycle{
		Name: named(lifecycles, m.root.id), Contact: named(contacts, m.root.id),
		LifecycleClass: contactv1.LifecycleClass(m.To.Class), Phase: contactv1.LifecyclePhase(m.To.Phase), SinceTime: timestamppb.New(m.At),
		LastPurchaseTime: fields.Timestamp(orNil(m.lastPurchase)), NextChangeTime: fields.Timestamp(orNil(m.next)),
		Transition: &contactv1.LifecycleTransition{
			FromClass: contactv1.LifecycleClass(m.From.Class), ToClass: contactv1.LifecycleClass(m.To.Class),
			FromPhase: contactv1.LifecyclePhase(m.From.Phase), ToPhase: contactv1.LifecyclePhase(m.To.Phase),
			ChangeTime: timestamppb.New(m.At), RecordTime: timestamppb.New(recorded), Cause: contactv1.LifecycleCause(m.Cause),
			EventId: m.Event, EventType: m.Type, Resource: m.Resource, WindowMonths: int32(m.By.Months), TimeZone: m.By.Zone.String(),
		},
	}
}
