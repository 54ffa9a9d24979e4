package demo

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"

	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

var goods = []struct {
	code, name, category string
	price                int64
}{
	{"GAYO-250", "Aceh Gayo, 250 g", "beans", 95_000},
	{"TORAJA-250", "Toraja Sapan, 250 g", "beans", 110_000},
	{"HOUSE-1000", "House blend, 1 kg", "beans", 240_000},
	{"V60-SET", "Pour-over set", "brewing", 385_000},
	{"GRINDER-1", "Electric grinder", "machines", 2_450_000},
	{"ESPRESSO-2", "Espresso machine, two groups", "machines", 68_500_000},
	{"SERVICE-Y", "Maintenance for a year", "service", 4_800_000},
}

func (l *loader) loadProducts(ctx context.Context) error {
	list, err := l.prices.CreatePriceList(ctx, &salesv1.CreatePriceListRequest{
		PriceList: &salesv1.PriceList{Code: "STANDARD", DisplayName: "Standard prices", CurrencyCode: currency, Standard: true},
		RequestId: key("pricelist"),
	})
	if err != nil {
		return err
	}
	for _, g := range goods {
		p, err := l.products.CreateProduct(ctx, &salesv1.CreateProductRequest{
			Product:   &salesv1.Product{Code: g.code, DisplayName: g.name, Category: g.category, Unit: "piece"},
			RequestId: key("product/", g.code),
		})
		if err != nil {
			return err
		}
		_, err = l.prices.CreatePrice(ctx, &salesv1.CreatePriceRequest{
			Price:     &salesv1.Price{PriceList: list.GetName(), Product: p.GetName(), UnitPrice: rupiah(g.price), StartTime: l.ago(1200)},
			RequestId: key("price/", g.code),
		})
		if err != nil {
			return err
		}
		l.catalogue = append(l.catalogue, item{p.GetName(), g.price})
		l.counts.Products++
	}
	return nil
}

// loadPurchases spreads three years of sales so that every class and layer of the
// customer pyramid has somebody in it.
func (l *loader) loadPurchases(ctx context.Context) error {
	var batch []*salesv1.Purchase
	for i, c := range l.people {
		batch = append(batch, l.purchases(i, c)...)
	}
	for i, c := range l.companies[:len(l.companies)-2] {
		batch = append(batch, l.bigPurchases(i, c)...)
	}
	for start := 0; start < len(batch); start += 500 {
		answer, err := l.orders.BatchRecordPurchases(ctx, &salesv1.BatchRecordPurchasesRequest{
			Purchases: batch[start:min(start+500, len(batch))], RequestId: key("purchases/", start),
		})
		if err != nil {
			return err
		}
		if answer.GetFailedCount() > 0 {
			return fmt.Errorf("%d purchases were refused", answer.GetFailedCount())
		}
		l.counts.Purchases += int(answer.GetRecordedCount() + answer.GetExistingCount())
	}
	return nil
}

// purchases of one person: some never bought, some stopped over a year ago.
func (l *loader) purchases(i int, c *contactv1.Contact) []*salesv1.Purchase {
	if i%8 == 7 {
		return nil
	}
	newest := 5
	if i%5 == 3 {
		newest = 420
	}
	var all []*salesv1.Purchase
	for n := range 2 + l.random.IntN(9) {
		thing := l.catalogue[l.random.IntN(4)]
		all = append(all, l.purchase(c, fmt.Sprintf("pos-%03d-%02d", i, n), newest+n*35+l.random.IntN(20), thing, 1+int64(l.random.IntN(3))))
	}
	return all
}

func (l *loader) bigPurchases(i int, c *contactv1.Contact) []*salesv1.Purchase {
	var all []*salesv1.Purchase
	for n := range 6 {
		thing := l.catalogue[2+l.random.IntN(len(l.catalogue)-2)]
		all = append(all, l.purchase(c, fmt.Sprintf("inv-%02d-%02d", i, n), 10+n*60, thing, 1+int64(l.random.IntN(4))))
	}
	return all
}

func (l *loader) purchase(c *contactv1.Contact, id string, daysAgo int, thing item, quantity int64) *salesv1.Purchase {
	return &salesv1.Purchase{
		Contact: c.GetName(), ExternalIds: map[string]string{System: id}, PurchaseTime: l.ago(daysAgo),
		Amount: rupiah(thing.price * quantity), Lines: []*salesv1.LineItem{line(thing, quantity)}, Channel: eventv1.Channel_CHANNEL_POS, Source: "till",
	}
}

func line(thing item, quantity int64) *salesv1.LineItem {
	return &salesv1.LineItem{Product: thing.name, Quantity: &decimal.Decimal{Value: fmt.Sprint(quantity)}, UnitPrice: rupiah(thing.price)}
}

// loadPipeline takes leads from the web; some become opportunities, some of these
// are won and their orders confirmed.
func (l *loader) loadPipeline(ctx context.Context) error {
	for i := range 24 {
		lead, err := l.leads.CaptureLead(ctx, &salesv1.CaptureLeadRequest{
			Who:         &salesv1.CaptureLeadRequest_Contact{Contact: l.people[i*3].GetName()},
			DisplayName: []string{"Machine for the office", "Beans for a new café", "Barista course", "Subscription for a hotel"}[i%4],
			Channel:     eventv1.Channel_CHANNEL_WEB, EstimatedValue: rupiah(int64(1+i%7) * 3_500_000), Source: "web form",
			CaptureTime: l.ago(90 - i*3), RequestId: key("lead/", i),
		})
		if err != nil {
			return err
		}
		l.counts.Leads++
		if i%2 == 0 {
			if err := l.convert(ctx, i, lead); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) convert(ctx context.Context, i int, lead *salesv1.Lead) error {
	close := l.now.AddDate(0, 0, 14+i)
	opportunity, err := l.leads.ConvertLead(ctx, &salesv1.ConvertLeadRequest{
		Name: lead.GetName(), DisplayName: lead.GetDisplayName(), Amount: lead.GetEstimatedValue(),
		CloseDate: &date.Date{Year: int32(close.Year()), Month: int32(close.Month()), Day: int32(close.Day())}, RequestId: key("convert/", i),
	})
	if err != nil {
		return err
	}
	l.counts.Opportunities++
	switch i % 6 {
	case 0:
		return l.win(ctx, i, opportunity)
	case 4:
		_, err = l.opportunities.LoseOpportunity(ctx, &salesv1.LoseOpportunityRequest{Name: opportunity.GetName(), Reason: "price", RequestId: key("lose/", i)})
	}
	return err
}

// win closes the opportunity and confirms the order that follows from it.
func (l *loader) win(ctx context.Context, i int, opportunity *salesv1.Opportunity) error {
	thing := l.catalogue[4+i%3]
	opportunity.Lines = []*salesv1.LineItem{line(thing, 1)}
	changed, err := l.opportunities.UpdateOpportunity(ctx, &salesv1.UpdateOpportunityRequest{Opportunity: opportunity, UpdateMask: mask("lines"), RequestId: key("lines/", i)})
	if err != nil {
		return err
	}
	won, err := l.opportunities.WinOpportunity(ctx, &salesv1.WinOpportunityRequest{Name: changed.GetName(), Reason: "service", RequestId: key("win/", i)})
	if err != nil {
		return err
	}
	_, err = l.orders.ConfirmOrder(ctx, &salesv1.ConfirmOrderRequest{Name: won.GetOrder(), RequestId: key("confirm/", i)})
	l.counts.Orders++
	return err
}

// loadTickets opens complaints by phone and requests by other channels; most are
// answered, resolved and rated. The first customer's complaint is still open.
func (l *loader) loadTickets(ctx context.Context) error {
	queue, err := l.queues.CreateQueue(ctx, &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: "Customer care"}, RequestId: key("queue")})
	if err != nil {
		return err
	}
	l.queue = queue.GetName()
	for i := range 26 {
		if err := l.ticket(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) ticket(ctx context.Context, i int) error {
	channel, kind := eventv1.Channel_CHANNEL_PHONE, ticketv1.TicketKind_TICKET_KIND_COMPLAINT
	if i%3 == 1 {
		channel, kind = eventv1.Channel_CHANNEL_EMAIL, ticketv1.TicketKind_TICKET_KIND_REQUEST
	}
	what := complaints[i%len(complaints)]
	opened, err := l.tickets.OpenTicket(ctx, &ticketv1.OpenTicketRequest{
		Ticket: &ticketv1.Ticket{
			Contact: l.people[i*4].GetName(), Kind: kind, Severity: ticketv1.TicketSeverity(2 + i%3), Channel: channel, Subject: what.title, Queue: l.queue,
		},
		Message:   &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER, Channel: channel, Body: what.body},
		RequestId: key("ticket/", i),
	})
	if err != nil {
		return err
	}
	l.counts.Tickets++
	if i%5 == 0 {
		return nil
	}
	return l.settle(ctx, i, opened.GetTicket().GetName())
}

// settle answers, resolves and, mostly, rates a ticket.
func (l *loader) settle(ctx context.Context, i int, name string) error {
	_, err := l.tickets.ReplyToTicket(ctx, &ticketv1.ReplyToTicketRequest{
		Name: name, RequestId: key("reply/", i),
		Message: &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF, Channel: eventv1.Channel_CHANNEL_EMAIL, Body: "We are sorry, and send a new one today."},
	})
	if err != nil {
		return err
	}
	_, err = l.tickets.ResolveTicket(ctx, &ticketv1.ResolveTicketRequest{Name: name, ResolutionCode: "replaced", Resolution: "Replaced free of charge.", RequestId: key("resolve/", i)})
	if err != nil || i%4 == 3 {
		return err
	}
	_, err = l.tickets.RateTicket(ctx, &ticketv1.RateTicketRequest{
		Name: name, Satisfaction: int32(3 + i%3), Comment: "Quick and friendly.", Channel: eventv1.Channel_CHANNEL_WEB, RequestId: key("rate/", i),
	})
	return err
}

// loadCampaign sends one offer to a few dozen people; some answer.
func (l *loader) loadCampaign(ctx context.Context) error {
	var members []string
	for _, c := range l.people[:40] {
		members = append(members, c.GetName())
	}
	segment, err := l.segments.CreateSegment(ctx, &campaignv1.CreateSegmentRequest{
		Segment: &campaignv1.Segment{DisplayName: "Home brewers", Contacts: members}, RequestId: key("segment"),
	})
	if err != nil {
		return err
	}
	segment, err = l.materialize(ctx, segment.GetName())
	if err != nil {
		return err
	}
	campaign, err := l.campaigns.CreateCampaign(ctx, &campaignv1.CreateCampaignRequest{
		Campaign: &campaignv1.Campaign{
			DisplayName: "Grinder for home brewers", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_CROSS_SELL, Segment: segment.GetName(),
			Channel: eventv1.Channel_CHANNEL_EMAIL, Subject: "Fresh is better, {{given_name}}",
			Body: "Dear {{display_name}}, this month a grinder comes with 1 kg of your favourite beans.", Budget: rupiah(5_000_000),
		},
		RequestId: key("campaign"),
	})
	if err != nil {
		return err
	}
	if _, err := l.campaigns.LaunchCampaign(ctx, &campaignv1.LaunchCampaignRequest{Name: campaign.GetName(), RequestId: key("launch")}); err != nil {
		return err
	}
	return l.answerTouches(ctx, campaign.GetName(), len(members))
}

// materialize fixes the members of a segment and waits until they are.
func (l *loader) materialize(ctx context.Context, name string) (*campaignv1.Segment, error) {
	segment, err := l.segments.MaterializeSegment(ctx, &campaignv1.MaterializeSegmentRequest{Name: name, RequestId: key("materialize")})
	for err == nil && segment.GetState() != campaignv1.SegmentState_SEGMENT_STATE_READY {
		if segment.GetState() == campaignv1.SegmentState_SEGMENT_STATE_FAILED {
			return nil, fmt.Errorf("the segment failed: %s", segment.GetFailureReason())
		}
		if err = pause(ctx); err == nil {
			segment, err = l.segments.GetSegment(ctx, &campaignv1.GetSegmentRequest{Name: name})
		}
	}
	return segment, err
}

// answerTouches waits until the campaign reached everybody, then answers for some.
func (l *loader) answerTouches(ctx context.Context, campaign string, members int) error {
	for {
		progress, err := l.campaigns.GetCampaignProgress(ctx, &campaignv1.GetCampaignProgressRequest{Name: campaign + "/progress"})
		if err != nil {
			return err
		}
		if progress.GetCompleteTime() != nil || int(progress.GetSentCount()+progress.GetSuppressedCount()) >= members {
			break
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	page, err := l.touches.ListTouches(ctx, &campaignv1.ListTouchesRequest{Filter: `campaign = "` + campaign + `"`, PageSize: 100})
	if err != nil {
		return err
	}
	for i, touch := range page.GetTouches() {
		l.counts.Touches++
		if touch.GetStatus() != campaignv1.TouchStatus_TOUCH_STATUS_SENT || i%4 != 0 {
			continue
		}
		_, err := l.touches.RecordResponse(ctx, &campaignv1.RecordResponseRequest{
			Parent: touch.GetName(), RequestId: key("response/", touch.GetName()),
			Response: &campaignv1.Response{
				Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED, Channel: eventv1.Channel_CHANNEL_EMAIL, Body: "Yes, please tell me more.",
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}
