package evidence_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle/evidence"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// CON-17, CON-18: what shows that a contact has to do with us.
func TestRelates(t *testing.T) {
	t.Parallel()
	met := func(d eventv1.Direction) *eventv1.Interaction { return &eventv1.Interaction{Direction: d} }
	in, out := met(eventv1.Direction_DIRECTION_INBOUND), met(eventv1.Direction_DIRECTION_OUTBOUND)
	for name, c := range map[string]struct {
		event *eventv1.Event
		want  bool
	}{
		"created":              {&eventv1.Event{Area: "contact", Aggregate: "contacts/x"}, false},
		"moved":                {&eventv1.Event{Area: "contact", Aggregate: "lifecycles/x"}, false},
		"met":                  {&eventv1.Event{Area: "contact", Aggregate: "interactions/x", Interaction: out}, true},
		"a relationship":       {&eventv1.Event{Area: "contact", Aggregate: "relationships/x"}, true},
		"a typed fact":         {&eventv1.Event{Area: "contact", Aggregate: "facts/x"}, true},
		"a lead":               {&eventv1.Event{Area: "sales", Aggregate: "leads/x"}, true},
		"a ticket":             {&eventv1.Event{Area: "ticket", Aggregate: "tickets/x"}, true},
		"a campaign wrote":     {&eventv1.Event{Area: "campaign", Aggregate: "touches/x", Interaction: out}, false},
		"a campaign was heard": {&eventv1.Event{Area: "campaign", Aggregate: "touches/x", Interaction: in}, true},
		"a segment":            {&eventv1.Event{Area: "campaign", Aggregate: "segments/x"}, false},
	} {
		if got := evidence.Relates(c.event); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPurchase(t *testing.T) {
	t.Parallel()
	occurred, dated := time.Unix(1000, 0).UTC(), timestamppb.New(time.Unix(500, 0))
	confirmed, cancelled := salesv1.OrderStatus_ORDER_STATUS_CONFIRMED, salesv1.OrderStatus_ORDER_STATUS_CANCELLED
	for name, c := range map[string]struct {
		order *salesv1.Order
		at    time.Time
		is    bool
	}{
		"a draft":   {&salesv1.Order{Status: salesv1.OrderStatus_ORDER_STATUS_DRAFT}, time.Time{}, false},
		"confirmed": {&salesv1.Order{Status: confirmed}, occurred, true},
		"dated":     {&salesv1.Order{Status: confirmed, OrderTime: dated}, dated.AsTime(), true},
		"cancelled": {&salesv1.Order{Status: cancelled, OrderTime: dated}, time.Time{}, false},
		"deleted":   {&salesv1.Order{Status: confirmed, DeleteTime: dated}, time.Time{}, false},
	} {
		if at, is := evidence.Purchase(c.order, occurred); is != c.is || !at.Equal(c.at) {
			t.Errorf("%s: %s, %v", name, at, is)
		}
	}
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	early, late := timestamppb.New(time.Unix(1, 0)), timestamppb.New(time.Unix(2, 0))
	for name, c := range map[string]struct {
		contact *contactv1.Contact
		want    bool
	}{
		"alive":               {&contactv1.Contact{}, false},
		"deleted":             {&contactv1.Contact{DeleteTime: late}, true},
		"erased":              {&contactv1.Contact{DeleteTime: late, EraseTime: late}, false},
		"deleted, and erased": {&contactv1.Contact{DeleteTime: early, EraseTime: late}, true},
	} {
		if got := evidence.Deleted(c.contact); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
