// Package projection reads events: it says which rows a batch of them adds to
// the projections of analytics. It touches no database and no clock.
//
// What services have in common is read by reflection from field 1 of the
// payload, the resource after the change; what is special of a type stands in
// special.go. A type this program does not know enters the timeline by its
// envelope alone, and the rest of its rows with the next rebuild.
//
// The rows of a batch depend only on its events, in their order per aggregate:
// how a log is cut into batches, and how partitions interleave, makes no
// difference to what the projections hold in the end.
package projection

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Rows are what a batch of events adds to each projection.
type Rows struct {
	Timeline  []Entry
	States    []State
	Relations []Relation
	Tenants   []Tenant
	Facts     []Version[Fact]
	Customers []Version[Customer]
	Rates     []Version[Rate]
}

// Entry is one event on the timeline of one contact.
type Entry struct {
	Tenant, Contact, EventID uuid.UUID
	OccurredAt, RecordedAt   time.Time
	Area, Type               string
	Channel                  int16
	Conversation             string
	// Interaction is true for a meeting of customer and company.
	Interaction bool
	// Related is true where the event shows that the contact has to do with us.
	Related bool
	// Guarded is the resource where it is one of a collection that is Guarded.
	Guarded string
	// Body is the TimelineEntry as answered.
	Body []byte
}

// State is one version of a resource, for one of the contacts it concerns.
type State struct {
	Tenant, Contact uuid.UUID
	Section         int16
	Area, Aggregate string
	Seq             int64
	// Previous is the number of the version in the same batch that this one
	// replaces; 0 where that version, if any, is in the table.
	Previous int64
	// Open is true while something is left to do.
	Open bool
	// Deleted is true of a resource that was deleted.
	Deleted bool
	// Owner and Team look after it.
	Owner, Team string
	// ChangedAt is when the change happened in the world.
	ChangedAt time.Time
	// RecordedAt is from when on it was known, ReplacedAt when it no longer was:
	// nil while it is.
	RecordedAt time.Time
	ReplacedAt *time.Time
	// Peer and Refers are what a relationship leads to: the contact on its other
	// side and its type.
	Peer   uuid.UUID
	Refers string
	// Body is the resource itself for the profile, relationships and their types, facts
	// and custom fields, and a WorkItem for everything else.
	Body []byte
}

// Relation is the earliest instant at which a contact is known to have to do with
// us.
type Relation struct {
	Tenant, Contact uuid.UUID
	Since           time.Time
}

// Tenant is what holds for all of a tenant.
type Tenant struct {
	ID             uuid.UUID
	Seq            int64
	Currency, Zone string
	// Months is how many calendar months the window reaches back.
	Months int32
}

// Of reads a batch of events, unsealed, each aggregate in order. An error names
// the event that cannot be read.
func Of(events []*eventv1.Event) (*Rows, error) {
	b := newBuilder()
	for _, e := range events {
		if err := b.add(e); err != nil {
			return nil, fmt.Errorf("event %s (%s): %w", e.GetId(), e.GetType(), err)
		}
	}
	return b.rows(), nil
}

// header is the envelope of an event in the types of the tables.
type header struct {
	*eventv1.Event
	tenant, id           uuid.UUID
	contacts             []uuid.UUID
	occurredAt, recorded time.Time
}

// Ids answers the tenant, the id and the contacts of an event, each contact once.
func Ids(e *eventv1.Event) (tenant, id uuid.UUID, contacts []uuid.UUID, err error) {
	if tenant, err = uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/")); err != nil {
		return tenant, id, nil, fmt.Errorf("tenant: %w", err)
	}
	if id, err = uuid.Parse(e.GetId()); err != nil {
		return tenant, id, nil, fmt.Errorf("id: %w", err)
	}
	seen := make(map[uuid.UUID]bool, len(e.GetContacts()))
	for _, name := range e.GetContacts() {
		contact, err := contactID(name)
		if err != nil {
			return tenant, id, nil, err
		}
		if !seen[contact] {
			seen[contact] = true
			contacts = append(contacts, contact)
		}
	}
	return tenant, id, contacts, nil
}

func contactID(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(strings.TrimPrefix(name, "contacts/"))
	if err != nil {
		return id, fmt.Errorf("contact %q: %w", name, err)
	}
	return id, nil
}

func headerOf(e *eventv1.Event) (header, error) {
	tenant, id, contacts, err := Ids(e)
	if err != nil {
		return header{}, err
	}
	if e.GetRecordedAt() == nil || e.GetOccurredAt() == nil {
		return header{}, fmt.Errorf("it has no time")
	}
	return header{
		Event: e, tenant: tenant, id: id, contacts: contacts,
		occurredAt: e.GetOccurredAt().AsTime(), recorded: e.GetRecordedAt().AsTime(),
	}, nil
}

// resourceOf answers the resource after the change; nil where this program does
// not know the type of the payload.
func resourceOf(e *eventv1.Event) (proto.Message, error) {
	payload, err := payloadOf(e)
	if payload == nil || err != nil {
		return nil, err
	}
	m := payload.ProtoReflect()
	first := m.Descriptor().Fields().ByNumber(1)
	if first == nil || first.Message() == nil || first.Cardinality() == protoreflect.Repeated || !m.Has(first) {
		return nil, nil
	}
	return m.Get(first).Message().Interface(), nil
}

// encode marshals so that equal messages give equal bytes: a rebuilt projection
// is compared with the live one byte by byte.
func encode(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}
