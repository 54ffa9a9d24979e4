package projection

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle/evidence"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// builder gathers the rows of a batch.
type builder struct {
	timeline  []Entry
	states    []*State
	last      map[key][]*State // the newest version of an aggregate, one row per contact
	relations map[contactKey]time.Time
	order     []contactKey         // of relations, so that equal batches give equal rows
	tenants   map[uuid.UUID]Tenant // the newest of each
	facts     *chains[Fact]
	customers *chains[Customer]
	rates     *chains[Rate]
}

type contactKey struct{ tenant, contact uuid.UUID }

func newBuilder() *builder {
	return &builder{
		last:      map[key][]*State{},
		relations: map[contactKey]time.Time{},
		tenants:   map[uuid.UUID]Tenant{},
		facts:     newChains(Fact.same),
		customers: newChains(func(a, b Customer) bool { return a == b }),
		rates:     newChains(func(a, b Rate) bool { return a == b }),
	}
}

func (b *builder) rows() *Rows {
	r := &Rows{
		Timeline: b.timeline, Tenants: slices.SortedFunc(maps.Values(b.tenants), func(x, y Tenant) int { return bytes.Compare(x.ID[:], y.ID[:]) }),
		Facts: b.facts.all(), Customers: b.customers.all(), Rates: b.rates.all(),
	}
	for _, s := range b.states {
		r.States = append(r.States, *s)
	}
	for _, k := range b.order {
		r.Relations = append(r.Relations, Relation{Tenant: k.tenant, Contact: k.contact, Since: b.relations[k]})
	}
	return r
}

func (b *builder) add(e *eventv1.Event) error {
	h, err := headerOf(e)
	if err != nil {
		return err
	}
	resource, err := resourceOf(e)
	if err != nil {
		return err
	}
	item := itemOf(h, resource)
	if err := b.addEntries(h, item); err != nil {
		return err
	}
	if resource == nil {
		return nil
	}
	if err := b.addStates(h, resource, item); err != nil {
		return err
	}
	return b.addSpecial(h, resource)
}

// addEntries puts the event on the timeline of every contact it names.
func (b *builder) addEntries(h header, item *item) error {
	if len(h.contacts) == 0 || Confidential(h.Event) {
		return nil
	}
	body, err := encode(entryOf(h, item))
	if err != nil {
		return err
	}
	related := evidence.Relates(h.Event)
	for _, contact := range h.contacts {
		b.timeline = append(b.timeline, Entry{
			Tenant: h.tenant, Contact: contact, EventID: h.id,
			OccurredAt: h.occurredAt, RecordedAt: h.recorded,
			Area: h.GetArea(), Type: h.GetType(), Channel: int16(h.GetInteraction().GetChannel()),
			Conversation: h.GetInteraction().GetConversation(),
			Interaction:  h.GetInteraction() != nil, Related: related, Guarded: guardedName(h.GetAggregate()), Body: body,
		})
		if related {
			b.relate(contactKey{h.tenant, contact}, later(h.occurredAt, h.recorded))
		}
	}
	return nil
}

func (b *builder) relate(k contactKey, since time.Time) {
	known, ok := b.relations[k]
	if !ok {
		b.order = append(b.order, k)
	}
	if !ok || since.Before(known) {
		b.relations[k] = since
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// addStates keeps the resource as it is now, for every contact it concerns.
func (b *builder) addStates(h header, resource proto.Message, item *item) error {
	kind, ok := kinds[collection(h.GetAggregate())]
	if !ok || kind.only != nil && !kind.only(resource) {
		return nil
	}
	body, err := kind.body(resource, item)
	if err != nil {
		return err
	}
	k := key{h.tenant, h.GetAggregate()}
	state := State{
		Tenant: h.tenant, Section: int16(kind.section), Area: h.GetArea(),
		Aggregate: h.GetAggregate(), Seq: h.GetAggregateSeq(),
		Open: item.GetOpen(), Deleted: item.deleted, Owner: item.GetOwner(), Team: item.GetTeam(), ChangedAt: h.occurredAt, RecordedAt: h.recorded, Body: body,
	}
	for _, before := range b.last[k] {
		before.ReplacedAt = &state.RecordedAt
		state.Previous = before.Seq
	}
	b.last[k] = b.last[k][:0]
	for _, contact := range kind.contacts(h) {
		row := state
		row.Contact = contact
		row.Peer, row.Refers = peerOf(resource, contact)
		b.states = append(b.states, &row)
		b.last[k] = append(b.last[k], &row)
	}
	return nil
}
