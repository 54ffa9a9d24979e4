package eventlog

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// fetchAttempts bounds how often a key that left the cache between fetching and
// using it is fetched again.
const fetchAttempts = 3

// Seal puts the payload into the event, its personal fields and those of the
// event's interaction encrypted under the key of the event's first contact. The
// payload itself is left as it is.
//
// It answers a *KeyMissingError when the key is not cached, INVALID_ARGUMENT
// CONTACT_REQUIRED when there are personal fields but no contact, and
// FAILED_PRECONDITION CONTACT_ERASED when the key was destroyed.
func Seal(keys Keys, e *eventv1.Event, payload proto.Message) error {
	open, closed, err := splitPayload(payload)
	if err != nil {
		return err
	}
	e.Payload = &anypb.Any{TypeUrl: "type.googleapis.com/" + e.GetType(), Value: open}
	parts := &eventv1.SealedParts{Payload: closed}
	if i := e.GetInteraction(); i.GetTitle() != "" || i.GetSummary() != "" {
		parts.Interaction = &eventv1.Interaction{Title: i.GetTitle(), Summary: i.GetSummary()}
		e.Interaction = &eventv1.Interaction{Channel: i.GetChannel(), Direction: i.GetDirection(), Conversation: i.GetConversation()}
	}
	if parts.Interaction == nil && len(closed) == 0 {
		return nil
	}
	return sealParts(keys, e, parts)
}

func splitPayload(payload proto.Message) (open, closed []byte, err error) {
	m := payload.ProtoReflect()
	p := planOf(m.Descriptor())
	if p == nil {
		open, err = proto.Marshal(payload)
		return open, nil, err
	}
	public, personal := p.split(m)
	if open, err = proto.Marshal(public.Interface()); err != nil {
		return nil, nil, err
	}
	if personal != nil {
		closed, err = proto.Marshal(personal.Interface())
	}
	return open, closed, err
}

func sealParts(keys Keys, e *eventv1.Event, parts *eventv1.SealedParts) error {
	if len(e.GetContacts()) == 0 {
		return errs.Invalid("contact", "CONTACT_REQUIRED", "personal data can be recorded of a known contact only: name the contact")
	}
	contact := e.GetContacts()[0]
	tenantID, contactID, err := owners(e.GetTenant(), contact)
	if err != nil {
		return err
	}
	key, ok := keys.Cached(tenantID, contactID)
	if !ok {
		return &KeyMissingError{Tenant: tenantID, Contacts: []uuid.UUID{contactID}}
	}
	if key.Destroyed() {
		return errs.Refused("CONTACT_ERASED", "the contact was erased: nothing personal can be recorded of it").With("resource", contact)
	}
	plain, err := proto.Marshal(parts)
	if err != nil {
		return err
	}
	ciphertext, err := key.Seal(plain, sealedWith(e, contact))
	if err != nil {
		return err
	}
	e.Sealed = &eventv1.Sealed{Contact: contact, Key: key.ID, Ciphertext: ciphertext}
	return nil
}

// sealedWith is the additional data: it ties the ciphertext to its event.
func sealedWith(e *eventv1.Event, contact string) []byte {
	return []byte(e.GetTenant() + "|" + contact + "|" + e.GetId())
}

func owners(tenant, contact string) (tenantID, contactID uuid.UUID, err error) {
	if tenantID, err = uuid.Parse(strings.TrimPrefix(tenant, "tenants/")); err != nil {
		return tenantID, contactID, fmt.Errorf("eventlog: tenant of an event: %w", err)
	}
	if contactID, err = uuid.Parse(strings.TrimPrefix(contact, "contacts/")); err != nil {
		return tenantID, contactID, fmt.Errorf("eventlog: contact of an event: %w", err)
	}
	return tenantID, contactID, nil
}

// Unseal puts the personal fields of an event back in their places and removes
// Sealed. Where the key was destroyed, is not the one that sealed, or belongs to a
// contact that is gone, the fields stay empty: the contact was erased. It fetches the key when it is not cached,
// and answers an error only when that failed or the ciphertext was tampered
// with.
func Unseal(ctx context.Context, keys Keys, e *eventv1.Event) error {
	sealed := e.GetSealed()
	if sealed == nil {
		return nil
	}
	key, err := keyOf(ctx, keys, e)
	if err != nil {
		return err
	}
	if key.Destroyed() || key.ID != sealed.GetKey() {
		e.Sealed = nil
		return nil
	}
	plain, err := key.Open(sealed.GetCiphertext(), sealedWith(e, sealed.GetContact()))
	if err != nil {
		return &alteredError{event: e.GetId(), cause: err}
	}
	var parts eventv1.SealedParts
	if err := proto.Unmarshal(plain, &parts); err != nil {
		return &alteredError{event: e.GetId(), cause: err}
	}
	// Protobuf reads two messages written one behind the other as their merge.
	e.GetPayload().Value = append(e.GetPayload().GetValue(), parts.GetPayload()...)
	if parts.GetInteraction() != nil {
		proto.Merge(e.GetInteraction(), parts.GetInteraction())
	}
	e.Sealed = nil
	return nil
}

// alteredError says that a sealed part is not what was sealed.
type alteredError struct {
	event string
	cause error
}

// Error implements error.
func (e *alteredError) Error() string {
	return "eventlog: event " + e.event + ": the sealed part was altered: " + e.cause.Error()
}

// Unwrap answers the cause.
func (e *alteredError) Unwrap() error { return e.cause }

func keyOf(ctx context.Context, keys Keys, e *eventv1.Event) (Key, error) {
	tenant, contact, err := owners(e.GetTenant(), e.GetSealed().GetContact())
	if err != nil {
		return Key{}, &alteredError{event: e.GetId(), cause: err}
	}
	for range fetchAttempts {
		if key, ok := keys.Cached(tenant, contact); ok {
			return key, nil
		}
		if err := keys.Fetch(ctx, tenant, contact); unknown(err) {
			return Key{}, nil
		} else if err != nil {
			return Key{}, err
		}
	}
	if key, ok := keys.Cached(tenant, contact); ok {
		return key, nil
	}
	return Key{}, &KeyMissingError{Tenant: tenant, Contacts: []uuid.UUID{contact}}
}

// plan says where the personal fields of a message type are. A type that has
// none has no plan.
type plan struct {
	personal map[protoreflect.FieldNumber]bool
	nested   map[protoreflect.FieldNumber]*plan
}

// split answers the message less its personal fields, and these alone in a
// message of the same type: nil where none is set. Both share the field values
// with m, which must not change until they are marshalled.
func (p *plan) split(m protoreflect.Message) (public, personal protoreflect.Message) {
	public = m.New()
	take := func(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
		if personal == nil {
			personal = m.New()
		}
		personal.Set(fd, v)
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if p.personal[fd.Number()] {
			take(fd, v)
			return true
		}
		if nested := p.nested[fd.Number()]; nested != nil {
			open, closed := nested.split(v.Message())
			v = protoreflect.ValueOfMessage(open)
			if closed != nil {
				take(fd, protoreflect.ValueOfMessage(closed))
			}
		}
		public.Set(fd, v)
		return true
	})
	public.SetUnknown(m.GetUnknown())
	return public, personal
}
