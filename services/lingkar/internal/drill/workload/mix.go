package workload

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// The states of things, as the client was told.
const (
	isOpen     = "open"
	isResolved = "resolved"
	isClosed   = "closed"
)

// stages are those of the standard pipeline, in their order.
var stages = []string{"qualification", "needs-analysis", "proposal", "negotiation"}

// currencies are those of deals.
var currencies = []string{"IDR", "USD", "JPY"}

func (c *client) createContact(ctx context.Context) {
	req := &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Customer " + c.next(),
	}}
	c.do(ctx, "create contact", contactv1.ContactService_CreateContact_FullMethodName, "", req, nil, func(a proto.Message, _ string) {
		c.customers = append(c.customers, &customer{thing: thing{name: a.(*contactv1.Contact).GetName()}})
	})
}

func (c *client) recordInteraction(ctx context.Context) {
	k := c.customer()
	if k == nil {
		return
	}
	title := c.next()
	req := &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
		Contact: k.name, Channel: eventv1.Channel(1 + c.random.IntN(7)), Direction: eventv1.Direction_DIRECTION_INBOUND, Title: title,
	}}
	c.do(ctx, "record interaction", contactv1.InteractionService_RecordInteraction_FullMethodName, k.name, req, &k.busy, func(_ proto.Message, position string) {
		k.last, k.position = title, position
	})
}

// moveDeal opens a deal, or takes one a stage further, or wins or loses it.
func (c *client) moveDeal(ctx context.Context) {
	deal := c.free(c.deals, stages...)
	if deal == nil || c.random.IntN(3) == 0 {
		c.openDeal(ctx)
		return
	}
	at := 0
	for at < len(stages) && stages[at] != deal.state {
		at++
	}
	moved := func(state string) func(proto.Message, string) {
		return func(proto.Message, string) { deal.state = state }
	}
	switch {
	case at+1 < len(stages) && c.random.IntN(4) > 0:
		req := &salesv1.AdvanceOpportunityRequest{Name: deal.name, Stage: stages[at+1]}
		c.do(ctx, "move deal", salesv1.OpportunityService_AdvanceOpportunity_FullMethodName, deal.name, req, &deal.busy, moved(stages[at+1]))
	case c.random.IntN(2) == 0:
		req := &salesv1.WinOpportunityRequest{Name: deal.name, Reason: "price"}
		c.do(ctx, "win deal", salesv1.OpportunityService_WinOpportunity_FullMethodName, deal.name, req, &deal.busy, moved("won"))
	default:
		req := &salesv1.LoseOpportunityRequest{Name: deal.name, Reason: "price"}
		c.do(ctx, "lose deal", salesv1.OpportunityService_LoseOpportunity_FullMethodName, deal.name, req, &deal.busy, moved("lost"))
	}
}

func (c *client) openDeal(ctx context.Context) {
	k := c.customer()
	if k == nil {
		return
	}
	req := &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{
		Contact: k.name, DisplayName: "Deal " + c.next(),
		Amount: &money.Money{CurrencyCode: currencies[c.random.IntN(len(currencies))], Units: 1 + c.random.Int64N(1_000_000)},
	}}
	c.do(ctx, "open deal", salesv1.OpportunityService_CreateOpportunity_FullMethodName, k.name, req, nil, func(a proto.Message, _ string) {
		c.deals = append(c.deals, &thing{name: a.(*salesv1.Opportunity).GetName(), state: a.(*salesv1.Opportunity).GetStage(), of: k})
	})
}

// workOnTicket opens a ticket, or answers, resolves or closes one.
func (c *client) workOnTicket(ctx context.Context) {
	t := c.free(c.tickets, isOpen, isResolved)
	switch {
	case t == nil || c.random.IntN(3) == 0:
		c.openTicket(ctx)
	case t.state == isResolved:
		req := &ticketv1.CloseTicketRequest{Name: t.name}
		c.do(ctx, "close ticket", ticketv1.TicketService_CloseTicket_FullMethodName, t.name, req, &t.busy, func(proto.Message, string) { t.state = isClosed })
	case c.random.IntN(3) == 0:
		req := &ticketv1.ResolveTicketRequest{Name: t.name, ResolutionCode: "done", Resolution: "Done."}
		c.do(ctx, "resolve ticket", ticketv1.TicketService_ResolveTicket_FullMethodName, t.name, req, &t.busy, func(proto.Message, string) { t.state = isResolved })
	default:
		req := &ticketv1.ReplyToTicketRequest{Name: t.name, Message: &ticketv1.Message{
			AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF, Channel: eventv1.Channel_CHANNEL_EMAIL, Body: "Reply " + c.next(),
		}}
		c.do(ctx, "reply to ticket", ticketv1.TicketService_ReplyToTicket_FullMethodName, t.name, req, &t.busy, nil)
	}
}

func (c *client) openTicket(ctx context.Context) {
	if k := c.customer(); k != nil {
		c.openTicketOf(ctx, k)
	}
}

func (c *client) openTicketOf(ctx context.Context, k *customer) {
	req := &ticketv1.OpenTicketRequest{
		Ticket: &ticketv1.Ticket{
			Contact: k.name, Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Channel: eventv1.Channel_CHANNEL_PHONE, Subject: c.next(),
		},
		Message: &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER, Channel: eventv1.Channel_CHANNEL_PHONE, Body: "It leaks."},
	}
	c.do(ctx, "open ticket", ticketv1.TicketService_OpenTicket_FullMethodName, k.name, req, nil, func(a proto.Message, _ string) {
		c.tickets = append(c.tickets, &thing{name: a.(*ticketv1.OpenTicketResponse).GetTicket().GetName(), state: isOpen, of: k})
	})
}

// changeConsent lets a customer allow marketing by e-mail, or forbid it again.
func (c *client) changeConsent(ctx context.Context) {
	k := c.customer()
	if k == nil {
		return
	}
	consent := &contactv1.Consent{Contact: k.name, Purpose: "marketing", Channel: eventv1.Channel_CHANNEL_EMAIL}
	if k.allowed {
		c.do(ctx, "revoke consent", contactv1.ConsentService_RevokeConsent_FullMethodName, k.name,
			&contactv1.RevokeConsentRequest{Consent: consent}, &k.busy, func(proto.Message, string) { k.allowed = false })
		return
	}
	c.do(ctx, "grant consent", contactv1.ConsentService_GrantConsent_FullMethodName, k.name,
		&contactv1.GrantConsentRequest{Consent: consent}, &k.busy, func(proto.Message, string) { k.allowed = true })
}

// maxPaid is far more than a floating point number of 32 bits can tell exactly.
const maxPaid = 1_000_000_000

func (c *client) purchase(ctx context.Context) {
	if k := c.customer(); k != nil {
		c.purchaseOf(ctx, k)
	}
}

// purchaseOf records a sale of the till.
func (c *client) purchaseOf(ctx context.Context, k *customer) {
	req := &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: k.name, ExternalIds: map[string]string{"till": c.next()}, Source: "till", Channel: eventv1.Channel_CHANNEL_POS,
		PurchaseTime: timestamppb.New(time.Now().Add(-time.Hour)),
		Amount:       &money.Money{CurrencyCode: currencies[c.random.IntN(len(currencies))], Units: 1 + c.random.Int64N(maxPaid)},
	}}
	c.do(ctx, "record purchase", salesv1.OrderService_RecordPurchase_FullMethodName, k.name, req, nil, func(a proto.Message, _ string) {
		k.orders = append(k.orders, a.(*salesv1.Order).GetName())
	})
}

// oversized are the lines and the characters of each that make an event larger than
// any may be, in a request that may be as large.
const (
	oversizedLines = 500
	oversizedText  = 1000
)

// recordTooMuch asks for a change whose event would be too large to be published: it
// must be refused before anything is written (F29).
func (c *client) recordTooMuch(ctx context.Context) {
	k := c.customer()
	if k == nil {
		return
	}
	line := &salesv1.LineItem{
		ProductCode: "X1", Description: strings.Repeat("x", oversizedText), Quantity: &decimal.Decimal{Value: "1"},
		UnitPrice: &money.Money{CurrencyCode: "IDR", Units: 1},
	}
	req := &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: k.name, ExternalIds: map[string]string{"till": c.next()}, PurchaseTime: timestamppb.New(time.Now().Add(-time.Hour)),
		Lines: slices.Repeat([]*salesv1.LineItem{line}, oversizedLines),
	}}
	c.refused(ctx, "record too much", salesv1.OrderService_RecordPurchase_FullMethodName, k.name, req, "EVENT_TOO_LARGE")
}

// touch sends the running campaign to a customer that it has not reached.
func (c *client) touch(ctx context.Context) {
	k := c.customer()
	if k == nil || k.touched {
		return
	}
	k.touched = true
	c.do(ctx, "touch", campaignv1.TouchService_SendTouch_FullMethodName, k.name,
		&campaignv1.SendTouchRequest{Campaign: c.campaign, Contact: k.name}, nil, nil)
}

// readView reads the 360-degree view of a customer, with the token of the last
// interaction, and expects to find that one in it (I15).
func (c *client) readView(ctx context.Context) {
	k := c.customer()
	if k == nil || k.last == "" {
		return
	}
	last := k.last
	op := c.op("read 360", analyticsv1.CustomerViewService_GetCustomerView_FullMethodName, k.name, &analyticsv1.GetCustomerViewRequest{
		Name: strings.Replace(k.name, "contacts/", "customers/", 1), MinPosition: k.position, PageSize: 200,
	})
	c.load.try(ctx, c.doors, op)
	if op.Outcome != ledger.OK {
		return // the next read is as good
	}
	view := op.Answer.(*analyticsv1.CustomerView)
	if view.GetTimelineStatus().GetError() != nil {
		return // it says that this section could not be read
	}
	for _, e := range view.GetTimeline() {
		if e.GetTitle() == last {
			return
		}
	}
	c.load.breach("I15: the view of %s with min_position %s does not show the interaction %s", k.name, k.position, last)
}

// launch makes a running campaign, with one customer as its segment, and answers
// its name.
func launch(ctx context.Context, d Doors) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	k, err := contactv1.NewContactServiceClient(d.GRPC).CreateContact(ctx, &contactv1.CreateContactRequest{
		Contact: &contactv1.Contact{Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "The first member"},
	})
	if err != nil {
		return "", err
	}
	segments := campaignv1.NewSegmentServiceClient(d.GRPC)
	segment, err := segments.CreateSegment(ctx, &campaignv1.CreateSegmentRequest{Segment: &campaignv1.Segment{DisplayName: "Some", Contacts: []string{k.GetName()}}})
	if err != nil {
		return "", err
	}
	if _, err := segments.MaterializeSegment(ctx, &campaignv1.MaterializeSegmentRequest{Name: segment.GetName()}); err != nil {
		return "", err
	}
	campaigns := campaignv1.NewCampaignServiceClient(d.GRPC)
	made, err := campaigns.CreateCampaign(ctx, &campaignv1.CreateCampaignRequest{Campaign: &campaignv1.Campaign{
		DisplayName: "Drill", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_CROSS_SELL, Segment: segment.GetName(),
		Channel: eventv1.Channel_CHANNEL_EMAIL, Subject: "News", Body: "News of the month.",
	}})
	if err != nil {
		return "", err
	}
	for {
		_, err := campaigns.LaunchCampaign(ctx, &campaignv1.LaunchCampaignRequest{Name: made.GetName()})
		if status.Code(err) != codes.FailedPrecondition || errs.Reason(err) != "SEGMENT_NOT_READY" || ctx.Err() != nil {
			return made.GetName(), err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
