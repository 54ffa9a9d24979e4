package projection

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// item is what a resource has in common with all others.
type item struct {
	*analyticsv1.WorkItem
	deleted bool
}

// plan says where a type of resource keeps what all have in common: nil fields
// are not there.
type plan struct {
	number, title, kind, state, priority, amount protoreflect.FieldDescriptor
	owner, team, channel, conversation           protoreflect.FieldDescriptor
	dueTime, createTime, updateTime, deleteTime  protoreflect.FieldDescriptor
}

// plans holds the plan of each type of resource met so far, by its full name.
var plans sync.Map

// planOf answers the plan of a type. Where services say a thing by different
// names, the first of them that is there and of the right type counts.
func planOf(md protoreflect.MessageDescriptor) *plan {
	if p, ok := plans.Load(md.FullName()); ok {
		return p.(*plan)
	}
	text := func(fd protoreflect.FieldDescriptor) bool { return fd.Kind() == protoreflect.StringKind }
	enum := func(fd protoreflect.FieldDescriptor) bool { return fd.Kind() == protoreflect.EnumKind }
	message := func(name protoreflect.FullName) func(protoreflect.FieldDescriptor) bool {
		return func(fd protoreflect.FieldDescriptor) bool {
			return fd.Message() != nil && fd.Message().FullName() == name
		}
	}
	instant, amount := message("google.protobuf.Timestamp"), message("google.type.Money")
	p := &plan{
		number:       find(md, text, "number", "customer_id", "code"),
		title:        find(md, text, "subject", "title", "display_name", "description"),
		kind:         find(md, enum, "kind"),
		state:        find(md, enum, "status", "state"),
		priority:     find(md, enum, "severity", "priority"),
		amount:       find(md, amount, "total", "amount", "estimated_value", "value"),
		owner:        find(md, text, "owner"),
		team:         find(md, text, "team"),
		channel:      find(md, enum, "channel"),
		conversation: find(md, text, "conversation"),
		dueTime:      find(md, instant, "due_time"),
		createTime:   find(md, instant, "create_time"),
		updateTime:   find(md, instant, "update_time"),
		deleteTime:   find(md, instant, "delete_time"),
	}
	plans.Store(md.FullName(), p)
	return p
}

func find(md protoreflect.MessageDescriptor, fits func(protoreflect.FieldDescriptor) bool, names ...protoreflect.Name) protoreflect.FieldDescriptor {
	for _, name := range names {
		if fd := md.Fields().ByName(name); fd != nil && !fd.IsList() && !fd.IsMap() && fits(fd) {
			return fd
		}
	}
	return nil
}

// itemOf reads what a resource has in common with all others; an empty item
// where the resource is not known.
func itemOf(h header, resource proto.Message) *item {
	if resource == nil {
		return &item{WorkItem: &analyticsv1.WorkItem{}}
	}
	m := resource.ProtoReflect()
	p := planOf(m.Descriptor())
	i := &item{
		WorkItem: &analyticsv1.WorkItem{
			Resource: h.GetAggregate(), Type: string(m.Descriptor().FullName()),
			Number: text(m, p.number), Title: text(m, p.title),
			Kind: name(m, p.kind), State: name(m, p.state), Priority: name(m, p.priority),
			Amount: amount(m, p.amount), Owner: text(m, p.owner), Team: text(m, p.team),
			Channel: channel(m, p.channel), Conversation: text(m, p.conversation),
			DueTime: instant(m, p.dueTime), CreateTime: instant(m, p.createTime), UpdateTime: instant(m, p.updateTime),
		},
		deleted: instant(m, p.deleteTime) != nil,
	}
	i.Open = !i.deleted && slices.Contains(kinds[collection(h.GetAggregate())].open, i.GetState())
	return i
}

func text(m protoreflect.Message, fd protoreflect.FieldDescriptor) string {
	if fd == nil {
		return ""
	}
	return m.Get(fd).String()
}

// name answers the value of an enum without the prefix of its type; empty where
// it is not given.
func name(m protoreflect.Message, fd protoreflect.FieldDescriptor) string {
	if fd == nil || !m.Has(fd) {
		return ""
	}
	value := fd.Enum().Values().ByNumber(m.Get(fd).Enum())
	if value == nil {
		return ""
	}
	return strings.TrimPrefix(string(value.Name()), upperSnake(string(fd.Enum().Name()))+"_")
}

// upperSnake answers "TICKET_STATUS" for "TicketStatus".
func upperSnake(camel string) string {
	var b strings.Builder
	for i, r := range camel {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

func amount(m protoreflect.Message, fd protoreflect.FieldDescriptor) *money.Money {
	if fd == nil || !m.Has(fd) {
		return nil
	}
	value, _ := m.Get(fd).Message().Interface().(*money.Money)
	return value
}

func instant(m protoreflect.Message, fd protoreflect.FieldDescriptor) *timestamppb.Timestamp {
	if fd == nil || !m.Has(fd) {
		return nil
	}
	value, _ := m.Get(fd).Message().Interface().(*timestamppb.Timestamp)
	return value
}

func channel(m protoreflect.Message, fd protoreflect.FieldDescriptor) eventv1.Channel {
	if fd == nil || fd.Enum().FullName() != "lingkar.event.v1.Channel" {
		return eventv1.Channel_CHANNEL_UNSPECIFIED
	}
	return eventv1.Channel(m.Get(fd).Enum())
}
