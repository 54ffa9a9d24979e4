package disclosure

import (
	"context"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// ClearedEvent is what may leave of an event.
type ClearedEvent struct {
	event  *eventv1.Event
	reason contactv1.WithholdReason
}

// Event is a copy of the event with the fields that may leave; nil where it may not.
func (c ClearedEvent) Event() *eventv1.Event { return c.event }

// Reason is why it may not leave; unspecified where it may.
func (c ClearedEvent) Reason() contactv1.WithholdReason { return c.reason }

// erased is the type of the event that tells that a contact was erased.
var erased = string((&contactv1.ContactErased{}).ProtoReflect().Descriptor().FullName())

// ScreenEvent asks whether an event may leave, which it may where it may for every
// contact that it concerns. The company itself gets the event unsealed, a processor what
// its contract names of it, and everybody else nothing that is personal. Keys unseal it.
//
// That a contact was erased is told to all who got something of it before, so that they
// erase it too, and nothing but its name.
func (o Output) ScreenEvent(ctx context.Context, keys eventlog.Keys, e *eventv1.Event) (ClearedEvent, error) {
	own := proto.CloneOf(e)
	if len(own.GetContacts()) == 0 { // it is about nobody, and holds nothing personal
		own.Sealed = nil
		return ClearedEvent{event: own}, nil
	}
	req := &contactv1.ScreenDisclosureRequest{
		Recipient: o.To.Name, Output: o.Name, Contacts: own.GetContacts(), Together: true, Erasure: own.GetType() == erased,
	}
	if o.To.Name == "" {
		req.RecipientClass = o.To.Class
	}
	answer, err := o.Decides.ScreenDisclosure(ctx, req)
	if err != nil {
		return ClearedEvent{}, err
	}
	for _, d := range answer.GetDisclosures() {
		if !d.GetAllowed() {
			return ClearedEvent{reason: d.GetReason()}, nil
		}
	}
	switch class := answer.GetRecipientClass(); {
	case class == contactv1.RecipientClass_RECIPIENT_CLASS_FIRST_PARTY:
		err = eventlog.Unseal(ctx, keys, own)
	case req.GetErasure():
		err = nameAlone(own)
	case class == contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR:
		if err = eventlog.Unseal(ctx, keys, own); err == nil {
			err = limit(own, answer.GetFields())
		}
	default:
		own.Sealed = nil
	}
	if err != nil {
		return ClearedEvent{}, err
	}
	return ClearedEvent{event: own}, nil
}

// nameAlone leaves of the event of an erasure the name of the contact.
func nameAlone(e *eventv1.Event) (err error) {
	e.Sealed = nil
	e.Payload, err = anypb.New(&contactv1.ContactErased{Contact: &contactv1.Contact{Name: e.GetAggregate()}})
	return err
}

// limit leaves of an event what a contract names: the payload's fields by the
// collections of the resources that they belong to, those of the event's own by that of
// the resource that changed; and the words of the interaction where it names
// "interactions.title" and "interactions.summary".
func limit(e *eventv1.Event, fields []string) error {
	named := make(map[string]bool, len(fields))
	for _, field := range fields {
		named[field] = true
	}
	if i := e.GetInteraction(); i != nil {
		if !named["interactions.title"] {
			i.Title = ""
		}
		if !named["interactions.summary"] {
			i.Summary = ""
		}
	}
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return err
	}
	collection, _, _ := strings.Cut(e.GetAggregate(), "/")
	limitMessage(payload.ProtoReflect(), collection, named)
	e.Payload, err = anypb.New(payload)
	return err
}

// limitMessage clears what is not named. Names of resources stay, and what else there is
// of a resource is judged by its own collection.
func limitMessage(m protoreflect.Message, collection string, named map[string]bool) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		of, isResource := collectionOf(f.Message())
		switch {
		case isName(f), named[collection+"."+string(f.Name())]:
		case isResource && f.IsList():
			for i := range v.List().Len() {
				limitMessage(v.List().Get(i).Message(), of, named)
			}
		case isResource && !f.IsMap():
			limitMessage(v.Message(), of, named)
		default:
			m.Clear(f)
		}
		return true
	})
}

// collectionOf answers the collection of a kind of resource.
func collectionOf(d protoreflect.MessageDescriptor) (string, bool) {
	if d == nil {
		return "", false
	}
	resource, ok := proto.GetExtension(d.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
	if !ok || resource == nil || len(resource.GetPattern()) == 0 {
		return "", false
	}
	collection, _, _ := strings.Cut(resource.GetPattern()[0], "/")
	return collection, true
}

// isName says whether a field holds names of resources: its own, or others'.
func isName(f protoreflect.FieldDescriptor) bool {
	if f.Kind() != protoreflect.StringKind || f.IsMap() {
		return false
	}
	_, resource := collectionOf(f.ContainingMessage())
	return resource && f.Name() == "name" || proto.HasExtension(f.Options(), annotations.E_ResourceReference)
}
