// Package demo loads a company that could be real into a tenant, through the same
// RPCs that everybody uses: Kopi Lestari roasts coffee in Bandung and sells beans
// and machines to cafés, offices and homes, in its shop, on the web and by phone.
//
// The company is the same at every load: names and amounts come from a seed, and
// times are counted back from the moment of loading. Every call carries a request
// id made of what it does, so a load that broke off can be run again; a tenant
// that has it already is left as it is. All people and addresses are invented.
package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

const (
	// System is under which the demo's own ids are kept as external ids.
	System = "demo"

	seed     = 20260101
	currency = "IDR"
)

// Counts tells what a load made.
type Counts struct {
	Contacts, Relationships, Interactions int
	Products, Purchases                   int
	Leads, Opportunities, Orders, Tickets int
	Touches                               int
	AlreadyThere                          bool
}

// Load loads the demo company over conn, as the caller that ctx's metadata names.
// Progress is told one line a part.
func Load(ctx context.Context, conn grpc.ClientConnInterface, now time.Time, progress func(string)) (Counts, error) {
	l := &loader{
		contacts:      contactv1.NewContactServiceClient(conn),
		relationships: contactv1.NewRelationshipServiceClient(conn),
		interactions:  contactv1.NewInteractionServiceClient(conn),
		consents:      contactv1.NewConsentServiceClient(conn),
		products:      salesv1.NewProductServiceClient(conn),
		prices:        salesv1.NewPriceListServiceClient(conn),
		leads:         salesv1.NewLeadServiceClient(conn),
		opportunities: salesv1.NewOpportunityServiceClient(conn),
		orders:        salesv1.NewOrderServiceClient(conn),
		queues:        ticketv1.NewQueueServiceClient(conn),
		tickets:       ticketv1.NewTicketServiceClient(conn),
		segments:      campaignv1.NewSegmentServiceClient(conn),
		campaigns:     campaignv1.NewCampaignServiceClient(conn),
		touches:       campaignv1.NewTouchServiceClient(conn),
		now:           now.Truncate(time.Second),
		random:        rand.New(rand.NewPCG(seed, seed)),
	}
	return l.run(ctx, progress)
}

type loader struct {
	contacts      contactv1.ContactServiceClient
	relationships contactv1.RelationshipServiceClient
	interactions  contactv1.InteractionServiceClient
	consents      contactv1.ConsentServiceClient
	products      salesv1.ProductServiceClient
	prices        salesv1.PriceListServiceClient
	leads         salesv1.LeadServiceClient
	opportunities salesv1.OpportunityServiceClient
	orders        salesv1.OrderServiceClient
	queues        ticketv1.QueueServiceClient
	tickets       ticketv1.TicketServiceClient
	segments      campaignv1.SegmentServiceClient
	campaigns     campaignv1.CampaignServiceClient
	touches       campaignv1.TouchServiceClient

	now    time.Time
	random *rand.Rand
	counts Counts

	people    []*contactv1.Contact
	companies []*contactv1.Contact
	catalogue []item
	queue     string
}

// item is a product as sold.
type item struct {
	name  string
	price int64
}

func (l *loader) run(ctx context.Context, progress func(string)) (Counts, error) {
	done, err := l.loaded(ctx)
	if err != nil || done {
		return Counts{AlreadyThere: done}, err
	}
	parts := []struct {
		title string
		load  func(context.Context) error
	}{
		{"people and companies", l.loadContacts},
		{"who belongs to whom", l.loadRelationships},
		{"products and prices", l.loadProducts},
		{"three years of purchases", l.loadPurchases},
		{"conversations on every channel", l.loadInteractions},
		{"leads, opportunities and orders", l.loadPipeline},
		{"complaints and requests", l.loadTickets},
		{"a campaign", l.loadCampaign},
		{"last marks", l.markLoaded},
	}
	for _, part := range parts {
		progress(part.title)
		if err := part.load(ctx); err != nil {
			return l.counts, fmt.Errorf("loading %s: %w", part.title, err)
		}
	}
	return l.counts, nil
}

// loaded tells whether the tenant has the whole demo company already.
func (l *loader) loaded(ctx context.Context) (bool, error) {
	found, err := l.contacts.LookupContact(ctx, &contactv1.LookupContactRequest{
		Identifier: &contactv1.LookupContactRequest_ExternalId{ExternalId: &contactv1.ExternalId{System: System, Id: personID(0)}},
	})
	if err != nil {
		return false, ignoreMissing(err)
	}
	for _, c := range found.GetContacts() {
		if c.GetLabels()[System] == "complete" {
			return true, nil
		}
	}
	return false, nil
}

// markLoaded sets the mark that loaded looks for.
func (l *loader) markLoaded(ctx context.Context) error {
	star, err := l.contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: l.people[0].GetName()})
	if err != nil {
		return err
	}
	star.Labels = map[string]string{System: "complete"}
	_, err = l.contacts.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: star, UpdateMask: mask("labels"), RequestId: key("complete")})
	return err
}

// key is the request id of one step.
func key(parts ...any) string { return "demo/" + fmt.Sprint(parts...) }

// ago is a time some days back, at an hour people are awake.
func (l *loader) ago(days int) *timestamppb.Timestamp {
	hour := time.Duration(8+l.random.IntN(11)) * time.Hour
	minute := time.Duration(l.random.IntN(60)) * time.Minute
	day := l.now.AddDate(0, 0, -days-1).Truncate(24 * time.Hour)
	return timestamppb.New(day.Add(hour + minute))
}

func rupiah(units int64) *money.Money {
	return &money.Money{CurrencyCode: currency, Units: units}
}
