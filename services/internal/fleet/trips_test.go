package fleet_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// tripLimits are how many round trips to its own database an RPC may make, once its
// caches are warm: without a request id, and with one. They may go down, not up.
var tripLimits = []struct {
	method         string
	plain, request int
	// of makes the request; what it needs is made first.
	of func(w *world) proto.Message
}{
	{"contact.v1.ContactService/CreateContact", 1, 1, func(*world) proto.Message {
		return &contactv1.CreateContactRequest{Contact: person("Sari")}
	}},
	{"contact.v1.ContactService/GetContact", 1, 1, func(w *world) proto.Message {
		return &contactv1.GetContactRequest{Name: w.contact}
	}},
	{"contact.v1.ContactService/ListContacts", 1, 1, func(*world) proto.Message { return &contactv1.ListContactsRequest{} }},
	{"contact.v1.ContactService/UpdateContact", 2, 2, func(w *world) proto.Message {
		c := person("Sari " + entity.NewID().String())
		c.Name = w.contact
		return &contactv1.UpdateContactRequest{Contact: c}
	}},
	{"contact.v1.InteractionService/RecordInteraction", 1, 1, func(w *world) proto.Message {
		return &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: w.contact, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: "Asked for tea",
		}}
	}},
	{"contact.v1.RelationshipService/CreateRelationship", 2, 2, func(w *world) proto.Message {
		return &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{Type: w.bond, FromContact: w.contact, ToContact: w.newContact()}}
	}},
	{"sales.v1.LeadService/CaptureLead", 2, 2, func(w *world) proto.Message { return w.capture() }},
	{"sales.v1.LeadService/ConvertLead", 3, 3, func(w *world) proto.Message {
		l := send[*salesv1.Lead](w, "sales.v1.LeadService/CaptureLead", w.capture())
		send[*salesv1.Lead](w, "sales.v1.LeadService/QualifyLead", &salesv1.QualifyLeadRequest{Name: l.GetName()})
		return &salesv1.ConvertLeadRequest{Name: l.GetName()}
	}},
	{"sales.v1.OpportunityService/CreateOpportunity", 2, 2, func(w *world) proto.Message { return w.deal() }},
	{"sales.v1.OpportunityService/ListOpportunities", 1, 1, func(*world) proto.Message { return &salesv1.ListOpportunitiesRequest{} }},
	{"sales.v1.OpportunityService/WinOpportunity", 2, 2, func(w *world) proto.Message {
		o := send[*salesv1.Opportunity](w, "sales.v1.OpportunityService/CreateOpportunity", w.deal())
		return &salesv1.WinOpportunityRequest{Name: o.GetName(), Reason: "best offer"}
	}},
	{"sales.v1.OpportunityService/LoseOpportunity", 2, 2, func(w *world) proto.Message {
		o := send[*salesv1.Opportunity](w, "sales.v1.OpportunityService/CreateOpportunity", w.deal())
		return &salesv1.LoseOpportunityRequest{Name: o.GetName(), Reason: "too dear"}
	}},
	{"sales.v1.OrderService/ConfirmOrder", 2, 2, func(w *world) proto.Message {
		o := send[*salesv1.Order](w, "sales.v1.OrderService/CreateOrder", &salesv1.CreateOrderRequest{Order: &salesv1.Order{
			Contact: w.contact, Channel: eventv1.Channel_CHANNEL_WEB,
			Lines: []*salesv1.LineItem{{Product: w.product, Quantity: &decimal.Decimal{Value: "1"}, UnitPrice: rupiah()}},
		}})
		return &salesv1.ConfirmOrderRequest{Name: o.GetName()}
	}},
	{"ticket.v1.TicketService/OpenTicket", 2, 2, func(w *world) proto.Message { return w.complaint() }},
	{"ticket.v1.TicketService/ReplyToTicket", 2, 2, func(w *world) proto.Message {
		return &ticketv1.ReplyToTicketRequest{Name: w.ticket(), Message: said(ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF)}
	}},
	{"ticket.v1.TicketService/ResolveTicket", 2, 2, func(w *world) proto.Message { return w.resolution() }},
	{"ticket.v1.TicketService/RateTicket", 2, 2, func(w *world) proto.Message {
		done := w.resolution()
		send[*ticketv1.Ticket](w, "ticket.v1.TicketService/ResolveTicket", done)
		return &ticketv1.RateTicketRequest{Name: done.GetName(), Satisfaction: 5}
	}},
	{"ticket.v1.TicketService/ListTickets", 1, 1, func(*world) proto.Message { return &ticketv1.ListTicketsRequest{} }},
	{"campaign.v1.TouchService/SendTouch", 4, 4, func(w *world) proto.Message { return w.touch() }},
	{"campaign.v1.TouchService/RecordResponse", 2, 2, func(w *world) proto.Message {
		t := send[*campaignv1.Touch](w, "campaign.v1.TouchService/SendTouch", w.touch())
		return &campaignv1.RecordResponseRequest{
			Parent: t.GetName(), Response: &campaignv1.Response{Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED, Channel: eventv1.Channel_CHANNEL_EMAIL},
		}
	}},
	{"platform.v1.RuleService/UpdateRule", 3, 3, func(w *world) proto.Message {
		r := send[*platformv1.Rule](w, "platform.v1.RuleService/CreateRule", &platformv1.CreateRuleRequest{Rule: marking()})
		r.Condition = `contact.region_code == "NL"`
		return &platformv1.UpdateRuleRequest{Rule: r}
	}},
	{"analytics.v1.CustomerViewService/GetCustomerView", 1, 1, func(w *world) proto.Message {
		return &analyticsv1.GetCustomerViewRequest{Name: strings.Replace(w.contact, "contacts/", "customers/", 1)}
	}},
}

// A round trip is what a call waits for most. The least of some calls counts: what
// fills a cache is not asked for again.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, fleet.All()...)
	w := newWorld(t, s)
	for _, l := range tripLimits {
		for _, repeatable := range []bool{false, true} {
			least, want := 100, l.plain
			if repeatable {
				want = l.request
			}
			for range 3 {
				req := l.of(w)
				if repeatable && !identify(req) {
					want = l.plain
				}
				least = min(least, s.Trips.Of("/lingkar."+l.method, func() { send[proto.Message](w, l.method, req) }))
			}
			if least > want {
				t.Errorf("%s makes %d round trips, and may make %d (with a request id: %v)", l.method, least, want, repeatable)
			}
			if least < want {
				t.Errorf("%s makes %d round trips: lower its limit, which is %d (with a request id: %v)", l.method, least, want, repeatable)
			}
		}
	}
}

// identify gives a request an id of its own, where it can have one.
func identify(req proto.Message) bool {
	m := req.ProtoReflect()
	f := m.Descriptor().Fields().ByName("request_id")
	if f == nil {
		return false
	}
	m.Set(f, protoreflect.ValueOfString(entity.NewID().String()))
	return true
}

// world is what the calls are about.
type world struct {
	t                                *testing.T
	ctx                              context.Context
	suite                            *testkit.Suite
	contact, bond, product, campaign string
}

func newWorld(t *testing.T, s *testkit.Suite) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), suite: s}
	w.contact = w.newContact()
	w.bond = send[*contactv1.RelationshipType](w, "contact.v1.RelationshipService/CreateRelationshipType", &contactv1.CreateRelationshipTypeRequest{
		RelationshipType: &contactv1.RelationshipType{ForwardName: "knows", ReverseName: "is known by"},
	}).GetName()
	w.product = send[*salesv1.Product](w, "sales.v1.ProductService/CreateProduct", &salesv1.CreateProductRequest{
		Product: &salesv1.Product{Code: "TEA", DisplayName: "Tea", Unit: "piece"},
	}).GetName()
	w.campaign = w.running()
	testkit.Eventually(t, func() error {
		view := &analyticsv1.GetCustomerViewRequest{Name: strings.Replace(w.contact, "contacts/", "customers/", 1)}
		return w.invoke("analytics.v1.CustomerViewService/GetCustomerView", view, &analyticsv1.CustomerView{})
	})
	return w
}

// running answers a campaign that runs, by itself to one contact only.
func (w *world) running() string {
	g := send[*campaignv1.Segment](w, "campaign.v1.SegmentService/CreateSegment", &campaignv1.CreateSegmentRequest{
		Segment: &campaignv1.Segment{DisplayName: "One", Contacts: []string{w.newContact()}},
	}).GetName()
	send[*campaignv1.Segment](w, "campaign.v1.SegmentService/MaterializeSegment", &campaignv1.MaterializeSegmentRequest{Name: g})
	k := send[*campaignv1.Campaign](w, "campaign.v1.CampaignService/CreateCampaign", &campaignv1.CreateCampaignRequest{Campaign: &campaignv1.Campaign{
		DisplayName: "Stay", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_RETENTION, Segment: g,
		Channel: eventv1.Channel_CHANNEL_EMAIL, Subject: "For you", Body: "Stay.",
	}}).GetName()
	testkit.Eventually(w.t, func() error {
		return w.invoke("campaign.v1.CampaignService/LaunchCampaign", &campaignv1.LaunchCampaignRequest{Name: k}, &campaignv1.Campaign{})
	})
	return k
}

func (w *world) invoke(method string, req, resp proto.Message) error {
	return w.suite.Route(w.suite.As(auth.Admin)).Invoke(w.ctx, "/lingkar."+method, req, resp)
}

// send makes a call that must succeed.
func send[R proto.Message](w *world, method string, req proto.Message) R {
	w.t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("lingkar." + strings.Replace(method, "/", ".", 1)))
	if err != nil {
		w.t.Fatal(err)
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.(protoreflect.MethodDescriptor).Output().FullName())
	if err != nil {
		w.t.Fatal(err)
	}
	resp := kind.New().Interface()
	if err := w.invoke(method, req, resp); err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return resp.(R)
}

func person(given string) *contactv1.Contact {
	return &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: given}
}

func rupiah() *money.Money { return &money.Money{CurrencyCode: "IDR", Units: 95_000} }

func (w *world) newContact() string {
	return send[*contactv1.Contact](w, "contact.v1.ContactService/CreateContact", &contactv1.CreateContactRequest{Contact: person("Ani")}).GetName()
}

func (w *world) capture() *salesv1.CaptureLeadRequest {
	return &salesv1.CaptureLeadRequest{
		Who: &salesv1.CaptureLeadRequest_Contact{Contact: w.contact}, DisplayName: "Wants tea", Products: []string{w.product}, EstimatedValue: rupiah(),
	}
}

func (w *world) deal() *salesv1.CreateOpportunityRequest {
	return &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{Contact: w.contact, DisplayName: "Tea", Amount: rupiah()}}
}

func said(by ticketv1.MessageAuthor) *ticketv1.Message {
	return &ticketv1.Message{AuthorKind: by, Body: "It is red.", Channel: eventv1.Channel_CHANNEL_PHONE}
}

func (w *world) complaint() *ticketv1.OpenTicketRequest {
	return &ticketv1.OpenTicketRequest{
		Ticket: &ticketv1.Ticket{
			Contact: w.contact, Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Channel: eventv1.Channel_CHANNEL_PHONE,
			Subject: "Wrong colour delivered", CauseCode: "wrong-colour",
		},
		Message: said(ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER),
	}
}

func (w *world) ticket() string {
	return send[*ticketv1.OpenTicketResponse](w, "ticket.v1.TicketService/OpenTicket", w.complaint()).GetTicket().GetName()
}

func (w *world) resolution() *ticketv1.ResolveTicketRequest {
	return &ticketv1.ResolveTicketRequest{Name: w.ticket(), ResolutionCode: "replaced", Resolution: "A red one was sent."}
}

// marking is a rule that marks new contacts.
func marking() *platformv1.Rule {
	return &platformv1.Rule{
		DisplayName: "Marks", Kind: "contact", Condition: "true",
		Trigger: &platformv1.RuleTrigger{When: &platformv1.RuleTrigger_Events{Events: &platformv1.RuleEvents{Types: []string{"lingkar.contact.v1.ContactCreated"}}}},
		Actions: []*platformv1.RuleAction{{Action: "add_label", Parameters: &structpb.Struct{Fields: map[string]*structpb.Value{
			"key": structpb.NewStringValue("new"), "value": structpb.NewStringValue("yes"),
		}}}},
	}
}

func (w *world) touch() *campaignv1.SendTouchRequest {
	return &campaignv1.SendTouchRequest{Campaign: w.campaign, Contact: w.newContact()}
}
