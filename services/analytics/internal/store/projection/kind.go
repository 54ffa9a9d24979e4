package projection

import (
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// RelationshipTypes is the section of the types of relationships, CustomFields that of the
// custom fields of contacts. They are nobody's: their contact is uuid.Nil.
const (
	RelationshipTypes = int16(-1)
	CustomFields      = int16(-2)
)

// kind says what becomes of the resources of one collection.
type kind struct {
	section int16
	// open lists the states in which something is left to do.
	open []string
	// whole keeps the resource itself instead of a WorkItem.
	whole bool
	// own is true where the resource is of its first contact alone, whomever else its
	// events concern.
	own bool
	// only, where set, says of which resources of the collection this holds; others are
	// on the timeline alone.
	only func(resource proto.Message) bool
	// nobodys is true where the resources concern no contact.
	nobodys bool
}

// kinds are the collections whose resources a view shows. Others are on the
// timeline only.
var kinds = map[string]kind{
	"contacts":          {section: int16(analyticsv1.Section_SECTION_PROFILE), whole: true, own: true},
	"relationships":     {section: int16(analyticsv1.Section_SECTION_RELATIONSHIPS), whole: true},
	"relationshipTypes": {section: RelationshipTypes, whole: true, nobodys: true},
	"customFields":      {section: CustomFields, whole: true, nobodys: true, only: ofContacts},
	"facts":             {section: int16(analyticsv1.Section_SECTION_ACCOUNT_BALANCES), whole: true, only: tellsBalance},
	"leads":             {section: int16(analyticsv1.Section_SECTION_LEADS), open: []string{"NEW", "WORKING", "QUALIFIED"}},
	"opportunities":     {section: int16(analyticsv1.Section_SECTION_OPPORTUNITIES), open: []string{"OPEN"}},
	"orders":            {section: int16(analyticsv1.Section_SECTION_ORDERS), open: []string{"DRAFT"}},
	"tickets":           {section: int16(analyticsv1.Section_SECTION_TICKETS), open: []string{"OPEN", "PENDING"}},
	"touches":           {section: int16(analyticsv1.Section_SECTION_TOUCHES), open: []string{"PLANNED"}},
}

// confidential are the collections that only those may know of who may read them: not
// even that there is something stands on a timeline.
var confidential = map[string]bool{"employeeRecords": true}

// Guarded are the collections that not everybody may read who may read the rest of their
// area. What happened to one of their resources is for those who may read it.
var Guarded = []string{"legalHolds", "opportunities", "orders", "portalAccesses"}

// GuardOf answers the collection of a resource that is guarded; empty for others.
func GuardOf(resource string) string {
	if c := collection(resource); slices.Contains(Guarded, c) {
		return c
	}
	return ""
}

// guardedName answers the name of a resource that is guarded; empty for others.
func guardedName(resource string) string {
	if GuardOf(resource) == "" {
		return ""
	}
	return resource
}

// Confidential says whether an event is on no timeline at all.
func Confidential(e *eventv1.Event) bool { return confidential[collection(e.GetAggregate())] }

func tellsBalance(resource proto.Message) bool {
	f, ok := resource.(*contactv1.Fact)
	return ok && f.GetKind() == contactv1.FactKind_FACT_KIND_ACCOUNT_BALANCE
}

func ofContacts(resource proto.Message) bool {
	f, ok := resource.(*contactv1.CustomField)
	return ok && f.GetResource() == "contacts"
}

// collection answers "orders" for "orders/{uuid}".
func collection(name string) string {
	before, _, _ := strings.Cut(name, "/")
	return before
}

func (k kind) contacts(h header) []uuid.UUID {
	if k.nobodys {
		return []uuid.UUID{uuid.Nil}
	}
	if k.own && len(h.contacts) > 0 {
		return h.contacts[:1]
	}
	return h.contacts
}

func (k kind) body(resource proto.Message, item *item) ([]byte, error) {
	if k.whole {
		return encode(resource)
	}
	return encode(item.WorkItem)
}

// peerOf answers what a relationship leads to from one of its contacts.
func peerOf(resource proto.Message, contact uuid.UUID) (peer uuid.UUID, refers string) {
	r, ok := resource.(*contactv1.Relationship)
	if !ok {
		return uuid.Nil, ""
	}
	other := r.GetToContact()
	if other == "contacts/"+contact.String() {
		other = r.GetFromContact()
	}
	peer, err := contactID(other)
	if err != nil {
		return uuid.Nil, r.GetType()
	}
	return peer, r.GetType()
}
