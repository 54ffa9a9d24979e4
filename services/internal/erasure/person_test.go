package erasure

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

const (
	phone   = eventv1.Channel_CHANNEL_PHONE
	inbound = eventv1.Direction_DIRECTION_INBOUND
)

// api are the services of all areas as one caller.
type api struct {
	*testkit.Client
	contactv1.ContactServiceClient
	contactv1.RelationshipServiceClient
	contactv1.InteractionServiceClient
	contactv1.ConsentServiceClient
	contactv1.PrivacyServiceClient
	contactv1.EmployeeServiceClient
	contactv1.FactServiceClient
	contactv1.InvestorRelationsServiceClient
	salesv1.LeadServiceClient
	salesv1.OpportunityServiceClient
	salesv1.OrderServiceClient
	ticketv1.TicketServiceClient
	campaignv1.SegmentServiceClient
	campaignv1.CampaignServiceClient
	campaignv1.TouchServiceClient
	analyticsv1.CustomerViewServiceClient
	analyticsv1.PyramidServiceClient
	analyticsv1.EventStoreServiceClient

	suite *testkit.Suite
}

func of(c *testkit.Client, s *testkit.Suite) *api {
	return &api{
		c,
		contactv1.NewContactServiceClient(c.Conn), contactv1.NewRelationshipServiceClient(c.Conn), contactv1.NewInteractionServiceClient(c.Conn),
		contactv1.NewConsentServiceClient(c.Conn), contactv1.NewPrivacyServiceClient(c.Conn), contactv1.NewEmployeeServiceClient(c.Conn), contactv1.NewFactServiceClient(c.Conn), contactv1.NewInvestorRelationsServiceClient(c.Conn),
		salesv1.NewLeadServiceClient(c.Conn), salesv1.NewOpportunityServiceClient(c.Conn), salesv1.NewOrderServiceClient(c.Conn),
		ticketv1.NewTicketServiceClient(c.Conn),
		campaignv1.NewSegmentServiceClient(c.Conn), campaignv1.NewCampaignServiceClient(c.Conn), campaignv1.NewTouchServiceClient(c.Conn),
		analyticsv1.NewCustomerViewServiceClient(c.Conn), analyticsv1.NewPyramidServiceClient(c.Conn), analyticsv1.NewEventStoreServiceClient(c.Conn),
		s,
	}
}

// must answers the result of a call that cannot be refused.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// person is somebody of whom everything is known.
type person struct {
	contact, customerID string
	creation            *contactv1.CreateContactRequest
	// resources are those that hold something personal, by what reads them.
	document, ticket string
}

func some(t testing.TB, what string) *structpb.Struct {
	t.Helper()
	return must(structpb.NewStruct(map[string]any{"what": what + canary}))(t)
}

// furnish writes the canary through every personal field of every resource, and waits
// until every service knows of it.
func (a *api) furnish(t *testing.T) *person {
	t.Helper()
	ctx := a.Ctx()
	p := &person{creation: &contactv1.CreateContactRequest{RequestId: "create", Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: canary + " display", GivenName: canary + " given", FamilyName: canary + " family",
		OrganisationName: canary + " Ltd", JobTitle: canary + " title", Birthday: &date.Date{Year: 1990, Month: 4, Day: 12}, Note: canary + " note",
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: canary + "@example.com", Label: canary},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_CARD, Value: canary + "1"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_DEVICE, Value: canary + "2"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_WEB, Value: "https://example.com/" + canary},
		},
		Addresses:  []*contactv1.Address{{Label: canary, Lines: []string{canary}, Locality: canary, PostalCode: canary, Country: canary}},
		Preference: &contactv1.ContactPreference{Place: canary},
		Roles: []*contactv1.Role{
			{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER, Details: some(t, "role ")},
			{Kind: contactv1.RoleKind_ROLE_KIND_EMPLOYEE, Employee: &contactv1.EmployeeProfile{
				User: "users/" + canary, Unit: canary, JobTitle: canary, Skills: []*contactv1.EmployeeSkill{{Skill: canary, Level: 3}},
				Experiences: []*contactv1.WorkExperience{{Organisation: canary, Description: canary}},
			}},
		},
		ExternalIds: map[string]string{"crm": canary}, Labels: map[string]string{"mark": canary}, CustomFields: some(t, "field "),
	}}}
	made := filled(t, must(a.CreateContact(ctx, p.creation))(t))
	p.contact, p.customerID = made.GetName(), made.GetCustomerId()
	must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: p.contact, Note: canary + " second"}}))(t)
	a.furnishContact(t, p)
	a.furnishRoles(t, p)
	a.furnishFiles(t, p)
	a.furnishSales(t, p)
	a.furnishTicket(t, p)
	a.furnishCampaign(t, p)
	testkit.Eventually(t, func() error {
		v, err := a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: "customers/" + p.customerID})
		if err == nil && (len(v.GetTouches().GetItems()) != 1 || len(v.GetTickets().GetItems()) != 1 || len(v.GetOrders().GetItems()) != 2 || len(v.GetLeads().GetItems()) != 1) {
			err = fmt.Errorf("the view is behind: %v", v)
		}
		return err
	})
	return p
}

func (a *api) furnishContact(t *testing.T, p *person) {
	t.Helper()
	ctx := a.Ctx()
	friend := must(a.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Friend"}}))(t)
	kind := must(a.CreateRelationshipType(ctx, &contactv1.CreateRelationshipTypeRequest{RelationshipType: &contactv1.RelationshipType{ForwardName: "knows", ReverseName: "is known by"}}))(t)
	filled(t, must(a.CreateRelationship(ctx, &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{
		Type: kind.GetName(), FromContact: p.contact, ToContact: friend.GetName(), Role: canary, Note: canary,
		ExternalIds: map[string]string{"crm": canary}, Labels: map[string]string{"mark": canary}, CustomFields: some(t, "bond "),
	}}))(t))
	filled(t, must(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{RequestId: "call", Interaction: &contactv1.Interaction{
		Contact: p.contact, Channel: phone, Direction: inbound, Title: canary + " call", Body: canary + " body", Attachments: []string{canary},
		ExternalIds: map[string]string{"crm": canary}, Labels: map[string]string{"mark": canary},
	}}))(t))
	long := must(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
		Contact: p.contact, Channel: phone, Direction: inbound, Title: canary + " letter", Body: canary + strings.Repeat(" a long letter", 6000),
	}}))(t)
	p.document = long.GetBodyDocument()
	must(a.GetDocument(ctx, &contactv1.GetDocumentRequest{Name: p.document}))(t)
	filled(t, must(a.GrantConsent(ctx, &contactv1.GrantConsentRequest{Consent: &contactv1.Consent{
		Contact: p.contact, Purpose: "marketing", Evidence: canary + " form", IpAddress: "2001:db8::1",
	}}))(t))
	hold := filled(t, must(a.CreateLegalHold(ctx, &contactv1.CreateLegalHoldRequest{LegalHold: &contactv1.LegalHold{Contact: p.contact, Matter: canary + " v. us"}}))(t))
	must(a.DeleteLegalHold(ctx, &contactv1.DeleteLegalHoldRequest{Name: hold.GetName()}))(t)
}

func (a *api) furnishSales(t *testing.T, p *person) {
	t.Helper()
	ctx := a.Ctx()
	lead := must(a.CreateLead(ctx, &salesv1.CreateLeadRequest{RequestId: "lead", Lead: &salesv1.Lead{Contact: p.contact, DisplayName: canary, Note: canary, CustomFields: some(t, "lead ")}}))(t)
	filled(t, must(a.DisqualifyLead(ctx, &salesv1.DisqualifyLeadRequest{Name: lead.GetName(), Reason: canary}))(t))
	deal := must(a.CreateOpportunity(ctx, &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{
		Contact: p.contact, DisplayName: canary, Description: canary, Note: canary, CustomFields: some(t, "deal "),
	}}))(t)
	filled(t, must(a.LoseOpportunity(ctx, &salesv1.LoseOpportunityRequest{Name: deal.GetName(), Reason: canary}))(t))
	order := must(a.CreateOrder(ctx, &salesv1.CreateOrderRequest{Order: &salesv1.Order{Contact: p.contact, Note: canary, CustomFields: some(t, "order ")}}))(t)
	filled(t, must(a.CancelOrder(ctx, &salesv1.CancelOrderRequest{Name: order.GetName(), Reason: canary}))(t))
	must(a.RecordPurchase(ctx, &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: p.contact, ExternalIds: map[string]string{"pos": "7"}, Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 12_000},
		PurchaseTime: timestamppb.New(a.suite.Clock.Now().AddDate(0, -1, 0)),
	}}))(t)
}

func (a *api) furnishTicket(t *testing.T, p *person) {
	t.Helper()
	ctx := a.Ctx()
	ticket := must(a.CreateTicket(ctx, &ticketv1.CreateTicketRequest{RequestId: "ticket", Ticket: &ticketv1.Ticket{
		Contact: p.contact, Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Severity: ticketv1.TicketSeverity_TICKET_SEVERITY_LOW, Channel: phone,
		Subject: canary, CustomFields: some(t, "ticket "),
	}}))(t)
	p.ticket = ticket.GetName()
	filled(t, must(a.ReplyToTicket(ctx, &ticketv1.ReplyToTicketRequest{Name: p.ticket, Message: &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER, Channel: phone, Body: canary}}))(t).GetMessage())
	must(a.ResolveTicket(ctx, &ticketv1.ResolveTicketRequest{Name: p.ticket, ResolutionCode: "done", Resolution: canary}))(t)
	filled(t, must(a.RateTicket(ctx, &ticketv1.RateTicketRequest{Name: p.ticket, Satisfaction: 4, Comment: canary}))(t))
}

func (a *api) furnishCampaign(t *testing.T, p *person) {
	t.Helper()
	ctx := a.Ctx()
	segment := must(a.CreateSegment(ctx, &campaignv1.CreateSegmentRequest{Segment: &campaignv1.Segment{DisplayName: "one", Contacts: []string{p.contact}}}))(t)
	must(a.MaterializeSegment(ctx, &campaignv1.MaterializeSegmentRequest{Name: segment.GetName()}))(t)
	testkit.Eventually(t, func() error {
		got, err := a.GetSegment(ctx, &campaignv1.GetSegmentRequest{Name: segment.GetName()})
		if err == nil && got.GetState() != campaignv1.SegmentState_SEGMENT_STATE_READY {
			err = fmt.Errorf("the segment is %v", got)
		}
		return err
	})
	draft := must(a.CreateCampaign(ctx, &campaignv1.CreateCampaignRequest{Campaign: &campaignv1.Campaign{
		DisplayName: "news", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_RETENTION, Channel: eventv1.Channel_CHANNEL_EMAIL, Segment: segment.GetName(),
		Subject: "For {{given_name}}", Body: "Dear {{display_name}}",
	}}))(t)
	must(a.LaunchCampaign(ctx, &campaignv1.LaunchCampaignRequest{Name: draft.GetName()}))(t)
	var touch *campaignv1.Touch
	testkit.Eventually(t, func() error {
		page, err := a.ListTouches(ctx, &campaignv1.ListTouchesRequest{Filter: `contact = "` + p.contact + `"`})
		if err == nil && (len(page.GetTouches()) != 1 || page.GetTouches()[0].GetSendTime() == nil) {
			err = fmt.Errorf("touched %v", page)
		}
		if err == nil {
			touch = page.GetTouches()[0]
		}
		return err
	})
	filled(t, touch)
	answer := must(a.RecordResponse(ctx, &campaignv1.RecordResponseRequest{RequestId: "response", Parent: touch.GetName(), Response: &campaignv1.Response{
		Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED, Body: canary,
	}}))(t)
	filled(t, answer.GetResponse())
}

// filled demands that every personal field of a resource is set, save what is only put
// into answers: so that a new one is not forgotten here.
func filled[M proto.Message](t testing.TB, m M) M {
	t.Helper()
	in := m.ProtoReflect()
	for i := range in.Descriptor().Fields().Len() {
		fd := in.Descriptor().Fields().Get(i)
		if fd.FullName() == "lingkar.contact.v1.Contact.included" {
			continue
		}
		if personal, _ := proto.GetExtension(fd.Options(), eventv1.E_Personal).(bool); personal && !in.Has(protoreflect.FieldDescriptor(fd)) {
			t.Errorf("%s is personal, and was not written", fd.FullName())
		}
	}
	return m
}

// asks are the calls that tell of a person.
func (p *person) asks(ctx context.Context, a *api) []func() (proto.Message, error) {
	ofContact := `contact = "` + p.contact + `"`
	customer := "customers/" + p.customerID
	return []func() (proto.Message, error){
		func() (proto.Message, error) { return a.GetContact(ctx, &contactv1.GetContactRequest{Name: p.contact}) },
		func() (proto.Message, error) {
			return a.ListContacts(ctx, &contactv1.ListContactsRequest{ShowDeleted: true})
		},
		func() (proto.Message, error) {
			return a.SearchContacts(ctx, &contactv1.SearchContactsRequest{Query: canary})
		},
		func() (proto.Message, error) {
			return a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Email{Email: canary + "@example.com"}})
		},
		func() (proto.Message, error) {
			return a.ListRelationships(ctx, &contactv1.ListRelationshipsRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return a.ListInteractions(ctx, &contactv1.ListInteractionsRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return a.SearchInteractions(ctx, &contactv1.SearchInteractionsRequest{Query: canary})
		},
		func() (proto.Message, error) {
			return a.GetDocument(ctx, &contactv1.GetDocumentRequest{Name: p.document})
		},
		func() (proto.Message, error) {
			return a.ListConsents(ctx, &contactv1.ListConsentsRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return a.ListLegalHolds(ctx, &contactv1.ListLegalHoldsRequest{ShowDeleted: true})
		},
		func() (proto.Message, error) {
			return a.ListEmployeeRecords(ctx, &contactv1.ListEmployeeRecordsRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return a.ListInformationRequests(ctx, &contactv1.ListInformationRequestsRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return contactv1.NewPortalServiceClient(a.Conn).ListPortalAccesses(ctx, &contactv1.ListPortalAccessesRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return a.ListFacts(ctx, &contactv1.ListFactsRequest{Contact: p.contact})
		},
		func() (proto.Message, error) {
			return a.GetContactProvenance(ctx, &contactv1.GetContactProvenanceRequest{Name: p.contact + "/provenance"})
		},
		func() (proto.Message, error) {
			return a.SummarizeMarketNeeds(ctx, &contactv1.SummarizeMarketNeedsRequest{})
		},
		func() (proto.Message, error) {
			return a.FindEmployees(ctx, &contactv1.FindEmployeesRequest{})
		},
		func() (proto.Message, error) { return a.ListLeads(ctx, &salesv1.ListLeadsRequest{Filter: ofContact}) },
		func() (proto.Message, error) {
			return a.ListOpportunities(ctx, &salesv1.ListOpportunitiesRequest{Filter: ofContact})
		},
		func() (proto.Message, error) { return a.ListOrders(ctx, &salesv1.ListOrdersRequest{Filter: ofContact}) },
		func() (proto.Message, error) {
			return a.ListTickets(ctx, &ticketv1.ListTicketsRequest{Filter: ofContact})
		},
		func() (proto.Message, error) {
			return a.ListMessages(ctx, &ticketv1.ListMessagesRequest{Parent: p.ticket})
		},
		func() (proto.Message, error) {
			return a.ListTouches(ctx, &campaignv1.ListTouchesRequest{Filter: ofContact})
		},
		func() (proto.Message, error) {
			return a.ListResponses(ctx, &campaignv1.ListResponsesRequest{Parent: "touches/-", Filter: ofContact})
		},
		func() (proto.Message, error) {
			return a.GetCustomerView(ctx, &analyticsv1.GetCustomerViewRequest{Name: customer})
		},
		func() (proto.Message, error) {
			return a.ListTimeline(ctx, &analyticsv1.ListTimelineRequest{Parent: customer, PageSize: 200})
		},
		func() (proto.Message, error) {
			return a.ListPyramidMembers(ctx, &analyticsv1.ListPyramidMembersRequest{Layer: analyticsv1.PyramidLayer_PYRAMID_LAYER_TOP})
		},
		func() (proto.Message, error) { return a.ListEvents(ctx, &analyticsv1.ListEventsRequest{PageSize: 500}) },
	}
}
