package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// I1: what was said on each channel is on the timeline once, in the order in which
// it happened, whatever the order in which it was recorded and however often a
// call was repeated.
func testEveryChannel(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-02", "CON-03", "CON-23", "CON-26", "CON-34"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Siti")
		began := s.Clock.Now().Add(-24 * time.Hour)
		var channels []eventv1.Channel
		for number := range eventv1.Channel_name {
			if number != 0 {
				channels = append(channels, eventv1.Channel(number)) // in no order
			}
		}
		for _, channel := range channels {
			req := &contactv1.RecordInteractionRequest{
				RequestId: fmt.Sprintf("%s-%s", a.Transport, channel),
				Interaction: &contactv1.Interaction{
					Contact: c.GetName(), Channel: channel, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: "by " + channel.String(),
					Body: "word for word", OccurredAt: timestamppb.New(began.Add(time.Duration(channel) * time.Hour)),
				},
			}
			for range 1 + channel%3 { // some are repeated
				must(a.RecordInteraction(a.Ctx(), req))(t)
			}
		}
		a.settle(t, number(c))
		answer := must(a.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c), InteractionsOnly: true}))(t)
		slices.SortFunc(channels, func(x, y eventv1.Channel) int { return int(y - x) }) // newest first
		if len(answer.GetTimeline()) != len(channels) {
			t.Fatalf("%d entries, want %d: %v", len(answer.GetTimeline()), len(channels), titles(answer.GetTimeline()))
		}
		for i, e := range answer.GetTimeline() {
			if e.GetChannel() != channels[i] || e.GetTitle() != "by "+channels[i].String() || e.GetSummary() == "" ||
				e.GetDirection() != eventv1.Direction_DIRECTION_INBOUND || e.GetActor() != a.Caller.Subject || e.GetArea() != "contact" ||
				!e.GetOccurredAt().AsTime().Equal(began.Add(time.Duration(channels[i])*time.Hour)) {
				t.Errorf("entry %d is %v, want channel %s", i, e, channels[i])
			}
		}
		_, err := a.other().ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c)})
		refused(t, "another tenant's timeline", err, codes.NotFound, "CUSTOMER_NOT_FOUND")
	})
}

// CON-04, CON-05: a conversation that went on from phone to chat and into a ticket
// is read as one, with what the customer is worth.
func testConversation(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-04", "CON-05"}, func(t *testing.T, a *api) {
		s := apart(s) // the best customer of a tenant of its own
		a = a.as(s.As(auth.Admin))
		c := a.customer(t, "Ibu Ani")
		a.bought(t, c, rupiah(5_000_000), s.Clock.Now())
		complaint := a.complain(t, c, "broken")
		a.meet(t, c, email, "something else")
		a.meet(t, c, chat, "any news?", func(i *contactv1.Interaction) { i.Conversation = complaint.GetConversation() })
		must(a.ReplyToTicket(a.Ctx(), &ticketv1.ReplyToTicketRequest{Name: complaint.GetName(), Message: &ticketv1.Message{
			AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF, Channel: chat, Body: "A new one is on its way",
		}}))(t)
		officer := a.as(s.User(s.Tenant, "chat", auth.Agent))
		officer.settle(t, number(c))
		testkit.Eventually(t, func() error { // the value tier follows within a moment
			answer, err := officer.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c), Conversation: complaint.GetConversation()})
			if err != nil {
				return err
			}
			var turns []eventv1.Channel
			for _, e := range answer.GetTimeline() {
				turns = append(turns, e.GetChannel())
			}
			if !slices.Equal(turns, []eventv1.Channel{chat, chat, phone}) {
				return fmt.Errorf("the conversation went over %v: %v", turns, titles(answer.GetTimeline()))
			}
			if answer.GetValueTier() != analyticsv1.ValueTier_VALUE_TIER_HIGH || answer.GetLifecycleClass() != analyticsv1.LifecycleClass_LIFECYCLE_CLASS_ACTIVE {
				return fmt.Errorf("tier %s, class %s", answer.GetValueTier(), answer.GetLifecycleClass())
			}
			return nil
		})
	})
}

// Pages hold every entry once, from the view's first page on; filters narrow them.
func testTimelinePages(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-02"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Pak Joko")
		for i := range 23 {
			a.meet(t, c, []eventv1.Channel{phone, chat, email}[i%3], fmt.Sprintf("talk %02d", i))
		}
		a.complain(t, c, "late")
		a.settle(t, number(c))
		view := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), PageSize: 7}))(t)
		got := titles(view.GetTimeline())
		for token := view.GetNextPageToken(); token != ""; {
			page := must(a.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c), PageSize: 5, PageToken: token}))(t)
			got, token = append(got, titles(page.GetTimeline())...), page.GetNextPageToken()
		}
		whole := titles(must(a.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c)}))(t).GetTimeline())
		if !slices.Equal(got, whole) || len(whole) < 25 {
			t.Errorf("the pages hold %d entries %v\nand the whole %d %v", len(got), got, len(whole), whole)
		}
		for name, c := range map[string]struct {
			req  *analyticsv1.ListTimelineRequest
			want int
		}{
			"two channels": {&analyticsv1.ListTimelineRequest{Channels: []eventv1.Channel{chat, email}}, 15},
			"one area":     {&analyticsv1.ListTimelineRequest{Areas: []string{"ticket"}}, 1},
			"one type":     {&analyticsv1.ListTimelineRequest{Types: []string{"lingkar.contact.v1.InteractionRecorded"}}, 23},
			"meetings":     {&analyticsv1.ListTimelineRequest{InteractionsOnly: true}, 24},
			"nothing":      {&analyticsv1.ListTimelineRequest{Areas: []string{"nowhere"}}, 0},
		} {
			c.req.Parent = view.GetName()
			if got := must(a.ListTimeline(a.Ctx(), c.req))(t).GetTimeline(); len(got) != c.want {
				t.Errorf("%s: %d entries, want %d", name, len(got), c.want)
			}
		}
		_, err := a.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c), PageToken: view.GetNextPageToken(), InteractionsOnly: true})
		refused(t, "a token of another list", err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
		_, err = a.as(s.As(auth.Manager)).ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c), PageToken: view.GetNextPageToken()})
		refused(t, "a token of another caller", err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
	})
}

// A salesperson sees the deals of its own and of its teams, as in sales itself, and
// every lead.
func testOwnDeals(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44"}, func(t *testing.T, a *api) {
		const team = "teams/0190a000-0000-7000-8000-0000000000aa"
		c := a.customer(t, "Pak Joko")
		must(a.CaptureLead(a.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_Contact{Contact: c.GetName()}, DisplayName: "a lead"}))(t)
		for title, owner := range map[string]string{"mine": "users/mine", "another's": "users/another", "my team's": ""} {
			deal := &salesv1.Opportunity{Contact: c.GetName(), DisplayName: title, Owner: owner}
			if owner == "" {
				deal.Team = team
			}
			must(a.CreateOpportunity(a.Ctx(), &salesv1.CreateOpportunityRequest{Opportunity: deal}))(t)
		}
		caller := s.User(s.Tenant, "mine", auth.Sales)
		caller.Teams = []string{team}
		v := a.as(caller).view(t, number(c))
		var got []string
		for _, i := range v.GetOpportunities().GetItems() {
			got = append(got, i.GetTitle())
		}
		slices.Sort(got)
		if !slices.Equal(got, []string{"mine", "my team's"}) || len(v.GetLeads().GetItems()) != 1 {
			t.Errorf("a salesperson sees the deals %q and the leads %v", got, v.GetLeads().GetItems())
		}
		if all := a.view(t, number(c)).GetOpportunities().GetItems(); len(all) != 3 {
			t.Errorf("an admin sees %v", all)
		}
	})
}

// What a role may not read of an area is not on the timeline, and the answer says
// so.
func testDeniedArea(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-29", "CON-44"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Rina")
		a.meet(t, c, phone, "asked for a brochure")
		a.complain(t, c, "private matter")
		analyst := a.as(s.As(auth.Analyst))
		v := analyst.view(t, number(c))
		if v.GetTimelineStatus().GetState() != denied || v.GetTimelineStatus().GetError() == nil {
			t.Errorf("the timeline is %v", v.GetTimelineStatus())
		}
		for _, e := range v.GetTimeline() {
			if e.GetArea() == "ticket" {
				t.Errorf("an analyst reads %v", e)
			}
		}
		if !slices.Contains(titles(v.GetTimeline()), "asked for a brochure") || len(v.GetTickets().GetItems()) != 1 {
			t.Errorf("what an analyst may read is missing: %v, %v", titles(v.GetTimeline()), v.GetTickets())
		}
		answer := must(analyst.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c), Areas: []string{"ticket"}}))(t)
		if len(answer.GetTimeline()) != 0 {
			t.Errorf("asked for by its area, an analyst reads %v", titles(answer.GetTimeline()))
		}
		_, err := a.as(s.As(auth.Portal)).GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)})
		refused(t, "the portal", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}
