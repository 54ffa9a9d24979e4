package server_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// CON-18, CON-31: the first typed fact makes a prospect of a suspect, whether the contact
// turned to us with it or somebody told of it, and is a typed item of the timeline. What
// is on file of an employee is on nobody's.
func testTypedFacts(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-13", "CON-18", "CON-31"}, func(t *testing.T, a *api) {
		facts := contactv1.NewFactServiceClient(noting{a.Conn, a.written})
		for kind, f := range map[string]*contactv1.Fact{
			"BROCHURE_REQUEST":   {Channel: email, Content: &contactv1.Fact_BrochureRequest{BrochureRequest: &contactv1.BrochureRequest{Brochure: "Spring"}}},
			"MAILING_RESPONSE":   {Channel: email, Content: &contactv1.Fact_MailingResponse{MailingResponse: &contactv1.MailingResponse{Mailing: "M-1"}}},
			"QUOTATION_REQUEST":  {Channel: email, Content: &contactv1.Fact_QuotationRequest{QuotationRequest: &contactv1.QuotationRequest{Product: "Router"}}},
			"TRADE_FAIR_CONTACT": {Channel: email, Content: &contactv1.Fact_TradeFairContact{TradeFairContact: &contactv1.TradeFairContact{Fair: "Jakarta"}}},
			"MARKET_NOTE":        {Content: &contactv1.Fact_MarketNote{MarketNote: &contactv1.MarketNote{Kind: 1, Topic: "Speed"}}},
		} {
			c := a.customer(t, kind)
			if got := a.view(t, number(c)).GetLifecycleClass(); got != suspect {
				t.Errorf("%s: %s before", kind, got)
			}
			f.Contact, f.Source = c.GetName(), "desk"
			recorded := must(facts.RecordFact(a.Ctx(), &contactv1.RecordFactRequest{Fact: f}))(t)
			view := a.view(t, number(c))
			if view.GetLifecycleClass() != prospect {
				t.Errorf("%s: %s after", kind, view.GetLifecycleClass())
			}
			if e := view.GetTimeline()[0]; e.GetKind() != kind || e.GetChannel() != f.GetChannel() || e.GetResource() != recorded.GetName() || e.GetTitle()+e.GetSummary() == "" {
				t.Errorf("%s: the timeline shows %v", kind, e)
			}
		}
		employees := contactv1.NewEmployeeServiceClient(noting{a.Conn, a.written})
		c := must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Ani", Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_EMPLOYEE}},
		}}))(t)
		must(employees.CreateEmployeeRecord(a.Ctx(), &contactv1.CreateEmployeeRecordRequest{EmployeeRecord: &contactv1.EmployeeRecord{
			Contact: c.GetName(), Content: &contactv1.EmployeeRecord_Incentive{Incentive: &contactv1.Incentive{Reason: "x"}},
		}}))(t)
		if got := a.view(t, number(c)).GetTimeline(); len(got) != 1 {
			t.Errorf("an employee's timeline shows %v", titles(got))
		}
	})
}
