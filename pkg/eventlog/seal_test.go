package eventlog_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// canary stands in every personal field, so that a leak shows.
const canary = "canary-of-a-person"

func newEvent(tenant, contact uuid.UUID) *eventv1.Event {
	return &eventv1.Event{
		Id:       uuid.NewString(),
		Tenant:   "tenants/" + tenant.String(),
		Type:     "lingkar.contact.v1.ContactCreated",
		Contacts: []string{"contacts/" + contact.String()},
	}
}

func payloadOf(t *testing.T, e *eventv1.Event) proto.Message {
	t.Helper()
	m, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What is sealed comes back as it was, and nothing personal stands in the open,
// for any contact.
func TestSeal_roundTrip(t *testing.T) {
	t.Parallel()
	v := &vault{}
	keys := v.keys()
	rapid.Check(t, func(r *rapid.T) {
		tenant, contact := uuid.New(), uuid.New()
		if err := keys.Fetch(t.Context(), tenant, contact); err != nil {
			r.Fatal(err)
		}
		payload := &contactv1.ContactCreated{}
		fill(r, payload.ProtoReflect(), 3)
		before := proto.Clone(payload)
		e := newEvent(tenant, contact)
		e.Interaction = &eventv1.Interaction{Channel: eventv1.Channel_CHANNEL_PHONE, Title: canary, Summary: canary, Conversation: "c"}
		whole := proto.Clone(e.Interaction)

		if err := eventlog.Seal(keys, e, payload); err != nil {
			r.Fatal(err)
		}
		if !proto.Equal(payload, before) {
			r.Fatal("Seal changed the payload it was given")
		}
		stored, err := proto.Marshal(e)
		if err != nil {
			r.Fatal(err)
		}
		if bytes.Contains(stored, []byte(canary)) {
			r.Fatalf("a personal field stands in the open: %v", e)
		}
		if err := eventlog.Unseal(t.Context(), keys, e); err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(before, payloadOf(t, e), protocmp.Transform()); d != "" {
			r.Fatal(d)
		}
		if !proto.Equal(e.GetInteraction(), whole) || e.GetSealed() != nil {
			r.Fatalf("after unsealing: %v", e)
		}
	})
}

// fill sets random fields of a message; personal strings hold the canary.
func fill(r *rapid.T, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.IsMap() || !rapid.Bool().Draw(r, string(fd.Name())) {
			continue
		}
		value := func() protoreflect.Value {
			if fd.Message() == nil {
				return scalar(r, fd)
			}
			v := m.NewField(fd)
			if fd.IsList() {
				v = v.List().NewElement()
			}
			fill(r, v.Message(), depth-1)
			return v
		}
		switch {
		case fd.Message() != nil && depth == 0:
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range rapid.IntRange(1, 2).Draw(r, "n") {
				list.Append(value())
			}
		default:
			m.Set(fd, value())
		}
	}
}

func scalar(r *rapid.T, fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if proto.GetExtension(fd.Options(), eventv1.E_Personal).(bool) {
			return protoreflect.ValueOfString(canary)
		}
		return protoreflect.ValueOfString(rapid.StringMatching("[a-z]{1,5}").Draw(r, "text"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(r, "int32"))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(r, "int64"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(1.5)
	default:
		return fd.Default()
	}
}

func TestUnseal_ofAnErasedContactLeavesTheRest(t *testing.T) {
	t.Parallel()
	v := &vault{}
	keys := v.keys()
	tenant, contact := uuid.New(), uuid.New()
	e := newEvent(tenant, contact)
	if err := keys.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	c := &contactv1.Contact{Name: "contacts/" + contact.String(), DisplayName: canary, LanguageCode: "id"}
	e.Interaction = &eventv1.Interaction{Title: canary, Conversation: "c"}
	if err := eventlog.Seal(keys, e, &contactv1.ContactCreated{Contact: c}); err != nil {
		t.Fatal(err)
	}
	stored := proto.Clone(e).(*eventv1.Event)

	v.erase(contact)
	keys.Drop(tenant, contact)
	for range 2 {
		again := proto.Clone(stored).(*eventv1.Event)
		if err := eventlog.Unseal(t.Context(), keys, again); err != nil {
			t.Fatal(err)
		}
		want := &contactv1.ContactCreated{Contact: &contactv1.Contact{Name: c.GetName(), LanguageCode: "id"}}
		if d := cmp.Diff(want, payloadOf(t, again), protocmp.Transform()); d != "" {
			t.Error(d)
		}
		if i := again.GetInteraction(); i.GetTitle() != "" || i.GetConversation() != "c" || again.GetSealed() != nil {
			t.Errorf("erased event: %v", again)
		}
	}

	if err := eventlog.Seal(keys, newEvent(tenant, contact), &contactv1.ContactCreated{Contact: c}); errs.Reason(err) != "CONTACT_ERASED" {
		t.Errorf("sealing for an erased contact: %v", err)
	}
}

func TestUnseal_noticesAnAlteredEvent(t *testing.T) {
	t.Parallel()
	v := &vault{}
	keys := v.keys()
	tenant, contact := uuid.New(), uuid.New()
	if err := keys.Fetch(t.Context(), tenant, contact); err != nil {
		t.Fatal(err)
	}
	for what, alter := range map[string]func(*eventv1.Event){
		"another event": func(e *eventv1.Event) { e.Id = uuid.NewString() },
		"one bit":       func(e *eventv1.Event) { e.Sealed.Ciphertext[20] ^= 1 },
		"cut short":     func(e *eventv1.Event) { e.Sealed.Ciphertext = e.Sealed.Ciphertext[:5] },
	} {
		e := newEvent(tenant, contact)
		if err := eventlog.Seal(keys, e, &contactv1.ContactCreated{Contact: &contactv1.Contact{DisplayName: canary}}); err != nil {
			t.Fatal(err)
		}
		alter(e)
		if err := eventlog.Unseal(t.Context(), keys, e); err == nil {
			t.Errorf("%s: unsealed without an error", what)
		}
	}
}

func TestSeal_needsAContactForPersonalFields(t *testing.T) {
	t.Parallel()
	v := &vault{}
	keys := v.keys()
	e := newEvent(uuid.New(), uuid.New())
	e.Contacts = nil
	err := eventlog.Seal(keys, e, &contactv1.ContactCreated{Contact: &contactv1.Contact{DisplayName: canary}})
	if errs.Reason(err) != "CONTACT_REQUIRED" {
		t.Errorf("with a personal field: %v", err)
	}
	if err := eventlog.Seal(keys, e, &contactv1.ContactCreated{Contact: &contactv1.Contact{LanguageCode: "id"}}); err != nil {
		t.Errorf("without one: %v", err)
	}
}

func TestSeal_saysWhichKeyIsMissing(t *testing.T) {
	t.Parallel()
	v := &vault{}
	keys := v.keys()
	tenant, contact := uuid.New(), uuid.New()
	payload := &contactv1.ContactCreated{Contact: &contactv1.Contact{DisplayName: canary}}
	err := eventlog.Seal(keys, newEvent(tenant, contact), payload)
	if !errors.Is(err, eventlog.ErrKeyMissing) {
		t.Fatalf("Seal = %v, want ErrKeyMissing", err)
	}
	if err := eventlog.FetchMissing(t.Context(), keys, err); err != nil {
		t.Fatal(err)
	}
	if err := eventlog.Seal(keys, newEvent(tenant, contact), payload); err != nil {
		t.Errorf("after fetching: %v", err)
	}
	other := errors.New("other")
	if err := eventlog.FetchMissing(t.Context(), keys, other); err != other {
		t.Errorf("FetchMissing of another error = %v", err)
	}
}

// A mark below a repeated field that is not marked itself would leave the field
// in the open: the program must not run.
func TestSeal_refusesAMarkItCannotReach(t *testing.T) {
	t.Parallel()
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("unreachable.proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		Dependency: []string{"lingkar/contact/v1/contact.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("ContactsListed"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("contacts"), Number: proto.Int32(1),
				Label:    descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(),
				Type:     descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
				TypeName: proto.String(".lingkar.contact.v1.Contact"),
			}},
		}},
	}
	fd, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "t.ContactsListed.contacts") {
			t.Errorf("recovered %q", r)
		}
	}()
	v := &vault{}
	_ = eventlog.Seal(v.keys(), newEvent(uuid.New(), uuid.New()), dynamicpb.NewMessage(fd.Messages().Get(0)))
}

func BenchmarkSeal(b *testing.B) {
	v := &vault{}
	keys := v.keys()
	tenant, contact := uuid.New(), uuid.New()
	if err := keys.Fetch(b.Context(), tenant, contact); err != nil {
		b.Fatal(err)
	}
	payload := &contactv1.ContactCreated{Contact: &contactv1.Contact{
		Name: "contacts/" + contact.String(), DisplayName: "Siti Rahayu", GivenName: "Siti", FamilyName: "Rahayu",
		Identifiers: []*contactv1.Identifier{{Value: "siti@example.com"}, {Value: "+6281234567890"}},
		Labels:      map[string]string{"tier": "gold"},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if err := eventlog.Seal(keys, newEvent(tenant, contact), payload); err != nil {
			b.Fatal(err)
		}
	}
}
