package server_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/analytics"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start runs analytics, the services whose events it reads, and the gateway.
func start(t testing.TB) *testkit.Suite {
	t.Helper()
	return testkit.Start(t, contact.Definition, sales.Definition, ticket.Definition, campaign.Definition, analytics.Definition, gateway.Definition)
}

// apart answers the same services with two tenants that no other test uses.
func apart(s *testkit.Suite) *testkit.Suite {
	own := *s
	own.Tenant, own.Other = uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	return &own
}

// TestCalls runs what needs nothing of its own but a tenant. The services are
// started once for all, because starting them takes longer than any of the tests.
func TestCalls(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, test := range map[string]func(t *testing.T, s *testkit.Suite){
		"GetCustomerView":                  testGetCustomerView,
		"GetCustomerView/many roles":       testManyRoles,
		"GetCustomerView/no re-explaining": testNoReexplaining,
		"GetCustomerView/as of":            testAsOf,
		"GetCustomerView/effective at":     testEffectiveAt,
		"GetCustomerView/own writes":       testReadYourWrites,
		"GetCustomerView/own deals":        testOwnDeals,
		"GetCustomerView/denied area":      testDeniedArea,
		"GetCustomerView/classes":          testClasses,
		"GetCustomerView/accountBalances":  testAccountBalances,
		"GetCustomerView/customFields":     testCustomFields,
		"GetCustomerView/satisfaction":     testSatisfaction,
		"GetCustomerView/typedFacts":       testTypedFacts,
		"ListTimeline/every channel":       testEveryChannel,
		"ListTimeline/conversation":        testConversation,
		"ListTimeline/pages":               testTimelinePages,
		"GetCustomerView/funnel":           testFunnel,
		"GetCustomerView/exchange rates":   testExchangeRates,
		"GetCustomerPyramid":               testPyramid,
		"ListEvents":                       testEvents,
		"bad input":                        testBadInput,
		"WatchCustomer":                    testWatch,
		"merged customer":                  testMergedCustomer,
		"merged references":                testMergedReferences,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, apart(s))
		})
	}
}

// api are the services that the tests call, over one transport, as one caller.
type api struct {
	*testkit.Client
	contactv1.ContactServiceClient
	contactv1.RelationshipServiceClient
	contactv1.InteractionServiceClient
	salesv1.LeadServiceClient
	salesv1.OpportunityServiceClient
	salesv1.OrderServiceClient
	ticketv1.TicketServiceClient
	campaignv1.SegmentServiceClient
	campaignv1.CampaignServiceClient
	campaignv1.TouchServiceClient
	platformv1.ExchangeRateServiceClient
	analyticsv1.CustomerViewServiceClient
	analyticsv1.PyramidServiceClient
	analyticsv1.EventStoreServiceClient

	written *positions
}

func of(c *testkit.Client) *api { return with(c, &positions{last: map[string]string{}}) }

func with(c *testkit.Client, written *positions) *api {
	conn := noting{c.Conn, written}
	return &api{
		Client:                    c,
		ContactServiceClient:      contactv1.NewContactServiceClient(conn),
		RelationshipServiceClient: contactv1.NewRelationshipServiceClient(conn),
		InteractionServiceClient:  contactv1.NewInteractionServiceClient(conn),
		LeadServiceClient:         salesv1.NewLeadServiceClient(conn),
		OpportunityServiceClient:  salesv1.NewOpportunityServiceClient(conn),
		OrderServiceClient:        salesv1.NewOrderServiceClient(conn),
		TicketServiceClient:       ticketv1.NewTicketServiceClient(conn),
		SegmentServiceClient:      campaignv1.NewSegmentServiceClient(conn),
		CampaignServiceClient:     campaignv1.NewCampaignServiceClient(conn),
		TouchServiceClient:        campaignv1.NewTouchServiceClient(conn),
		ExchangeRateServiceClient: platformv1.NewExchangeRateServiceClient(conn),
		CustomerViewServiceClient: settled{analyticsv1.NewCustomerViewServiceClient(conn)},
		PyramidServiceClient:      analyticsv1.NewPyramidServiceClient(conn),
		EventStoreServiceClient:   analyticsv1.NewEventStoreServiceClient(conn),
		written:                   written,
	}
}

// settled leaves out of timelines the moves of the lifecycle: they come a moment after
// what caused them, wherever a test is by then.
type settled struct {
	analyticsv1.CustomerViewServiceClient
}

func (s settled) GetCustomerView(ctx context.Context, req *analyticsv1.GetCustomerViewRequest, opts ...grpc.CallOption) (*analyticsv1.CustomerView, error) {
	v, err := s.CustomerViewServiceClient.GetCustomerView(ctx, req, opts...)
	if v != nil {
		v.Timeline = slices.DeleteFunc(v.GetTimeline(), isMove)
	}
	return v, err
}

func (s settled) ListTimeline(ctx context.Context, req *analyticsv1.ListTimelineRequest, opts ...grpc.CallOption) (*analyticsv1.ListTimelineResponse, error) {
	page, err := s.CustomerViewServiceClient.ListTimeline(ctx, req, opts...)
	if page != nil {
		page.Timeline = slices.DeleteFunc(page.GetTimeline(), isMove)
	}
	return page, err
}

// acquaint meets a contact for the first time, and waits until that has moved it.
func (a *api) acquaint(t testing.TB, c *contactv1.Contact) {
	t.Helper()
	a.meet(t, c, phone, "first of all")
	all := a.CustomerViewServiceClient.(settled).CustomerViewServiceClient
	testkit.Eventually(t, func() error {
		page, err := all.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(c)})
		if err == nil && !slices.ContainsFunc(page.GetTimeline(), isMove) {
			err = errors.New("it has not moved")
		}
		return err
	})
}

func isMove(e *analyticsv1.TimelineEntry) bool {
	return e.GetType() == "lingkar.contact.v1.LifecycleChanged"
}

// as answers the same services as another caller, who knows what was written.
func (a *api) as(caller auth.Caller) *api { return with(a.As(caller), a.written) }

// other answers them as somebody of another tenant.
func (a *api) other() *api {
	caller := a.Caller
	caller.Tenant = uuid.Must(uuid.NewV7())
	return a.as(caller)
}

// both runs a test over gRPC, and over REST where a gateway runs.
func both(t *testing.T, s *testkit.Suite, demands []string, test func(t *testing.T, a *api)) {
	t.Helper()
	testkit.Both(t, s, demands, func(t *testing.T, c *testkit.Client) { test(t, of(c)) })
}

// positions are the newest lingkar-position that a write in each area answered.
type positions struct {
	mu   sync.Mutex
	last map[string]string
}

func (p *positions) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.last))
}

// noting notes the positions that calls answer.
type noting struct {
	grpc.ClientConnInterface
	written *positions
}

// Invoke implements grpc.ClientConnInterface.
func (n noting) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	var header metadata.MD
	err := n.ClientConnInterface.Invoke(ctx, method, args, reply, append(opts, grpc.Header(&header))...)
	for _, token := range header.Get(call.PositionHeader) {
		area, _, _ := strings.Cut(token, ".")
		n.written.mu.Lock()
		n.written.last[area] = token
		n.written.mu.Unlock()
	}
	return err
}

// view answers the view that shows everything written before.
func (a *api) view(t testing.TB, name string, sections ...analyticsv1.Section) *analyticsv1.CustomerView {
	t.Helper()
	a.settle(t, name)
	return must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: name, Sections: sections}))(t)
}

// settle waits until the customer's view shows everything written before.
func (a *api) settle(t testing.TB, name string) {
	t.Helper()
	for _, token := range a.written.all() {
		must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{
			Name: name, MinPosition: token, Sections: []analyticsv1.Section{analyticsv1.Section_SECTION_PROFILE},
		}))(t)
	}
}

// customer creates a person.
func (a *api) customer(t testing.TB, name string) *contactv1.Contact {
	t.Helper()
	return must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: name,
		Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER}},
	}}))(t)
}

// meet records an interaction.
func (a *api) meet(t testing.TB, c *contactv1.Contact, channel eventv1.Channel, title string, change ...func(*contactv1.Interaction)) *contactv1.Interaction {
	t.Helper()
	req := recording(c.GetName(), title)
	req.Interaction.Channel = channel
	for _, f := range change {
		f(req.Interaction)
	}
	return must(a.RecordInteraction(a.Ctx(), req))(t)
}

func recording(contact, title string) *contactv1.RecordInteractionRequest {
	return &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
		Contact: contact, Channel: chat, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: title, Body: "What was said: " + title,
	}}
}

// bought records a sale made elsewhere.
func (a *api) bought(t testing.TB, c *contactv1.Contact, amount *moneypb.Money, at time.Time) *salesv1.Order {
	t.Helper()
	return must(a.RecordPurchase(a.Ctx(), &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: c.GetName(), Amount: amount, PurchaseTime: timestamppb.New(at),
		ExternalIds: map[string]string{"till": uuid.NewString()},
	}}))(t)
}

func rupiah(units int64) *moneypb.Money { return &moneypb.Money{CurrencyCode: "IDR", Units: units} }

// complain opens a ticket with a first message, which came by phone.
func (a *api) complain(t testing.TB, c *contactv1.Contact, subject string) *ticketv1.Ticket {
	t.Helper()
	return must(a.OpenTicket(a.Ctx(), &ticketv1.OpenTicketRequest{
		Ticket: &ticketv1.Ticket{
			Contact: c.GetName(), Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Channel: phone,
			Severity: ticketv1.TicketSeverity_TICKET_SEVERITY_HIGH, Subject: subject,
		},
		Message: &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER, Body: "It is " + subject},
	}))(t).GetTicket()
}

const (
	phone = eventv1.Channel_CHANNEL_PHONE
	chat  = eventv1.Channel_CHANNEL_CHAT
	email = eventv1.Channel_CHANNEL_EMAIL

	ok     = analyticsv1.SectionState_SECTION_STATE_OK
	stale  = analyticsv1.SectionState_SECTION_STATE_STALE
	denied = analyticsv1.SectionState_SECTION_STATE_DENIED
	failed = analyticsv1.SectionState_SECTION_STATE_FAILED
)

// number names a customer by its Customer ID.
func number(c *contactv1.Contact) string { return "customers/" + c.GetCustomerId() }

// must answers what a call answered, and ends the test where it was refused.
func must[T any](answer T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// refused demands an error of a code and a reason.
func refused(t testing.TB, what string, err error, code codes.Code, reason string) {
	t.Helper()
	if errs.Code(err) != code || reason != "" && errs.Reason(err) != reason {
		t.Errorf("%s: %v, want %s %s", what, err, code, reason)
	}
}

// titles answers the titles of entries, in their order.
func titles(entries []*analyticsv1.TimelineEntry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.GetTitle())
	}
	return all
}
