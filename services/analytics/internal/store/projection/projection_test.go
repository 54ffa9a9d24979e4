package projection_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// event words an event of one contact.
func event(t testing.TB, area, aggregate string, seq int64, payload proto.Message) *eventv1.Event {
	t.Helper()
	packed, err := anypb.New(payload)
	if err != nil {
		t.Fatal(err)
	}
	return &eventv1.Event{
		Id: uuid.NewString(), Tenant: "tenants/" + uuid.Nil.String(), Type: string(payload.ProtoReflect().Descriptor().FullName()),
		Aggregate: aggregate, AggregateSeq: seq, Area: area, Payload: packed, Actor: "users/sari",
		OccurredAt: timestamppb.New(now), RecordedAt: timestamppb.New(now.Add(time.Duration(seq) * time.Second)),
		Contacts: []string{"contacts/01890000-0000-7000-8000-000000000001"},
	}
}

func rowsOf(t testing.TB, events ...*eventv1.Event) *projection.Rows {
	t.Helper()
	rows, err := projection.Of(events)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// An event of a type that this program does not know is on the timeline by its
// envelope, and nothing else.
func TestOf_unknownType(t *testing.T) {
	t.Parallel()
	e := event(t, "sales", "drones/1", 1, &salesv1.LeadCaptured{Lead: &salesv1.Lead{}})
	e.Type = "lingkar.sales.v9.DroneLanded"
	e.Payload = &anypb.Any{TypeUrl: "type.googleapis.com/lingkar.sales.v9.DroneLanded", Value: []byte{0xff, 0xff}}
	rows := rowsOf(t, e)
	if len(rows.Timeline) != 1 || len(rows.States)+len(rows.Facts)+len(rows.Customers) != 0 {
		t.Fatalf("rows %+v", rows)
	}
	var entry analyticsv1.TimelineEntry
	if err := proto.Unmarshal(rows.Timeline[0].Body, &entry); err != nil || entry.GetTitle() != "Drone landed" || entry.GetArea() != "sales" {
		t.Errorf("entry %v, %v", &entry, err)
	}
}

// A known type whose bytes cannot be read is an error that names the event.
func TestOf_spoiltPayload(t *testing.T) {
	t.Parallel()
	e := event(t, "sales", "leads/1", 1, &salesv1.LeadCaptured{})
	e.Payload.Value = []byte{0xff, 0xff}
	if _, err := projection.Of([]*eventv1.Event{e}); err == nil {
		t.Error("it was read")
	}
}

// What services call differently is one thing in a work item.
func TestOf_workItems(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		area, aggregate string
		payload         proto.Message
		want            *analyticsv1.WorkItem
	}{
		"a lead": {"sales", "leads/1", &salesv1.LeadCaptured{Lead: &salesv1.Lead{DisplayName: "sofa", Status: salesv1.LeadStatus_LEAD_STATUS_NEW, Owner: "users/x"}},
			&analyticsv1.WorkItem{Resource: "leads/1", Type: "lingkar.sales.v1.Lead", Title: "sofa", State: "NEW", Open: true, Owner: "users/x"}},
		"a deleted lead": {"sales", "leads/1", &salesv1.LeadDeleted{Lead: &salesv1.Lead{Status: salesv1.LeadStatus_LEAD_STATUS_NEW, DeleteTime: timestamppb.New(now)}},
			&analyticsv1.WorkItem{Resource: "leads/1", Type: "lingkar.sales.v1.Lead", State: "NEW"}},
		"a ticket": {"ticket", "tickets/1", &ticketv1.TicketOpened{Ticket: &ticketv1.Ticket{
			Number: "T-000001", Subject: "late", Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Severity: ticketv1.TicketSeverity_TICKET_SEVERITY_CRITICAL,
			Status: ticketv1.TicketStatus_TICKET_STATUS_PENDING, Channel: eventv1.Channel_CHANNEL_PHONE, Conversation: "tickets/1",
		}}, &analyticsv1.WorkItem{Resource: "tickets/1", Type: "lingkar.ticket.v1.Ticket", Number: "T-000001", Title: "late", Kind: "COMPLAINT", Priority: "CRITICAL", State: "PENDING", Open: true, Channel: eventv1.Channel_CHANNEL_PHONE, Conversation: "tickets/1"}},
		"a touch": {"campaign", "touches/1", &campaignv1.TouchSent{Touch: &campaignv1.Touch{Subject: "an offer", Status: campaignv1.TouchStatus_TOUCH_STATUS_SENT}},
			&analyticsv1.WorkItem{Resource: "touches/1", Type: "lingkar.campaign.v1.Touch", Title: "an offer", State: "SENT"}},
	}
	for name, c := range cases {
		rows := rowsOf(t, event(t, c.area, c.aggregate, 1, c.payload))
		var got analyticsv1.WorkItem
		if len(rows.States) != 1 {
			t.Fatalf("%s: states %v", name, rows.States)
		}
		if err := proto.Unmarshal(rows.States[0].Body, &got); err != nil || !proto.Equal(&got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, &got, err, c.want)
		}
	}
}

// CON-17, CON-18: who meets us, or is worked for, has to do with us; who was only
// written to by a campaign, or is only on record, has not.
func TestOf_whatRelates(t *testing.T) {
	t.Parallel()
	contact := &contactv1.ContactCreated{Contact: &contactv1.Contact{}}
	cases := map[string]struct {
		area, aggregate string
		payload         proto.Message
		direction       eventv1.Direction // unspecified where it is no interaction
		want            bool
	}{
		"is on record":         {"contact", "contacts/1", contact, 0, false},
		"came in":              {"contact", "interactions/1", &contactv1.InteractionRecorded{}, eventv1.Direction_DIRECTION_INBOUND, true},
		"was called":           {"contact", "interactions/1", &contactv1.InteractionRecorded{}, eventv1.Direction_DIRECTION_OUTBOUND, true},
		"is bound to somebody": {"contact", "relationships/1", &contactv1.RelationshipCreated{}, 0, true},
		"gave consent":         {"contact", "consents/1", &contactv1.ConsentGranted{}, 0, false},
		"is a lead":            {"sales", "leads/1", &salesv1.LeadUpdated{}, 0, true},
		"has a ticket":         {"ticket", "tickets/1", &ticketv1.TicketAssigned{}, 0, true},
		"was sent an offer":    {"campaign", "touches/1", &campaignv1.TouchSent{}, eventv1.Direction_DIRECTION_OUTBOUND, false},
		"answered an offer":    {"campaign", "touches/1", &campaignv1.TouchSent{}, eventv1.Direction_DIRECTION_INBOUND, true},
	}
	for name, c := range cases {
		e := event(t, c.area, c.aggregate, 1, c.payload)
		if c.direction != 0 {
			e.Interaction = &eventv1.Interaction{Channel: eventv1.Channel_CHANNEL_EMAIL, Direction: c.direction}
		}
		if got := len(rowsOf(t, e).Relations) == 1; got != c.want {
			t.Errorf("who %s: related %t, want %t", name, got, c.want)
		}
	}
}

// Only what changes the meaning is kept of the versions of a fact, and each knows
// how long it held.
func TestOf_versions(t *testing.T) {
	t.Parallel()
	ticket := func(seq int64, satisfaction int32) *eventv1.Event {
		return event(t, "ticket", "tickets/1", seq, &ticketv1.TicketUpdated{Ticket: &ticketv1.Ticket{Satisfaction: satisfaction}})
	}
	rows := rowsOf(t, ticket(1, 0), ticket(2, 4), ticket(3, 4), ticket(4, 5), ticket(5, 0), ticket(6, 0)).Facts
	if len(rows) != 3 || rows[0].Seq != 2 || rows[1].Seq != 4 || rows[2].Seq != 5 || !rows[2].Gone {
		t.Fatalf("versions %+v", rows)
	}
	if !rows[0].First || rows[1].First || !rows[0].ReplacedAt.Equal(rows[1].RecordedAt) || !rows[1].ReplacedAt.Equal(rows[2].RecordedAt) || rows[2].ReplacedAt != nil {
		t.Errorf("they hold %+v", rows)
	}
}
