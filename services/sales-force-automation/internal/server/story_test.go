package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// A lead from the web becomes an opportunity, is won, and its order is confirmed;
// and the log tells it.
func testStory(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"SFA-06", "SFA-09"}, func(t *testing.T, c *clients) {
		list := c.list(t, "STORY", false)
		tea := c.priced(t, list, "TEA", 15000)
		l := must[*salesv1.Lead](t)(c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{
			Who: &salesv1.CaptureLeadRequest_ContactDetails{ContactDetails: &salesv1.ContactDetails{
				GivenName: "Sari", FamilyName: "Dewi", Email: "sari.dewi-" + c.Transport + "@example.com",
			}},
			DisplayName: "Tea for 30 people", Note: "Please call me", Source: "web-form", Products: []string{tea.GetName()}, EstimatedValue: rupiah(400_000),
		}))
		l = must[*salesv1.Lead](t)(c.AcceptLead(c.Ctx(), &salesv1.AcceptLeadRequest{Name: l.GetName()}))
		o := must[*salesv1.Opportunity](t)(c.ConvertLead(c.Ctx(), &salesv1.ConvertLeadRequest{Name: l.GetName(), Etag: l.GetEtag(), RequestId: "convert-" + c.Transport}))
		if o.GetLead() != l.GetName() || o.GetContact() != l.GetContact() || o.GetAmount().GetUnits() != 400_000 || o.GetDisplayName() != "Tea for 30 people" ||
			o.GetStage() != "qualification" || o.GetOwner() != c.Caller.Subject || o.GetSource() != "web-form" {
			t.Errorf("converted into %v", o)
		}
		l = must[*salesv1.Lead](t)(c.GetLead(c.Ctx(), &salesv1.GetLeadRequest{Name: l.GetName()}))
		if l.GetStatus() != salesv1.LeadStatus_LEAD_STATUS_CONVERTED || l.GetOpportunity() != o.GetName() {
			t.Errorf("the lead is %v", l)
		}
		o.PriceList, o.Lines = list.GetName(), []*salesv1.LineItem{{Product: tea.GetName(), Quantity: quantity("30")}}
		o = must[*salesv1.Opportunity](t)(c.UpdateOpportunity(c.Ctx(), &salesv1.UpdateOpportunityRequest{Opportunity: o, UpdateMask: mask("price_list", "lines")}))
		for _, stage := range []string{"needs-analysis", "proposal", "negotiation"} {
			o = must[*salesv1.Opportunity](t)(c.advance(o, stage))
		}
		o = must[*salesv1.Opportunity](t)(c.WinOpportunity(c.Ctx(), &salesv1.WinOpportunityRequest{Name: o.GetName(), Reason: "taste", Channel: eventv1.Channel_CHANNEL_PHONE}))
		order := must[*salesv1.Order](t)(c.ConfirmOrder(c.Ctx(), &salesv1.ConfirmOrderRequest{Name: o.GetOrder()}))
		if order.GetTotal().GetUnits() != 450_000 || order.GetChannel() != eventv1.Channel_CHANNEL_PHONE {
			t.Errorf("ordered %v", order)
		}
		tells(t, s, c.Caller.Tenant, l, o, order)
	})
}

// tells checks the events of the story: each aggregate's in order and without a
// gap, in one partition, of the contact, its personal fields sealed.
func tells(t *testing.T, s *testkit.Suite, tenant uuid.UUID, l *salesv1.Lead, o *salesv1.Opportunity, order *salesv1.Order) {
	t.Helper()
	want := map[string]string{
		l.GetName():     "LeadCaptured LeadAccepted LeadConverted",
		o.GetName():     "OpportunityCreated OpportunityUpdated OpportunityAdvanced OpportunityAdvanced OpportunityAdvanced OpportunityWon",
		order.GetName(): "OrderCreated OrderConfirmed",
	}
	got := map[string][]string{}
	partitions := map[int32]bool{}
	for _, e := range logged(t, s) {
		if _, told := want[e.GetAggregate()]; !told {
			continue
		}
		got[e.GetAggregate()] = append(got[e.GetAggregate()], strings.TrimPrefix(e.GetType(), "lingkar.sales.v1."))
		partitions[e.GetPartition()] = true
		if n := len(got[e.GetAggregate()]); e.GetAggregateSeq() != int64(n) {
			t.Errorf("event %d of %s has the number %d", n, e.GetAggregate(), e.GetAggregateSeq())
		}
		if !slices.Equal(e.GetContacts(), []string{l.GetContact()}) || e.GetTenant() != "tenants/"+tenant.String() {
			t.Errorf("%s concerns %v of %s", e.GetType(), e.GetContacts(), e.GetTenant())
		}
		interactionOf(t, e)
	}
	for aggregate, types := range want {
		if told := strings.Join(got[aggregate], " "); told != types {
			t.Errorf("%s: %s, want %s", aggregate, told, types)
		}
	}
	if len(partitions) != 1 {
		t.Errorf("the events of one contact lie in the partitions %v", partitions)
	}
}

// interactionOf checks which events are entries of the timeline, and that none
// tells the customer's words in the open.
func interactionOf(t *testing.T, e *eventv1.Event) {
	t.Helper()
	channel := map[string]eventv1.Channel{
		"lingkar.sales.v1.LeadCaptured":   eventv1.Channel_CHANNEL_WEB,
		"lingkar.sales.v1.OrderConfirmed": eventv1.Channel_CHANNEL_PHONE,
	}[e.GetType()]
	if i := e.GetInteraction(); i.GetChannel() != channel || channel != 0 && i.GetDirection() != eventv1.Direction_DIRECTION_INBOUND {
		t.Errorf("%s is the interaction %v", e.GetType(), i)
	}
	if e.GetSealed() == nil && e.GetType() != "lingkar.sales.v1.OrderCreated" {
		t.Errorf("%s holds nothing sealed", e.GetType())
	}
	encoded, err := proto.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Tea for 30", "Please call", "taste"} {
		if strings.Contains(string(encoded), secret) {
			t.Errorf("%s tells %q in the open", e.GetType(), secret)
		}
	}
}

// logged answers all events of the area, by its own log service, once every event
// that is recorded has its position.
func logged(t *testing.T, s *testkit.Suite) []*eventv1.Event {
	t.Helper()
	testkit.Eventually(t, func() error {
		var waiting int
		row := s.Services["sales"].Runtime.DB.System.QueryRow(t.Context(), "SELECT count(*) FROM outbox")
		if err := row.Scan(&waiting); err != nil || waiting > 0 {
			return fmt.Errorf("%d events wait for their position: %w", waiting, err)
		}
		return nil
	})
	log := salesv1.NewEventLogServiceClient(s.Conn("sales", s.AsService("analytics")))
	var all []*eventv1.Event
	for partition := range int32(16) {
		for after := int64(0); ; {
			page, err := log.ReadEvents(t.Context(), &eventv1.ReadEventsRequest{Partition: partition, AfterPosition: after})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.GetEvents()) == 0 {
				break
			}
			all = append(all, page.GetEvents()...)
			after = page.GetEvents()[len(page.GetEvents())-1].GetPosition()
		}
	}
	return all
}
