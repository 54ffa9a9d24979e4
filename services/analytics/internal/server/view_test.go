package server_test

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// One call with the Customer ID alone answers everything that any service knows.
func testGetCustomerView(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"A14", "CON-01", "CON-25", "CON-33", "CON-36"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Siti")
		employer := must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_ORGANISATION, DisplayName: "PT Maju Jaya",
		}}))(t)
		kind := must(a.CreateRelationshipType(a.Ctx(), &contactv1.CreateRelationshipTypeRequest{RelationshipType: &contactv1.RelationshipType{
			ForwardName: "works for (" + a.Transport + ")", ReverseName: "employs (" + a.Transport + ")",
		}}))(t)
		must(a.CreateRelationship(a.Ctx(), &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{
			Type: kind.GetName(), FromContact: c.GetName(), ToContact: employer.GetName(), Role: "head of purchasing",
		}}))(t)
		a.meet(t, c, chat, "asked for opening hours")
		must(a.CaptureLead(a.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_Contact{Contact: c.GetName()}, DisplayName: "a new kitchen"}))(t)
		must(a.CreateOpportunity(a.Ctx(), &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{
			Contact: c.GetName(), DisplayName: "kitchen, second floor", Amount: rupiah(75_000_000),
		}}))(t)
		a.bought(t, c, rupiah(1_250_000), s.Clock.Now())
		complaint := a.complain(t, c, "wrong colour")
		must(a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: complaint.GetName(), ResolutionCode: "replaced", Resolution: "sent the right one"}))(t)
		must(a.RateTicket(a.Ctx(), &ticketv1.RateTicketRequest{Name: complaint.GetName(), Satisfaction: 4, Channel: chat}))(t)

		v := a.view(t, number(c))
		if v.GetName() != number(c) || v.GetContact() != c.GetName() || v.GetCustomer().GetDisplayName() != "Ibu Siti" {
			t.Errorf("the view is of %s, %s, %q", v.GetName(), v.GetContact(), v.GetCustomer().GetDisplayName())
		}
		if !slices.Equal(v.GetRoles(), []contactv1.RoleKind{contactv1.RoleKind_ROLE_KIND_CUSTOMER}) {
			t.Errorf("roles %v", v.GetRoles())
		}
		if r := v.GetRelationships().GetItems(); len(r) != 1 || r[0].GetTypeName() != kind.GetForwardName() ||
			r[0].GetOtherDisplayName() != "PT Maju Jaya" || r[0].GetOtherCustomerId() != employer.GetCustomerId() || r[0].GetRole() != "head of purchasing" {
			t.Errorf("relationships %v", r)
		}
		expectItem(t, v.GetLeads(), "a new kitchen", "NEW", true)
		expectItem(t, v.GetOpportunities(), "kitchen, second floor", "OPEN", true)
		expectItem(t, v.GetTickets(), "wrong colour", "RESOLVED", false)
		if i := v.GetTickets().GetItems()[0]; i.GetKind() != "COMPLAINT" || i.GetPriority() != "HIGH" || i.GetNumber() == "" || i.GetChannel() != phone {
			t.Errorf("ticket %v", i)
		}
		if i := v.GetOrders().GetItems(); len(i) != 1 || i[0].GetState() != "CONFIRMED" || i[0].GetAmount().GetUnits() != 1_250_000 {
			t.Errorf("orders %v", i)
		}
		if p := v.GetPurchases(); p.GetCount() != 1 || p.GetReportingTotal().GetUnits() != 1_250_000 || p.GetTotals()[0].GetTotal().GetCurrencyCode() != "IDR" {
			t.Errorf("purchases %v", p)
		}
		if v.GetLifecycleClass() != analyticsv1.LifecycleClass_LIFECYCLE_CLASS_ACTIVE {
			t.Errorf("class %s", v.GetLifecycleClass())
		}
		if got := v.GetSatisfaction(); got.GetCount() != 1 || got.GetLatest() != 4 || got.GetAverage() != 4 || got.GetLatestTime() == nil {
			t.Errorf("satisfaction %v", got)
		}
		if len(v.GetTimeline()) < 7 || v.GetNextPageToken() != "" {
			t.Errorf("timeline %v", titles(v.GetTimeline()))
		}
		for name, status := range statuses(v) {
			if status.GetState() != ok || status.GetPosition() == "" {
				t.Errorf("%s is %v", name, status)
			}
		}

		byContact := a.view(t, "customers/"+c.GetName()[len("contacts/"):])
		if byContact.GetName() != v.GetName() || byContact.GetContact() != v.GetContact() {
			t.Errorf("by the contact's id the view is of %s", byContact.GetName())
		}
		reverse := a.view(t, number(employer), analyticsv1.Section_SECTION_RELATIONSHIPS)
		if r := reverse.GetRelationships().GetItems(); len(r) != 1 || r[0].GetTypeName() != kind.GetReverseName() || r[0].GetOther() != c.GetName() {
			t.Errorf("from the other side: %v", r)
		}
		if reverse.GetTickets() != nil || reverse.GetTimelineStatus() != nil {
			t.Error("sections were answered that nobody asked for")
		}
		_, err := a.other().GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)})
		refused(t, "another tenant's customer", err, codes.NotFound, "CUSTOMER_NOT_FOUND")
		_, err = a.other().GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: "customers/" + c.GetName()[len("contacts/"):]})
		refused(t, "another tenant's contact", err, codes.NotFound, "CUSTOMER_NOT_FOUND")
	})
}

func expectItem(t *testing.T, section *analyticsv1.WorkSection, title, state string, open bool) {
	t.Helper()
	if len(section.GetItems()) != 1 || section.GetMore() {
		t.Errorf("%s: the section has %v", title, section)
		return
	}
	if i := section.GetItems()[0]; i.GetTitle() != title || i.GetState() != state || i.GetOpen() != open || i.GetUpdateTime() == nil {
		t.Errorf("item %v, want %q %s", i, title, state)
	}
}

func statuses(v *analyticsv1.CustomerView) map[string]*analyticsv1.SectionStatus {
	return map[string]*analyticsv1.SectionStatus{
		"profile": v.GetProfileStatus(), "relationships": v.GetRelationships().GetStatus(),
		"leads": v.GetLeads().GetStatus(), "opportunities": v.GetOpportunities().GetStatus(), "orders": v.GetOrders().GetStatus(),
		"tickets": v.GetTickets().GetStatus(), "touches": v.GetTouches().GetStatus(),
		"purchases": v.GetPurchases().GetStatus(), "satisfaction": v.GetSatisfaction().GetStatus(), "timeline": v.GetTimelineStatus(),
	}
}

// The latest of several answers is the one given last, whichever ticket came first and
// whatever was said in it.
func testSatisfaction(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-01"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Siti")
		tickets := []*ticketv1.Ticket{a.complain(t, c, "torn"), a.complain(t, c, "late"), a.complain(t, c, "scratched")}
		for i, said := range []int32{2, 5, 3} {
			ticket := tickets[len(tickets)-1-i].GetName()
			must(a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: ticket, ResolutionCode: "replaced", Resolution: "sent another"}))(t)
			must(a.RateTicket(a.Ctx(), &ticketv1.RateTicketRequest{Name: ticket, Satisfaction: said, Channel: chat}))(t)
		}
		if got := a.view(t, number(c)).GetSatisfaction(); got.GetCount() != 3 || got.GetLatest() != 3 || got.GetAverage() < 3.33 || got.GetAverage() > 3.34 {
			t.Errorf("satisfaction %v", got)
		}
	})
}

// A13: one person with several roles is one customer, with one history and one
// figure.
func testManyRoles(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"A13", "CON-09", "CON-37"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Pak Budi")
		for _, kind := range []contactv1.RoleKind{contactv1.RoleKind_ROLE_KIND_EMPLOYEE, contactv1.RoleKind_ROLE_KIND_PARTNER} {
			must(a.AssignRole(a.Ctx(), &contactv1.AssignRoleRequest{Name: c.GetName(), Role: &contactv1.Role{Kind: kind}}))(t)
		}
		a.bought(t, c, rupiah(100), s.Clock.Now())
		a.bought(t, c, rupiah(250), s.Clock.Now())
		v := a.view(t, number(c))
		if len(v.GetRoles()) != 3 || v.GetPurchases().GetCount() != 2 || v.GetPurchases().GetReportingTotal().GetUnits() != 350 {
			t.Errorf("roles %v, purchases %v", v.GetRoles(), v.GetPurchases())
		}
		must(a.EndRole(a.Ctx(), &contactv1.EndRoleRequest{Name: c.GetName(), Kind: contactv1.RoleKind_ROLE_KIND_PARTNER}))(t)
		if v := a.view(t, number(c)); len(v.GetRoles()) != 2 || len(v.GetCustomer().GetRoles()) != 3 {
			t.Errorf("after one ended: now %v, all %v", v.GetRoles(), v.GetCustomer().GetRoles())
		}
	})
}

// A15, CON-35: what was complained of by phone is before the chat officer's eyes.
func testNoReexplaining(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"A15", "CON-35"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Ani")
		past := a.complain(t, c, "late delivery")
		must(a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: past.GetName(), ResolutionCode: "apologised", Resolution: "came a day later"}))(t)
		open := a.complain(t, c, "a broken leg of the table")
		officer := a.as(s.User(s.Tenant, "chat-officer", auth.Agent))
		v := officer.view(t, number(c))
		if i := v.GetTickets().GetItems(); len(i) != 2 || i[0].GetResource() != open.GetName() || !i[0].GetOpen() ||
			i[1].GetResource() != past.GetName() || i[1].GetOpen() {
			t.Fatalf("tickets %v: want the open one first, then the past one", i)
		}
		newest := v.GetTimeline()[0]
		if newest.GetChannel() != phone || newest.GetResource() != open.GetName() || newest.GetSummary() == "" {
			t.Errorf("the newest entry is %v", newest)
		}
	})
}
