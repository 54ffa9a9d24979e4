package rules

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// sweepPage is how many resources a sweep looks at in one transaction.
const sweepPage = 200

// sweeper is whose page tokens those of sweeps are.
const sweeper = "services/rules"

// KindOf makes the kind of the resources of a store. Events are empty messages of the
// events that carry the resource, in any order.
func KindOf[T any, P proto.Message](s *record.Store[T, P], actions map[string]Action, events ...proto.Message) Kind {
	k := Kind{
		Name: strings.ReplaceAll(s.Kind, " ", "_"), Collection: s.Collection, Empty: (*new(P)).ProtoReflect().New().Interface(), Actions: actions,
		get: func(ctx context.Context, tenant uuid.UUID, name string) (proto.Message, error) {
			return s.Read(ctx, tenant, name)
		},
	}
	for _, e := range events {
		k.Events = append(k.Events, string(e.ProtoReflect().Descriptor().FullName()))
	}
	of := func(row *T) *resource {
		r := &resource{name: s.Collection + "/" + s.Meta(row).ID.String(), seq: s.Meta(row).Seq, message: s.Proto(row)}
		if s.Contacts != nil {
			if contacts := s.Contacts(row); len(contacts) > 0 {
				r.contact = contacts[0]
			}
		}
		return r
	}
	k.lock = func(u *record.Unit, name string) (*resource, error) {
		id, err := s.ParseName(name)
		if err != nil {
			return nil, err
		}
		rows, err := s.LockAllIn(u, []uuid.UUID{id})
		if err != nil || rows[id] == nil {
			return nil, err
		}
		return of(rows[id]), nil
	}
	k.page = func(ctx context.Context, tenant uuid.UUID, token string) ([]*resource, string, error) {
		rows, next, err := s.Table.List(ctx, s.DB, tenant, postgres.Query{PageSize: sweepPage, PageToken: token, Subject: sweeper})
		page := make([]*resource, len(rows))
		for i, row := range rows {
			page[i] = of(row)
		}
		return page, next, err
	}
	return k
}

// KindOfEvents makes a kind of resources that events alone tell of. Its rules are
// triggered by events; of a state or by a schedule there are none. Get reads one, as far
// as the caller may see it.
func KindOfEvents(name, collection string, empty proto.Message, get func(ctx context.Context, tenant uuid.UUID, name string) (proto.Message, error),
	actions map[string]Action, events ...proto.Message) Kind {
	k := Kind{Name: name, Collection: collection, Empty: empty, Actions: actions, get: get}
	for _, e := range events {
		k.Events = append(k.Events, string(e.ProtoReflect().Descriptor().FullName()))
	}
	return k
}

// kindOf answers the kind of a resource's name.
func (e *Engine) kindOf(name string) (Kind, bool) {
	for _, k := range e.kinds {
		if strings.HasPrefix(name, k.Collection+"/") {
			return k, true
		}
	}
	return Kind{}, false
}

// kind answers the kind of a rule, or what is wrong with it.
func (e *Engine) kind(name string) (Kind, error) {
	k, ok := e.kinds[name]
	if !ok {
		return k, errs.Invalid("rule.kind", "RULE_INVALID", "this service has no rules about "+name)
	}
	return k, nil
}

// carried answers the resource that an event carries.
func (k Kind) carried(e *eventv1.Event) (proto.Message, error) {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return nil, fmt.Errorf("rules: event %s: %w", e.GetId(), err)
	}
	want := k.Empty.ProtoReflect().Descriptor().FullName()
	m := payload.ProtoReflect()
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if f.Message() != nil && !f.IsList() && !f.IsMap() && f.Message().FullName() == want {
			return m.Get(f).Message().Interface(), nil
		}
	}
	return nil, fmt.Errorf("rules: event %s carries no %s", e.GetId(), k.Name)
}

// changed answers the fields that an event says have changed.
func changed(e *eventv1.Event) []string {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return nil
	}
	switch p := payload.(type) {
	case interface{ GetPaths() []string }:
		return p.GetPaths()
	default:
		return nil
	}
}

// textAt answers a text field of a message, empty where it has none of that name.
func textAt(m proto.Message, field protoreflect.Name) string {
	f := m.ProtoReflect().Descriptor().Fields().ByName(field)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.ProtoReflect().Get(f).String()
}

// gone says that a resource is deleted.
func gone(m proto.Message) bool {
	f := m.ProtoReflect().Descriptor().Fields().ByName("delete_time")
	return f != nil && m.ProtoReflect().Has(f)
}
