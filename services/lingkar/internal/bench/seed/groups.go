package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

const (
	currency = "IDR"
	// keyAccountStaff is how many people are related to the key account.
	keyAccountStaff = 60
	// eventsBeside is how many events a retail customer has beside interactions.
	eventsBeside = 4
)

// maker makes the groups through RPCs.
type maker struct {
	conn   grpc.ClientConnInterface
	now    time.Time
	random *rand.Rand
	// interactionsEach is how many a retail customer has on average.
	interactionsEach int
	// times are the seconds of all instants it names.
	times seconds

	product, queue, relation string
	// kept are the names of what is not copied although it is made with a group.
	kept     []string
	contacts [2][]*contactv1.Contact
}

func newMaker(conn grpc.ClientConnInterface, o Options) *maker {
	return &maker{
		conn: conn, now: time.Now().Truncate(time.Second), random: rand.New(rand.NewPCG(o.Seed, o.Seed)), times: seconds{},
		interactionsEach: o.Events - eventsBeside,
	}
}

// at answers an instant some days back.
func (m *maker) at(days int) *timestamppb.Timestamp {
	t := m.now.AddDate(0, 0, -days).Add(-time.Duration(m.random.IntN(86_400)) * time.Second)
	m.times[t.Unix()] = true
	return timestamppb.New(t)
}

func rupiah(units int64) *money.Money { return &money.Money{CurrencyCode: currency, Units: units} }

// shared makes what belongs to the whole tenant.
func (m *maker) shared(ctx context.Context) error {
	list, err := salesv1.NewPriceListServiceClient(m.conn).CreatePriceList(ctx, &salesv1.CreatePriceListRequest{
		PriceList: &salesv1.PriceList{Code: "STANDARD", DisplayName: "Standard prices", CurrencyCode: currency, Standard: true},
	})
	if err != nil {
		return err
	}
	product, err := salesv1.NewProductServiceClient(m.conn).CreateProduct(ctx, &salesv1.CreateProductRequest{
		Product: &salesv1.Product{Code: "HOUSE-1000", DisplayName: "House blend, 1 kg", Category: "beans", Unit: "piece"},
	})
	if err != nil {
		return err
	}
	m.product = product.GetName()
	if _, err := salesv1.NewPriceListServiceClient(m.conn).CreatePrice(ctx, &salesv1.CreatePriceRequest{
		Price: &salesv1.Price{PriceList: list.GetName(), Product: m.product, UnitPrice: rupiah(240_000), StartTime: m.at(1000)},
	}); err != nil {
		return err
	}
	queue, err := ticketv1.NewQueueServiceClient(m.conn).CreateQueue(ctx, &ticketv1.CreateQueueRequest{Queue: &ticketv1.Queue{DisplayName: "Customer care"}})
	if err != nil {
		return err
	}
	m.queue = queue.GetName()
	kind, err := contactv1.NewRelationshipServiceClient(m.conn).CreateRelationshipType(ctx, &contactv1.CreateRelationshipTypeRequest{
		RelationshipType: &contactv1.RelationshipType{ForwardName: "works for", ReverseName: "employs"},
	})
	m.relation = kind.GetName()
	return err
}

var (
	givenNames = []string{"Siti", "Budi", "Dewi", "Agus", "Rina", "Joko", "Putri", "Hendra", "Maya", "Rizky", "Ayu", "Bayu", "Citra", "Dimas", "Eka", "Fajar"}
	cities     = []string{"Bandung", "Jakarta", "Surabaya", "Yogyakarta", "Denpasar", "Medan", "Makassar", "Semarang"}
	sources    = []string{"shop", "web", "trade-fair", "referral"}
	channels   = []eventv1.Channel{
		eventv1.Channel_CHANNEL_IN_PERSON, eventv1.Channel_CHANNEL_PHONE, eventv1.Channel_CHANNEL_EMAIL, eventv1.Channel_CHANNEL_WEB,
		eventv1.Channel_CHANNEL_CHAT, eventv1.Channel_CHANNEL_MOBILE, eventv1.Channel_CHANNEL_LETTER,
	}
	titles = []string{"Asked about delivery", "Ordered by phone", "Sent a photo of the grinder", "Visited the shop", "Wanted an invoice", "Praised the beans"}
	bodies = []string{
		"The parcel had not come after three days; the carrier has found it and brings it tomorrow.",
		"Two bags of the house blend, ground for filter, to the usual address.",
		"The grinder stalls on the finest setting. We sent the manual and offered a check in the workshop.",
		"Tasted three coffees and took the leaflet about the subscription home.",
		"The invoice of last month is missing in the books; a copy was sent to the accounting department.",
		"Best cup of the year, says the customer, and recommends us to the neighbours.",
	}
)

// numberOf is the number of a contact of a group.
func numberOf(group, i int) int { return firstNumber + group*groupSize + i }

// addContacts makes the contacts of a group, in order.
func (m *maker) addContacts(ctx context.Context, group int) error {
	client := contactv1.NewContactServiceClient(m.conn)
	for i := range groupSize {
		made, err := client.CreateContact(ctx, &contactv1.CreateContactRequest{Contact: m.contact(group, i)})
		if err != nil {
			return err
		}
		m.contacts[group] = append(m.contacts[group], made)
	}
	return nil
}

func (m *maker) contact(group, i int) *contactv1.Contact {
	number := numberOf(group, i)
	name := word(number)
	c := &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: givenNames[m.random.IntN(len(givenNames))], FamilyName: title(name),
		LanguageCode: "id", RegionCode: "ID", Source: sources[m.random.IntN(len(sources))],
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: fmt.Sprintf("%s.%d@example.com", name, number), Primary: true},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: fmt.Sprintf("+62812%d", number), Label: "mobile"},
		},
		Addresses: []*contactv1.Address{{Label: "home", Lines: []string{fmt.Sprintf("Jalan Braga %d", 1+m.random.IntN(300))}, Locality: cities[m.random.IntN(len(cities))], RegionCode: "ID"}},
		Roles:     []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER, StartTime: m.at(400 + m.random.IntN(400))}},
	}
	if i%4 == 0 {
		c.Identifiers = append(c.Identifiers, &contactv1.Identifier{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_CARD, Value: fmt.Sprintf("KL-%d", number)})
	}
	if i%5 == 0 {
		c.Labels = map[string]string{"tier": []string{"gold", "silver", "bronze"}[i/5%3]}
	}
	if i%10 == 0 {
		c.ExternalIds = map[string]string{"erp": fmt.Sprint(number)}
	}
	if group == 1 && i == 0 || group == 0 && i%25 == 24 {
		c.Kind, c.GivenName, c.FamilyName, c.DisplayName = contactv1.ContactKind_CONTACT_KIND_ORGANISATION, "", "", "PT "+title(name)
	}
	return c
}

// interactions records n with a contact, the earliest first.
func (m *maker) interactions(ctx context.Context, c *contactv1.Contact, n int) error {
	client := contactv1.NewInteractionServiceClient(m.conn)
	for i := range n {
		what := m.random.IntN(len(titles))
		if _, err := client.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
			Contact: c.GetName(), Channel: channels[m.random.IntN(len(channels))], Direction: eventv1.Direction_DIRECTION_INBOUND,
			Title: titles[what], Body: bodies[what], OccurredAt: m.at((n - i) * 300 / n),
		}}); err != nil {
			return err
		}
	}
	return nil
}

// retail makes the group of retail customers: many with little, few with much.
func (m *maker) retail(ctx context.Context) error {
	for i, c := range m.contacts[0] {
		half := 1 // half of the average
		switch {
		case i >= 95:
			half = 8
		case i >= 80:
			half = 4
		case i >= 50:
			half = 2
		}
		if err := m.interactions(ctx, c, half*m.interactionsEach/2); err != nil {
			return err
		}
	}
	if err := m.purchases(ctx, 0, 60, 3); err != nil {
		return err
	}
	for i := range 8 {
		if err := m.lead(ctx, i, m.contacts[0][i*9]); err != nil {
			return err
		}
	}
	for i := range 6 {
		if err := m.ticket(ctx, i, m.contacts[0][i*11]); err != nil {
			return err
		}
	}
	if err := m.keepPipelines(ctx); err != nil {
		return err
	}
	return m.campaign(ctx, m.contacts[0][:25])
}

// keepPipelines keeps the pipeline that the first conversion makes for the tenant.
func (m *maker) keepPipelines(ctx context.Context) error {
	all, err := salesv1.NewPipelineServiceClient(m.conn).ListPipelines(ctx, &salesv1.ListPipelinesRequest{})
	for _, p := range all.GetPipelines() {
		m.kept = append(m.kept, p.GetName())
	}
	return err
}

// keyAccount makes the group of the large account, but for the interactions of
// its busiest customer.
func (m *maker) keyAccount(ctx context.Context) error {
	company := m.contacts[1][0]
	relationships := contactv1.NewRelationshipServiceClient(m.conn)
	for i, c := range m.contacts[1][2 : 2+keyAccountStaff] {
		if _, err := relationships.CreateRelationship(ctx, &contactv1.CreateRelationshipRequest{Relationship: &contactv1.Relationship{
			Type: m.relation, FromContact: c.GetName(), ToContact: company.GetName(), Role: []string{"buyer", "barista", "owner"}[i%3], StartTime: m.at(350),
		}}); err != nil {
			return err
		}
	}
	for _, c := range m.contacts[1][2:] {
		if err := m.interactions(ctx, c, 3); err != nil {
			return err
		}
	}
	if err := m.interactions(ctx, company, 150); err != nil {
		return err
	}
	if err := m.purchases(ctx, 1, 20, 6); err != nil {
		return err
	}
	for i := range 6 {
		if err := m.lead(ctx, i, m.contacts[1][i]); err != nil {
			return err
		}
		if err := m.ticket(ctx, i, m.contacts[1][i]); err != nil {
			return err
		}
	}
	return nil
}

// purchases records some for every customer up to a number.
func (m *maker) purchases(ctx context.Context, group, customers, each int) error {
	req := &salesv1.BatchRecordPurchasesRequest{}
	for i, c := range m.contacts[group][:customers] {
		for n := range each {
			quantity := 1 + int64(m.random.IntN(5))
			req.Purchases = append(req.Purchases, &salesv1.Purchase{
				Contact: c.GetName(), ExternalIds: map[string]string{"till": fmt.Sprintf("%d-%d", numberOf(group, i), n)}, PurchaseTime: m.at(1 + n*30 + m.random.IntN(30)),
				Amount: rupiah(240_000 * quantity), Lines: m.lines(quantity), Channel: eventv1.Channel_CHANNEL_POS, Source: "till",
			})
		}
	}
	answer, err := salesv1.NewOrderServiceClient(m.conn).BatchRecordPurchases(ctx, req)
	if err == nil && answer.GetFailedCount() > 0 {
		err = fmt.Errorf("%d purchases were refused", answer.GetFailedCount())
	}
	return err
}

func (m *maker) lines(quantity int64) []*salesv1.LineItem {
	return []*salesv1.LineItem{{Product: m.product, Quantity: &decimal.Decimal{Value: fmt.Sprint(quantity)}, UnitPrice: rupiah(240_000)}}
}

// lead captures one; every second becomes an opportunity.
func (m *maker) lead(ctx context.Context, i int, c *contactv1.Contact) error {
	client := salesv1.NewLeadServiceClient(m.conn)
	lead, err := client.CaptureLead(ctx, &salesv1.CaptureLeadRequest{
		Who: &salesv1.CaptureLeadRequest_Contact{Contact: c.GetName()}, DisplayName: "Machine for the office", Channel: eventv1.Channel_CHANNEL_WEB,
		EstimatedValue: rupiah(int64(1+i) * 3_500_000), Source: "web form", CaptureTime: m.at(60),
	})
	if err != nil || i%2 == 1 {
		return err
	}
	_, err = client.ConvertLead(ctx, &salesv1.ConvertLeadRequest{
		Name: lead.GetName(), DisplayName: lead.GetDisplayName(), Amount: lead.GetEstimatedValue(), CloseDate: &date.Date{Year: 2027, Month: 6, Day: 30},
	})
	return err
}

// ticket opens one; most are answered and resolved.
func (m *maker) ticket(ctx context.Context, i int, c *contactv1.Contact) error {
	client := ticketv1.NewTicketServiceClient(m.conn)
	opened, err := client.OpenTicket(ctx, &ticketv1.OpenTicketRequest{
		Ticket: &ticketv1.Ticket{
			Contact: c.GetName(), Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Severity: ticketv1.TicketSeverity(2 + i%3),
			Channel: eventv1.Channel_CHANNEL_PHONE, Subject: "Beans arrived stale", Queue: m.queue,
		},
		Message: &ticketv1.Message{AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_CUSTOMER, Channel: eventv1.Channel_CHANNEL_PHONE, Body: bodies[i%len(bodies)]},
	})
	if err != nil || i == 5 {
		return err
	}
	name := opened.GetTicket().GetName()
	if _, err := client.ReplyToTicket(ctx, &ticketv1.ReplyToTicketRequest{Name: name, Message: &ticketv1.Message{
		AuthorKind: ticketv1.MessageAuthor_MESSAGE_AUTHOR_STAFF, Channel: eventv1.Channel_CHANNEL_EMAIL, Body: "We are sorry, and send a new one today.",
	}}); err != nil {
		return err
	}
	_, err = client.ResolveTicket(ctx, &ticketv1.ResolveTicketRequest{Name: name, ResolutionCode: "replaced", Resolution: "Replaced free of charge."})
	return err
}

// campaign sends an offer to some and waits until it is with all of them.
func (m *maker) campaign(ctx context.Context, to []*contactv1.Contact) error {
	segments, campaigns := campaignv1.NewSegmentServiceClient(m.conn), campaignv1.NewCampaignServiceClient(m.conn)
	segment := &campaignv1.Segment{DisplayName: "Home brewers"}
	for _, c := range to {
		segment.Contacts = append(segment.Contacts, c.GetName())
	}
	segment, err := segments.CreateSegment(ctx, &campaignv1.CreateSegmentRequest{Segment: segment})
	if err != nil {
		return err
	}
	m.kept = append(m.kept, segment.GetName())
	if segment, err = segments.MaterializeSegment(ctx, &campaignv1.MaterializeSegmentRequest{Name: segment.GetName()}); err != nil {
		return err
	}
	for segment.GetState() != campaignv1.SegmentState_SEGMENT_STATE_READY {
		if err := pause(ctx); err != nil {
			return err
		}
		if segment, err = segments.GetSegment(ctx, &campaignv1.GetSegmentRequest{Name: segment.GetName()}); err != nil {
			return err
		}
	}
	offer, err := campaigns.CreateCampaign(ctx, &campaignv1.CreateCampaignRequest{Campaign: &campaignv1.Campaign{
		DisplayName: "Grinder for home brewers", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_CROSS_SELL, Segment: segment.GetName(),
		Channel: eventv1.Channel_CHANNEL_PHONE, Subject: "A grinder", Body: "This month a grinder comes with your beans.", Budget: rupiah(5_000_000),
	}})
	if err != nil {
		return err
	}
	m.kept = append(m.kept, offer.GetName())
	if _, err := campaigns.LaunchCampaign(ctx, &campaignv1.LaunchCampaignRequest{Name: offer.GetName()}); err != nil {
		return err
	}
	for {
		progress, err := campaigns.GetCampaignProgress(ctx, &campaignv1.GetCampaignProgressRequest{Name: offer.GetName() + "/progress"})
		if err != nil || progress.GetCompleteTime() != nil || int(progress.GetSentCount()+progress.GetSuppressedCount()) >= len(to) {
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}
