package server_test

import (
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// CON-03, CON-19: a campaign reaches somebody who is nothing to us yet; the answer
// makes a prospect, the order a customer, and all of it is on one timeline.
func testFunnel(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-01", "CON-03", "CON-24"}, func(t *testing.T, a *api) {
		c := must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Ibu Lia", Source: "list-" + a.Transport,
		}}))(t)
		expectClass(t, a, c, suspect)

		a.invites(t, c)
		touch := a.touched(t, c)
		expectClass(t, a, c, suspect) // that we wrote shows nothing
		must(a.RecordResponse(a.Ctx(), &campaignv1.RecordResponseRequest{Parent: touch.GetName(), Response: &campaignv1.Response{
			Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED, Body: "Tell me more",
		}}))(t)
		expectClass(t, a, c, prospect)

		lead := must(a.CaptureLead(a.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_Contact{Contact: c.GetName()}, DisplayName: "a sofa"}))(t)
		for _, step := range []func() error{
			func() error {
				_, err := a.AcceptLead(a.Ctx(), &salesv1.AcceptLeadRequest{Name: lead.GetName()})
				return err
			},
			func() error {
				_, err := a.QualifyLead(a.Ctx(), &salesv1.QualifyLeadRequest{Name: lead.GetName()})
				return err
			},
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		deal := must(a.ConvertLead(a.Ctx(), &salesv1.ConvertLeadRequest{Name: lead.GetName()}))(t)
		must(a.UpdateOpportunity(a.Ctx(), &salesv1.UpdateOpportunityRequest{Opportunity: &salesv1.Opportunity{Name: deal.GetName(), Amount: rupiah(9_000_000)}}))(t)
		a.bought(t, c, rupiah(9_000_000), s.Clock.Now())
		v := a.view(t, number(c))
		if v.GetLifecycleClass() != active || len(v.GetTouches().GetItems()) != 1 || v.GetTouches().GetItems()[0].GetState() != "ANSWERED" {
			t.Errorf("class %s, touches %v", v.GetLifecycleClass(), v.GetTouches())
		}
		if i := v.GetLeads().GetItems(); len(i) != 1 || i[0].GetState() != "CONVERTED" || i[0].GetOpen() {
			t.Errorf("leads %v", i)
		}
		areas := map[string]bool{}
		for _, e := range v.GetTimeline() {
			areas[e.GetArea()] = true
		}
		if len(areas) != 3 {
			t.Errorf("the timeline tells of %v: %v", areas, titles(v.GetTimeline()))
		}
	})
}

// invites runs a campaign that writes to contacts.
func (a *api) invites(t *testing.T, contacts ...*contactv1.Contact) {
	t.Helper()
	who := &campaignv1.Segment{DisplayName: fmt.Sprintf("%s (%s)", contacts[0].GetDisplayName(), a.Transport)}
	for _, c := range contacts {
		who.Contacts = append(who.Contacts, c.GetName())
	}
	segment := must(a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: who}))(t)
	must(a.MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: segment.GetName()}))(t)
	testkit.Eventually(t, func() error {
		got, err := a.GetSegment(a.Ctx(), &campaignv1.GetSegmentRequest{Name: segment.GetName()})
		if err == nil && got.GetState() != campaignv1.SegmentState_SEGMENT_STATE_READY {
			err = fmt.Errorf("the segment is %s", got.GetState())
		}
		return err
	})
	draft := must(a.CreateCampaign(a.Ctx(), &campaignv1.CreateCampaignRequest{Campaign: &campaignv1.Campaign{
		DisplayName: "Come and see (" + a.Transport + ")", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_ACQUISITION, Channel: email,
		Segment: segment.GetName(), Subject: "Come and see", Body: "We have something new.",
	}}))(t)
	must(a.LaunchCampaign(a.Ctx(), &campaignv1.LaunchCampaignRequest{Name: draft.GetName()}))(t)
}

// touched waits until a campaign has written to somebody.
func (a *api) touched(t *testing.T, c *contactv1.Contact) *campaignv1.Touch {
	t.Helper()
	var touch *campaignv1.Touch
	testkit.Eventually(t, func() error {
		page, err := a.ListTouches(a.Ctx(), &campaignv1.ListTouchesRequest{Filter: `contact = "` + c.GetName() + `"`})
		if err != nil {
			return err
		}
		if len(page.GetTouches()) != 1 || page.GetTouches()[0].GetStatus() != campaignv1.TouchStatus_TOUCH_STATUS_SENT {
			return fmt.Errorf("the touches are %v", page.GetTouches())
		}
		touch = page.GetTouches()[0]
		return nil
	})
	return touch
}

func expectClass(t *testing.T, a *api, c *contactv1.Contact, want analyticsv1.LifecycleClass) {
	t.Helper()
	if got := a.view(t, number(c), analyticsv1.Section_SECTION_PURCHASES).GetLifecycleClass(); got != want {
		t.Errorf("%s is %s, want %s", c.GetDisplayName(), got, want)
	}
}

// Sales in another currency count at the rate of their day, whichever came first,
// the sale or the rate; without a rate they are told apart.
func testExchangeRates(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"ANA-12"}, func(t *testing.T, a *api) {
		s := apart(s)
		a = a.as(s.As(auth.Admin))
		c := a.customer(t, "Mr Lee")
		today := s.Clock.Now()
		a.bought(t, c, &moneypb.Money{CurrencyCode: "USD", Units: 10, Nanos: 10_000_000}, today)
		a.bought(t, c, &moneypb.Money{CurrencyCode: "USD", Units: 100}, today.AddDate(0, -3, 0))
		a.bought(t, c, rupiah(500), today)
		p := a.view(t, number(c), analyticsv1.Section_SECTION_PURCHASES).GetPurchases()
		if p.GetCount() != 3 || p.GetUnconvertedCount() != 2 || p.GetReportingTotal().GetUnits() != 500 || len(p.GetTotals()) != 2 {
			t.Errorf("without a rate: %v", p)
		}
		for day, rate := range map[int]string{-4: "15000", -1: "16000.5"} {
			d := today.AddDate(0, day, 0)
			must(a.CreateExchangeRate(a.Ctx(), &platformv1.CreateExchangeRateRequest{ExchangeRate: &platformv1.ExchangeRate{
				FromCurrencyCode: "USD", ToCurrencyCode: "IDR", Rate: rate,
				Date: &date.Date{Year: int32(d.Year()), Month: int32(d.Month()), Day: int32(d.Day())},
			}}))(t)
		}
		testkit.Eventually(t, func() error {
			p := a.view(t, number(c), analyticsv1.Section_SECTION_PURCHASES).GetPurchases()
			// 500 + 100 × 15,000 + 10.01 × 16,000.5 = 160,165.005, to even 160,165.00
			want := &moneypb.Money{CurrencyCode: "IDR", Units: 500 + 1_500_000 + 160_165, Nanos: 0}
			if p.GetUnconvertedCount() != 0 || p.GetReportingTotal().GetUnits() != want.GetUnits() || p.GetReportingTotal().GetNanos() != want.GetNanos() {
				return fmt.Errorf("%v, want %v", p, want)
			}
			return nil
		})
	})
}
