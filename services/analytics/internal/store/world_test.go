package store_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// world words events as the services do: sealed, numbered per aggregate, and
// placed in their partitions. The same seed gives the same story.
type world struct {
	t         testing.TB
	random    *rand.Rand
	keys      eventlog.Keys
	now       time.Time
	seqs      map[string]int64
	positions map[slot]int64
	events    []*eventv1.Event
}

type slot struct {
	area      string
	partition int32
}

func newWorld(t testing.TB, seed uint64) *world {
	return &world{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), keys: testKeys(),
		now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), seqs: map[string]int64{}, positions: map[slot]int64{},
	}
}

// testKeys gives every contact a key made of its id.
func testKeys() *eventlog.KeyCache {
	return eventlog.NewKeyCache(time.Now, func(_ context.Context, _ uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
		keys := map[uuid.UUID]eventlog.Key{}
		for _, c := range contacts {
			secret := sha256.Sum256(c[:])
			key, err := eventlog.NewKey("key of "+c.String(), secret[:])
			if err != nil {
				return nil, err
			}
			keys[c] = key
		}
		return keys, nil
	})
}

// id answers ids that look like UUIDv7 and come from the seed.
func (w *world) id() uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(w.random.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

// tell adds an event to the story. Contacts may be none: then the aggregate's own
// id places it.
func (w *world) tell(tenant uuid.UUID, area, aggregate string, payload proto.Message, interaction *eventv1.Interaction, contacts ...uuid.UUID) *eventv1.Event {
	w.t.Helper()
	w.now = w.now.Add(time.Duration(1+w.random.IntN(2000)) * time.Millisecond)
	place := uuid.NewSHA1(uuid.Nil, []byte(aggregate))
	if len(contacts) > 0 {
		place = contacts[0]
	}
	w.seqs[aggregate]++
	at := slot{area, int32(entity.Partition(tenant, place))}
	w.positions[at]++
	e := &eventv1.Event{
		Id: w.id().String(), Tenant: "tenants/" + tenant.String(), Type: string(payload.ProtoReflect().Descriptor().FullName()),
		Aggregate: aggregate, AggregateSeq: w.seqs[aggregate], Area: area, Partition: at.partition, Position: w.positions[at],
		OccurredAt: timestamppb.New(w.now), RecordedAt: timestamppb.New(w.now), Actor: "users/sari", SchemaVersion: 1, Interaction: interaction,
	}
	for _, c := range contacts {
		e.Contacts = append(e.Contacts, "contacts/"+c.String())
		if err := w.keys.Fetch(w.t.Context(), tenant, c); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := eventlog.Seal(w.keys, e, payload); err != nil {
		w.t.Fatal(err)
	}
	w.events = append(w.events, e)
	return e
}

func met(channel eventv1.Channel, title string) *eventv1.Interaction {
	return &eventv1.Interaction{Channel: channel, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: title, Summary: "in words: " + title}
}

// customer creates a contact.
func (w *world) customer(tenant uuid.UUID, number int) (uuid.UUID, *contactv1.Contact) {
	w.t.Helper()
	id := w.id()
	c := &contactv1.Contact{
		Name: "contacts/" + id.String(), CustomerId: fmt.Sprintf("C-%06d", number), Kind: contactv1.ContactKind_CONTACT_KIND_PERSON,
		DisplayName: fmt.Sprintf("Customer %d", number), Owner: "users/sari", CreateTime: timestamppb.New(w.now),
		Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER, StartTime: timestamppb.New(w.now)}},
	}
	w.tell(tenant, "contact", c.GetName(), &contactv1.ContactCreated{Contact: c}, nil, id)
	return id, c
}

// story tells of customers at work with all services until it has so many events.
func (w *world) story(events int, tenants ...uuid.UUID) {
	w.t.Helper()
	for _, tenant := range tenants {
		w.setUp(tenant)
	}
	for number := 1; len(w.events) < events; number++ {
		w.chapter(tenants[w.random.IntN(len(tenants))], number)
	}
}

func (w *world) setUp(tenant uuid.UUID) {
	t := &platformv1.Tenant{CurrencyCode: "IDR", TimeZone: "Asia/Jakarta"}
	w.tell(tenant, "platform", "tenants/"+tenant.String(), &platformv1.TenantCreated{Tenant: t}, nil)
	t.LifecycleWindowMonths = 18
	w.tell(tenant, "platform", "tenants/"+tenant.String(), &platformv1.TenantUpdated{Tenant: t}, nil)
	rate := &platformv1.ExchangeRate{Name: "exchangeRates/" + w.id().String(), FromCurrencyCode: "USD", ToCurrencyCode: "IDR", Date: &date.Date{Year: 2026, Month: 1, Day: 1}, Rate: "16000"}
	w.tell(tenant, "platform", rate.GetName(), &platformv1.ExchangeRateCreated{ExchangeRate: rate}, nil)
	rate.Rate = "16250.5"
	w.tell(tenant, "platform", rate.GetName(), &platformv1.ExchangeRateUpdated{ExchangeRate: rate}, nil)
	kind := &contactv1.RelationshipType{Name: "relationshipTypes/" + w.id().String(), ForwardName: "works for", ReverseName: "employs"}
	w.tell(tenant, "contact", kind.GetName(), &contactv1.RelationshipTypeCreated{RelationshipType: kind}, nil)
}

// chapter is one customer's life.
func (w *world) chapter(tenant uuid.UUID, number int) {
	id, c := w.customer(tenant, number)
	for range w.random.IntN(4) {
		w.meet(tenant, id)
	}
	if w.random.IntN(2) == 0 {
		c.DisplayName += " jr"
		w.tell(tenant, "contact", c.GetName(), &contactv1.ContactUpdated{Contact: c, Paths: []string{"display_name"}}, nil, id)
	}
	if w.random.IntN(3) == 0 {
		w.bind(tenant, id, number)
	}
	if number%5 == 0 {
		w.guard(tenant, id)
	}
	for range w.random.IntN(3) {
		w.buy(tenant, id)
	}
	for range w.random.IntN(3) {
		w.complain(tenant, id)
	}
	if w.random.IntN(3) == 0 {
		w.touch(tenant, id)
	}
}

func (w *world) meet(tenant, id uuid.UUID) {
	channel := eventv1.Channel(1 + w.random.IntN(12))
	i := &contactv1.Interaction{Name: "interactions/" + w.id().String(), Contact: "contacts/" + id.String(), Channel: channel, Title: "a talk", Body: "what was said"}
	w.tell(tenant, "contact", i.GetName(), &contactv1.InteractionRecorded{Interaction: i}, met(channel, "a talk"), id)
}

func (w *world) bind(tenant, id uuid.UUID, number int) {
	other, _ := w.customer(tenant, 1_000_000+number)
	r := &contactv1.Relationship{Name: "relationships/" + w.id().String(), FromContact: "contacts/" + id.String(), ToContact: "contacts/" + other.String(), Role: "head of purchasing"}
	w.tell(tenant, "contact", r.GetName(), &contactv1.RelationshipCreated{Relationship: r}, nil, id, other)
	r.EndTime = timestamppb.New(w.now)
	w.tell(tenant, "contact", r.GetName(), &contactv1.RelationshipEnded{Relationship: r}, nil, id, other)
}

// guard tells of what is for few to read.
func (w *world) guard(tenant, id uuid.UUID) {
	hold := &contactv1.LegalHold{Name: "legalHolds/" + w.id().String(), Contact: "contacts/" + id.String()}
	w.tell(tenant, "contact", hold.GetName(), &contactv1.LegalHoldCreated{LegalHold: hold}, nil, id)
	access := &contactv1.PortalAccess{Name: "portalAccesses/" + w.id().String(), Contact: "contacts/" + id.String()}
	w.tell(tenant, "contact", access.GetName(), &contactv1.PortalAccessGranted{PortalAccess: access}, nil, id)
}

func (w *world) buy(tenant, id uuid.UUID) {
	currency := "IDR"
	if n := w.random.IntN(10); n < 2 {
		currency = []string{"USD", "JPY"}[n]
	}
	o := &salesv1.Order{
		Name: "orders/" + w.id().String(), Contact: "contacts/" + id.String(), Status: salesv1.OrderStatus_ORDER_STATUS_DRAFT,
		Total: &money.Money{CurrencyCode: currency, Units: int64(1 + w.random.IntN(5_000_000))}, Note: "deliver at the back",
	}
	w.tell(tenant, "sales", o.GetName(), &salesv1.OrderCreated{Order: o}, nil, id)
	o.Status, o.OrderTime = salesv1.OrderStatus_ORDER_STATUS_CONFIRMED, timestamppb.New(w.now)
	w.tell(tenant, "sales", o.GetName(), &salesv1.OrderConfirmed{Order: o, Total: o.GetTotal()}, met(eventv1.Channel_CHANNEL_WEB, "order confirmed"), id)
	w.tell(tenant, "sales", o.GetName(), &salesv1.OrderUpdated{Order: o, Paths: []string{"note"}}, nil, id)
	if w.random.IntN(4) == 0 {
		o.Status = salesv1.OrderStatus_ORDER_STATUS_CANCELLED
		w.tell(tenant, "sales", o.GetName(), &salesv1.OrderCancelled{Order: o, WasConfirmed: true}, nil, id)
	}
}

func (w *world) complain(tenant, id uuid.UUID) {
	t := &ticketv1.Ticket{
		Name: "tickets/" + w.id().String(), Number: "T-1", Contact: "contacts/" + id.String(), Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT,
		Channel: eventv1.Channel_CHANNEL_PHONE, Subject: "wrong colour", Status: ticketv1.TicketStatus_TICKET_STATUS_OPEN,
	}
	t.Conversation = t.GetName()
	opened := met(eventv1.Channel_CHANNEL_PHONE, "Complaint: wrong colour")
	opened.Conversation = t.GetConversation()
	w.tell(tenant, "ticket", t.GetName(), &ticketv1.TicketOpened{Ticket: t}, opened, id)
	t.Status = ticketv1.TicketStatus_TICKET_STATUS_RESOLVED
	w.tell(tenant, "ticket", t.GetName(), &ticketv1.TicketResolved{Ticket: t}, nil, id)
	t.Satisfaction = int32(1 + w.random.IntN(5))
	w.tell(tenant, "ticket", t.GetName(), &ticketv1.TicketRated{Ticket: t}, met(eventv1.Channel_CHANNEL_CHAT, "rated"), id)
	if w.random.IntN(3) == 0 {
		t.Status, t.Satisfaction = ticketv1.TicketStatus_TICKET_STATUS_OPEN, 0
		w.tell(tenant, "ticket", t.GetName(), &ticketv1.TicketReopened{Ticket: t}, nil, id)
	}
}

func (w *world) touch(tenant, id uuid.UUID) {
	t := &campaignv1.Touch{Name: "touches/" + w.id().String(), Contact: "contacts/" + id.String(), Channel: eventv1.Channel_CHANNEL_EMAIL, Status: campaignv1.TouchStatus_TOUCH_STATUS_SENT, Subject: "an offer"}
	sent := &eventv1.Interaction{Channel: eventv1.Channel_CHANNEL_EMAIL, Direction: eventv1.Direction_DIRECTION_OUTBOUND, Title: "an offer"}
	w.tell(tenant, "campaign", t.GetName(), &campaignv1.TouchSent{Touch: t}, sent, id)
}
