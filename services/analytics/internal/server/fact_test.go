package server_test

import (
	"testing"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
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

// CON-11: the view shows the balance of each account as the accounting system told it
// last, whatever comes in late.
func testAccountBalances(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-11"}, func(t *testing.T, a *api) {
		facts, c := contactv1.NewFactServiceClient(noting{a.Conn, a.written}), a.customer(t, "Ibu Siti")
		told := func(account string, days int, units int64) *contactv1.Fact {
			t.Helper()
			amount := &moneypb.Money{CurrencyCode: "IDR", Units: units}
			return must(facts.RecordFact(a.Ctx(), &contactv1.RecordFactRequest{Fact: &contactv1.Fact{
				Contact: c.GetName(), Source: "erp", ObservedAt: timestamppb.New(time.Now().AddDate(0, 0, -days)), Content: &contactv1.Fact_AccountBalance{AccountBalance: &contactv1.AccountBalance{
					Account: account, Balance: amount, CreditLimit: &moneypb.Money{CurrencyCode: "IDR", Units: 9000}, Aged: []*contactv1.AgedAmount{{FromDays: 30, Amount: amount}},
				}},
			}}))(t)
		}
		latest, second := told("1100", 1, -250), told("1200", 2, 40)
		told("1100", 5, 700)
		section := a.view(t, number(c), analyticsv1.Section_SECTION_ACCOUNT_BALANCES).GetAccountBalances()
		if got := section.GetBalances(); len(got) != 2 || !proto.Equal(got[0], latest) || !proto.Equal(got[1], second) || section.GetStatus().GetState() != analyticsv1.SectionState_SECTION_STATE_OK {
			t.Errorf("the view shows %v", section)
		}
		_, err := a.other().GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)})
		refused(t, "another tenant's view", err, codes.NotFound, "CUSTOMER_NOT_FOUND")
	})
}
