package store

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/lifecycle/evidence"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/standing"
)

// lifecycleSettle is how long after a batch was applied its transaction has ended, nearly
// always.
const lifecycleSettle = 10 * time.Millisecond

// Lifecycles is the projection that moves contacts by what they do, a part of one:
// purchases, whatever shows that they have to do with us, the mark of those without need,
// merges, and what their tenants count by. Each event counts once, also where it comes
// again: the rows know the number of the last event of each order and each contact.
func (s *Store) Lifecycles() eventlog.Projection {
	return eventlog.Projection{
		Name: "lifecycle", Areas: []string{"contact", "sales", "ticket", "campaign", "platform"}, Personal: eventlog.Sealed, Apply: s.applyLifecycle,
	}
}

// sign is what an event may say of contacts.
type sign struct {
	event    *eventv1.Event
	contacts []uuid.UUID
	// contact, order and tenant are what it carries, where that matters.
	contact *contactv1.Contact
	order   *salesv1.Order
	orderID uuid.UUID
	tenant  *platformv1.Tenant
	// labelled is true where the contact's labels are known.
	labelled bool
}

func (s *Store) applyLifecycle(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	signs := map[uuid.UUID][]*sign{}
	for _, e := range events {
		tenant, sign, err := s.signOf(ctx, e)
		if err != nil {
			return err
		}
		if sign != nil {
			signs[tenant] = append(signs[tenant], sign)
		}
	}
	if err := dropKnown(ctx, tx, signs); err != nil {
		return err
	}
	moved := false
	for _, tenant := range slices.SortedFunc(maps.Keys(signs), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) {
		told, err := s.moveBy(ctx, tx, tenant, signs[tenant])
		if err != nil {
			return err
		}
		moved = moved || told
	}
	if moved && s.log.Wake != nil {
		time.AfterFunc(lifecycleSettle, s.log.Wake)
	}
	return nil
}

// relates tells whether it says no more than that its contacts have to do with us.
func (of *sign) relates() bool { return of.contact == nil && of.order == nil && of.tenant == nil }

// dropKnown leaves out of signs that only relate the contacts that are known to be
// related: what is most of what happens, and moves nobody, takes no lock then. Only an
// erasure ends a relation, and after one nothing relates.
func dropKnown(ctx context.Context, tx pgx.Tx, signs map[uuid.UUID][]*sign) error {
	known := map[uuid.UUID]map[uuid.UUID]bool{}
	b := &pgx.Batch{}
	for tenant, all := range signs {
		var ids []uuid.UUID
		for _, of := range all {
			if of.relates() {
				ids = append(ids, of.contacts...)
			}
		}
		if len(ids) == 0 {
			continue
		}
		related := map[uuid.UUID]bool{}
		known[tenant] = related
		b.Queue("SELECT id FROM contact_lifecycle WHERE tenant = $1 AND id = ANY ($2) AND related", tenant, ids).Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				related[id] = true
				return nil
			})
			return err
		})
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	for tenant, related := range known {
		signs[tenant] = slices.DeleteFunc(signs[tenant], func(of *sign) bool {
			if !of.relates() {
				return false
			}
			of.contacts = slices.DeleteFunc(of.contacts, func(id uuid.UUID) bool { return related[id] })
			return len(of.contacts) == 0
		})
	}
	return nil
}

// moveBy moves the contacts of a tenant by signs, in their order.
func (s *Store) moveBy(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, signs []*sign) (moved bool, err error) {
	b := &pgx.Batch{}
	var contacts, orders []uuid.UUID
	for _, of := range signs {
		if of.tenant != nil {
			queueTenant(b, tenant, of)
		}
		contacts = append(contacts, of.contacts...)
		if of.order != nil {
			orders = append(orders, of.orderID)
		}
	}
	if len(contacts) == 0 {
		return false, tx.SendBatch(ctx, b).Close()
	}
	slices.SortFunc(contacts, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	f := queueFamilies(b, tenant, slices.Compact(contacts), orders)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return false, err
	}
	f.begin()
	for _, of := range signs {
		f.read(of)
	}
	b = &pgx.Batch{}
	if err := f.queue(ctx, b, s.log); err != nil || b.Len() == 0 {
		return false, err
	}
	return len(f.moved) > 0, tx.SendBatch(ctx, b).Close()
}

// signOf reads an event; nil where it says nothing of where contacts stand.
func (s *Store) signOf(ctx context.Context, e *eventv1.Event) (uuid.UUID, *sign, error) {
	tenant, err := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
	if err != nil {
		return tenant, nil, err
	}
	of := &sign{event: e}
	if err := s.open(ctx, of); err != nil {
		return tenant, nil, err
	}
	if of.tenant != nil {
		return tenant, of, nil
	}
	if of.contact == nil && of.order == nil && !evidence.Relates(e) {
		return tenant, nil, nil
	}
	for _, name := range e.GetContacts() {
		id, err := uuid.Parse(strings.TrimPrefix(name, contacts+"/"))
		if err != nil {
			return tenant, nil, err
		}
		of.contacts = append(of.contacts, id)
	}
	if len(of.contacts) == 0 {
		return tenant, nil, nil
	}
	return tenant, of, nil
}

// open reads what the event carries, as far as that may matter.
func (s *Store) open(ctx context.Context, of *sign) error {
	e := of.event
	collection, _, _ := strings.Cut(e.GetAggregate(), "/")
	switch collection {
	case "orders", "tenants":
		return of.unmarshal(e)
	case contacts:
		switch e.GetPayload().MessageName() {
		case contactCreated:
			return s.openMarked(ctx, of)
		case contactUpdated:
			if !bytes.Contains(e.GetPayload().GetValue(), []byte("labels")) { // no path of its is of them
				return nil
			}
			return s.openMarked(ctx, of)
		}
		return of.unmarshal(e)
	}
	return nil
}

var (
	contactCreated = (&contactv1.ContactCreated{}).ProtoReflect().Descriptor().FullName()
	contactUpdated = (&contactv1.ContactUpdated{}).ProtoReflect().Descriptor().FullName()
)

// openMarked reads a contact with its labels, which are personal. Of the many that are
// created, only those are read that are marked; of an erased one nothing is left to read.
func (s *Store) openMarked(ctx context.Context, of *sign) error {
	e := proto.CloneOf(of.event)
	if e.GetSealed() != nil {
		if err := eventlog.Unseal(ctx, s.log.Keys, e); err != nil {
			return err
		}
	}
	if e.GetPayload().MessageName() == contactCreated && !bytes.Contains(e.GetPayload().GetValue(), []byte(evidence.NoNeedLabel)) {
		return nil
	}
	of.labelled = true
	return of.unmarshal(e)
}

// unmarshal reads the payload of an event.
func (of *sign) unmarshal(e *eventv1.Event) error {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return err
	}
	switch p := payload.(type) {
	case interface{ GetTenant() *platformv1.Tenant }:
		of.tenant = p.GetTenant()
	case interface{ GetOrder() *salesv1.Order }:
		of.order = p.GetOrder()
		of.orderID, err = uuid.Parse(strings.TrimPrefix(e.GetAggregate(), "orders/"))
	case interface{ GetContact() *contactv1.Contact }:
		of.contact = p.GetContact()
	}
	return err
}

// queueTenant queues keeping what a tenant counts by. Where that changed, all of its
// customers are looked at.
func queueTenant(b *pgx.Batch, tenant uuid.UUID, of *sign) {
	b.Queue(`
		INSERT INTO lifecycle_definition AS d (tenant, seq, time_zone, window_months) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant) DO UPDATE SET seq = excluded.seq, time_zone = excluded.time_zone, window_months = excluded.window_months
		WHERE excluded.seq > d.seq`,
		tenant, of.event.GetAggregateSeq(), of.tenant.GetTimeZone(), cmp.Or(of.tenant.GetLifecycleWindowMonths(), lifecycle.DefaultMonths))
	if of.event.GetAggregateSeq() > 1 {
		timer.Arm(b, timer.Timer{Tenant: tenant, Kind: LifecycleRefresh, Due: of.event.GetRecordedAt().AsTime()})
	}
}

// read moves contacts by a sign.
func (f *families) read(of *sign) {
	e := of.event
	o := occasion{
		at: e.GetRecordedAt().AsTime(), correlation: e.GetCorrelationId(), causation: e.GetCausationId(),
		Why: standing.Why{Cause: standing.Fact, Event: e.GetId(), Type: e.GetType(), Resource: e.GetAggregate(), Occurred: e.GetOccurredAt().AsTime()},
	}
	if o.causation == "" {
		o.causation = e.GetId()
	}
	switch {
	case of.contact != nil:
		f.readContact(of, o)
	case of.order != nil:
		f.readOrder(of, o)
	default:
		f.relate(of, o)
	}
}

// relate notes that contacts have to do with us, where that is new.
func (f *families) relate(of *sign, o occasion) {
	for _, id := range of.contacts {
		if m := f.members[id]; m != nil && !m.related && !m.erased {
			f.look(id, o, func(m *member) { m.related = true })
		}
	}
}

// readOrder keeps a purchase for as long as it is one.
func (f *families) readOrder(of *sign, o occasion) {
	id, seq := of.contacts[0], of.event.GetAggregateSeq()
	at, is := evidence.Purchase(of.order, of.event.GetOccurredAt().AsTime())
	known := f.orders[of.orderID]
	if seq <= known || known == 0 && !is || f.members[id] == nil || f.members[id].erased {
		f.relate(of, o)
		return
	}
	f.orders[of.orderID] = seq
	f.bought = slices.DeleteFunc(f.bought, func(b boughtOrder) bool { return b.id == of.orderID })
	bought := boughtOrder{id: of.orderID, contact: id, seq: seq}
	if is {
		bought.at = &at
	}
	f.bought = append(f.bought, bought)
	f.look(id, o, func(m *member) {
		m.related = true
		if delete(m.purchases, of.orderID); is {
			m.purchases[of.orderID] = at
		}
	})
}

// readContact keeps whether a contact is there, and whether it is marked as without need.
// Where contacts were merged or taken apart, all of them are looked at.
func (f *families) readContact(of *sign, o occasion) {
	id, seq := of.contacts[0], of.event.GetAggregateSeq()
	m := f.members[id]
	if m == nil || seq <= m.contactSeq {
		return
	}
	if len(of.contacts) > 1 {
		o.Cause = standing.Merge
	}
	erased := of.contact.GetEraseTime() != nil
	f.look(id, o, func(m *member) {
		if m.contactSeq = seq; of.labelled {
			m.noNeed = evidence.NoNeed(of.contact)
		}
		m.deleted = of.contact.GetMergedInto() == "" && evidence.Deleted(of.contact)
		if m.erased = m.erased || erased; m.erased {
			m.purchases, m.related, m.noNeed = map[uuid.UUID]time.Time{}, false, false
		}
	})
	if erased {
		f.erased = append(f.erased, id)
		f.bought = slices.DeleteFunc(f.bought, func(b boughtOrder) bool { return b.contact == id })
	}
	for _, other := range of.contacts[1:] {
		f.look(other, o, nil)
	}
}
