package server_test

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

func (a *api) facts() contactv1.FactServiceClient { return contactv1.NewFactServiceClient(a.Conn) }

func (a *api) capture(t testing.TB, f *contactv1.Fact, party *contactv1.Contact) *contactv1.CaptureFactResponse {
	t.Helper()
	return must(a.facts().CaptureFact(a.Ctx(), &contactv1.CaptureFactRequest{Fact: f, Party: party}))(t)
}

func warranty(source, id string) *contactv1.Fact {
	return &contactv1.Fact{Source: source, SourceId: id, Channel: eventv1.Channel_CHANNEL_LETTER, Content: &contactv1.Fact_WarrantyCard{
		WarrantyCard: &contactv1.WarrantyCard{Product: "Router X", SerialNumber: "SN-1", Price: &moneypb.Money{CurrencyCode: "IDR", Units: 750000}},
	}}
}

// CON-13, CON-18, CON-31: each form yields a party with its source and a typed fact; who
// is known already is found and not made twice, and what comes in twice is there once.
func testCaptureFact(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-13", "CON-18", "CON-31"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		party := holding("Siti Rahma", email, "siti@example.com")
		first := a.capture(t, warranty("warranty-cards", "W-1"), party)
		if c := first.GetContact(); !first.GetContactCreated() || c.GetSource() != "warranty-cards" || c.GetDisplayName() != "Siti Rahma" || first.GetFact().GetContact() != c.GetName() {
			t.Errorf("captured %v", first)
		}
		if f := first.GetFact(); f.GetKind() != contactv1.FactKind_FACT_KIND_WARRANTY_CARD || f.GetTitle() != "Warranty card: Router X" || f.GetActor() != a.Caller.Subject || len(f.GetAttributes()) != 2 {
			t.Errorf("the fact is %v", f)
		}
		again := a.capture(t, warranty("warranty-cards", "W-1"), party)
		if again.GetContactCreated() || !proto.Equal(again.GetFact(), first.GetFact()) {
			t.Errorf("told again: %v", again)
		}
		request := &contactv1.CaptureFactRequest{RequestId: "once", Fact: warranty("warranty-cards", "W-2"), Party: holding("Dewi", card, "w-2")}
		dewi := must(a.facts().CaptureFact(ctx, request))(t)
		if repeated := must(a.facts().CaptureFact(ctx, request))(t); !dewi.GetContactCreated() || !proto.Equal(repeated, dewi) {
			t.Errorf("repeated, the call answers %v, and answered %v", repeated, dewi)
		}
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: dewi.GetContact().GetName()}))(t)
		for _, f := range []*contactv1.Fact{
			{Content: &contactv1.Fact_CreditApplication{CreditApplication: &contactv1.CreditApplication{Reference: "C-9", Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 5}}}},
			{Content: &contactv1.Fact_ServiceApplication{ServiceApplication: &contactv1.ServiceApplication{Service: "Fibre", WantedDate: &date.Date{Year: 2027, Month: 1, Day: 2}}}},
			{Content: &contactv1.Fact_MembershipEnrolment{MembershipEnrolment: &contactv1.MembershipEnrolment{Programme: "Gold", CardNumber: "77"}}},
			{Content: &contactv1.Fact_BrochureRequest{BrochureRequest: &contactv1.BrochureRequest{Brochure: "Spring"}}},
			{Content: &contactv1.Fact_QuotationRequest{QuotationRequest: &contactv1.QuotationRequest{Product: "Router X", Quantity: &decimal.Decimal{Value: "12.5"}}}},
			{Content: &contactv1.Fact_MailingResponse{MailingResponse: &contactv1.MailingResponse{Mailing: "M-1", Answer: "Call me"}}},
			{Content: &contactv1.Fact_TradeFairContact{TradeFairContact: &contactv1.TradeFairContact{Fair: "Jakarta Fair", Stand: "B7"}}},
			{Channel: eventv1.Channel_CHANNEL_POS, Content: &contactv1.Fact_Scan{Scan: &contactv1.Scan{Code: "4006381333931", Symbology: "EAN-13", SerialNumber: "SN-2"}}},
		} {
			f.Source = "desk"
			if got := a.capture(t, f, party); got.GetContactCreated() || got.GetContact().GetName() != first.GetContact().GetName() || got.GetFact().GetKind() == 0 {
				t.Errorf("captured %v", got)
			}
		}
		mine := must(a.facts().ListFacts(ctx, &contactv1.ListFactsRequest{Contact: first.GetContact().GetName()}))(t).GetFacts()
		if len(mine) != 9 {
			t.Errorf("%d facts of the person, want 9", len(mine))
		}
		if got := must(a.facts().ListFacts(ctx, &contactv1.ListFactsRequest{Filter: `kind = FACT_KIND_SCAN AND channel = CHANNEL_POS`}))(t).GetFacts(); len(got) != 1 || got[0].GetScan().GetSerialNumber() != "SN-2" {
			t.Errorf("scans %v", got)
		}
		if list := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{}))(t).GetContacts(); len(list) != 1 {
			t.Errorf("nine forms of one person made %v", names(list))
		}
		anonymous := a.capture(t, &contactv1.Fact{Source: "pos-7", Content: &contactv1.Fact_Scan{Scan: &contactv1.Scan{Code: "900"}}}, holding("", card, "900"))
		if !anonymous.GetContact().GetAnonymous() || len(anonymous.GetFact().GetAttributes()) != 1 {
			t.Errorf("a card alone is %v", anonymous)
		}
		known := a.capture(t, &contactv1.Fact{Source: "membership", Content: &contactv1.Fact_MembershipEnrolment{MembershipEnrolment: &contactv1.MembershipEnrolment{Programme: "Gold"}}}, holding("Budi", card, "900"))
		if known.GetContactCreated() || known.GetContact().GetDisplayName() != "Budi" || known.GetContact().GetAnonymous() {
			t.Errorf("the card's holder is %v", known)
		}

		_, err := a.facts().CaptureFact(ctx, &contactv1.CaptureFactRequest{Fact: warranty("w", ""), Party: &contactv1.Contact{Kind: person, Identifiers: []*contactv1.Identifier{
			{Kind: card, Value: "900"}, {Kind: device, Value: a.device(t)},
		}}})
		refused(t, err, codes.FailedPrecondition, "PARTY_AMBIGUOUS")
		_, err = a.facts().CaptureFact(ctx, &contactv1.CaptureFactRequest{Fact: warranty("w", "")})
		violates(t, err, "party", "")
		_, err = a.facts().CaptureFact(ctx, &contactv1.CaptureFactRequest{Fact: warranty("w", ""), Party: holding("x", email, "no address")})
		violates(t, err, "party.identifiers[0].value", "")
		_, err = a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: warranty("w", "")})
		violates(t, err, "fact.contact", "")
		taken := warranty("warranty-cards", "W-1")
		taken.Contact = known.GetContact().GetName()
		_, err = a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: taken})
		refused(t, err, codes.AlreadyExists, "FACT_SOURCE_ID_TAKEN")
		taken.SourceId = ""
		must(a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: taken}))(t)

		_, err = other.facts().GetFact(other.Ctx(), &contactv1.GetFactRequest{Name: first.GetFact().GetName()})
		refused(t, err, codes.NotFound, "FACT_NOT_FOUND")
		if got := must(other.facts().ListFacts(other.Ctx(), &contactv1.ListFactsRequest{}))(t).GetFacts(); len(got) != 0 {
			t.Errorf("another tenant lists %v", got)
		}
		if got := other.capture(t, warranty("warranty-cards", "W-1"), party); !got.GetContactCreated() {
			t.Errorf("another tenant knows %v", got)
		}
	})
}

// device makes a contact that holds a device, and answers the device.
func (a *api) device(t testing.TB) string {
	t.Helper()
	a.holder(t, "Citra", device, "imei-1")
	return "imei-1"
}

// CON-13, CON-22: what sources say differently is decided by the tenant's rules, by who
// says it and when it was observed and not by when it came in; what lost stays readable.
func testContactProvenance(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-13", "CON-22"}, func(t *testing.T, a, other *api) {
		ctx, now := a.Ctx(), s.Clock.Now()
		must(a.UpdateIdentityPolicy(ctx, &contactv1.UpdateIdentityPolicyRequest{IdentityPolicy: &contactv1.IdentityPolicy{
			Name: "identityPolicy", TrustedSources: []string{"bank", "web"},
			SurvivorshipRules: []*contactv1.SurvivorshipRule{
				{Field: "job_title", Strategy: contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_MOST_RECENT},
				{Field: "organisation_name", Strategy: contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_MOST_TRUSTED},
			},
		}}))(t)
		tell := func(source string, days int, p *contactv1.Contact) *contactv1.CaptureFactResponse {
			t.Helper()
			p.Kind, p.Identifiers = person, []*contactv1.Identifier{{Kind: card, Value: "42"}}
			return a.capture(t, &contactv1.Fact{
				Source: source, ObservedAt: timestamppb.New(now.AddDate(0, 0, -days)), Content: &contactv1.Fact_BrochureRequest{BrochureRequest: &contactv1.BrochureRequest{Brochure: "x"}},
			}, p)
		}
		tell("web", 10, &contactv1.Contact{DisplayName: "Siti", JobTitle: "Clerk", OrganisationName: "PT A", LanguageCode: "id"})
		tell("bank", 30, &contactv1.Contact{DisplayName: "Sitti", JobTitle: "Intern", OrganisationName: "PT B", LanguageCode: "id"})
		last := tell("fair", 2, &contactv1.Contact{JobTitle: "Manager", OrganisationName: "PT C"})
		if c := last.GetContact(); c.GetDisplayName() != "Siti" || c.GetJobTitle() != "Manager" || c.GetOrganisationName() != "PT B" || c.GetLanguageCode() != "id" {
			t.Errorf("the record says %v", c)
		}
		must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: last.GetContact().GetName(), RegionCode: "ID"}}))(t)
		provenance := must(a.facts().GetContactProvenance(ctx, &contactv1.GetContactProvenanceRequest{Name: last.GetContact().GetName() + "/provenance"}))(t)
		type claim struct {
			field, value, source string
			current              bool
			outcome              contactv1.AttributeOutcome
		}
		got := map[claim]bool{}
		for _, c := range provenance.GetClaims() {
			got[claim{c.GetField(), c.GetValue(), c.GetSource(), c.GetCurrent(), c.GetOutcome()}] = c.GetObservedAt() != nil
		}
		const took, confirmed, lost = contactv1.AttributeOutcome_ATTRIBUTE_OUTCOME_TAKEN, contactv1.AttributeOutcome_ATTRIBUTE_OUTCOME_CONFIRMED, contactv1.AttributeOutcome_ATTRIBUTE_OUTCOME_LOST
		for _, want := range []claim{
			{"name", "Siti", "web", true, took}, {"name", "Sitti", "bank", false, lost},
			{"job_title", "Clerk", "web", false, took}, {"job_title", "Intern", "bank", false, lost}, {"job_title", "Manager", "fair", true, took},
			{"organisation_name", "PT A", "web", false, took}, {"organisation_name", "PT B", "bank", true, took}, {"organisation_name", "PT C", "fair", false, lost},
			{"language_code", "id", "web", true, took}, {"language_code", "id", "bank", true, confirmed},
			{"region_code", "ID", "web", true, 0},
		} {
			if !got[want] {
				t.Errorf("nobody claims %v: %v", want, got)
			}
		}
		_, err := other.facts().GetContactProvenance(other.Ctx(), &contactv1.GetContactProvenanceRequest{Name: provenance.GetName()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = a.facts().GetContactProvenance(ctx, &contactv1.GetContactProvenanceRequest{Name: last.GetContact().GetName()})
		refused(t, err, codes.InvalidArgument, "")
	})
}

// CON-42: what was ordered of a supplier, came and was paid is kept, and measured.
func testSupplierPerformance(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-42"}, func(t *testing.T, a, other *api) {
		ctx, today := a.Ctx(), s.Clock.Now()
		day := func(days int) *date.Date { return dateOf(today.AddDate(0, 0, days)) }
		idr := func(units int64) *moneypb.Money { return &moneypb.Money{CurrencyCode: "IDR", Units: units} }
		ten := &decimal.Decimal{Value: "10"}
		acme := a.create(t, &contactv1.Contact{Kind: organisation, DisplayName: "Acme", Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_SUPPLIER}}}).GetName()
		record := func(contact, id string, content any) (*contactv1.Fact, error) {
			f := &contactv1.Fact{Contact: contact, Source: "erp", SourceId: id}
			switch c := content.(type) {
			case *contactv1.SupplierPurchase:
				f.Content = &contactv1.Fact_SupplierPurchase{SupplierPurchase: c}
			case *contactv1.SupplierReceipt:
				f.Content = &contactv1.Fact_SupplierReceipt{SupplierReceipt: c}
			case *contactv1.SupplierPayment:
				f.Content = &contactv1.Fact_SupplierPayment{SupplierPayment: c}
			}
			return a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: f})
		}
		for id, content := range map[string]any{
			"p1": &contactv1.SupplierPurchase{DocumentNumber: "PO-1", Quantity: ten, UnitPrice: idr(1000), OrderDate: day(-20), PromiseDate: day(-10)},
			"p2": &contactv1.SupplierPurchase{DocumentNumber: "PO-2", Quantity: ten, UnitPrice: idr(1000), OrderDate: day(-20), PromiseDate: day(-9)},
			"p3": &contactv1.SupplierPurchase{DocumentNumber: "PO-3", Quantity: ten, OrderDate: day(-20), PromiseDate: day(-8)},
			"r1": &contactv1.SupplierReceipt{DocumentNumber: "GR-1", PurchaseNumber: "PO-1", Quantity: ten, ReceiptDate: day(-10), UnitPrice: idr(1000)},
			"r2": &contactv1.SupplierReceipt{DocumentNumber: "GR-2", PurchaseNumber: "PO-2", Quantity: &decimal.Decimal{Value: "5"}, DefectiveQuantity: &decimal.Decimal{Value: "1.25"}, ReceiptDate: day(-8), UnitPrice: idr(1100)},
			"i1": &contactv1.SupplierPayment{DocumentNumber: "INV-1", PurchaseNumber: "PO-1", Amount: idr(10000), DueDate: day(-5), PaidDate: day(-4)},
		} {
			first := must(record(acme, id, content))(t)
			if again := must(record(acme, id, content))(t); !proto.Equal(again, first) {
				t.Errorf("told again: %v", again)
			}
		}
		ask := &contactv1.GetSupplierPerformanceRequest{Name: acme + "/supplierPerformance", Weights: &contactv1.SupplierWeights{OnTime: 2, Quality: 1, Quantity: 1}}
		got := must(a.facts().GetSupplierPerformance(ctx, ask))(t)
		want := &contactv1.SupplierPerformance{
			Name: ask.GetName(), StartDate: dateOf(today.AddDate(-1, 0, 1)), EndDate: day(0), PurchaseCount: 3, ReceiptCount: 2, LatePaymentCount: 1, Weights: ask.GetWeights(),
			OnTimeRate: &decimal.Decimal{Value: "0.333333"}, QualityRate: &decimal.Decimal{Value: "0.875"}, QuantityRate: &decimal.Decimal{Value: "0.5"},
			PriceRate: &decimal.Decimal{Value: "0.95"}, Score: &decimal.Decimal{Value: "0.510417"},
		}
		if !proto.Equal(got, want) {
			t.Errorf("measured %v, want %v", got, want)
		}
		must(a.EndRole(ctx, &contactv1.EndRoleRequest{Name: acme, Kind: contactv1.RoleKind_ROLE_KIND_SUPPLIER}))(t)
		if again := must(a.facts().GetSupplierPerformance(ctx, ask))(t); !proto.Equal(again, want) {
			t.Errorf("after its role has ended: %v", again)
		}
		_, err := record(a.named(t, "Siti").GetName(), "", &contactv1.SupplierPayment{DocumentNumber: "x", Amount: idr(1)})
		refused(t, err, codes.FailedPrecondition, "ROLE_NOT_HELD")
		_, err = record(acme, "", &contactv1.SupplierReceipt{DocumentNumber: "x", PurchaseNumber: "PO-1", Quantity: ten, DefectiveQuantity: &decimal.Decimal{Value: "11"}, ReceiptDate: day(0)})
		violates(t, err, "fact.supplier_receipt.defective_quantity.value", "")
		_, err = other.facts().GetSupplierPerformance(other.Ctx(), ask)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// CON-28: what contacts tell of the market is counted by topic and month, over all of
// them; contacts that are one tell it once.
func testSummarizeMarketNeeds(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-28"}, func(t *testing.T, a, other *api) {
		ctx, at := a.Ctx(), time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)
		note := func(contact *contactv1.Contact, months int, n *contactv1.MarketNote) {
			t.Helper()
			must(a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: &contactv1.Fact{
				Contact: contact.GetName(), Source: "visit", ObservedAt: timestamppb.New(at.AddDate(0, months, 0)), Content: &contactv1.Fact_MarketNote{MarketNote: n},
			}}))(t)
		}
		const need, development = contactv1.MarketNoteKind_MARKET_NOTE_KIND_NEED, contactv1.MarketNoteKind_MARKET_NOTE_KIND_DEVELOPMENT
		const positive, negative = contactv1.Sentiment_SENTIMENT_POSITIVE, contactv1.Sentiment_SENTIMENT_NEGATIVE
		siti, budi, twin := a.named(t, "Siti"), a.named(t, "Budi"), a.named(t, "Siti R")
		note(siti, 0, &contactv1.MarketNote{Kind: need, Topic: "Same-day delivery", Product: "Router X", RegionCode: "ID", Sentiment: positive})
		note(twin, 1, &contactv1.MarketNote{Kind: need, Topic: "same-day DELIVERY", Sentiment: positive, Note: "Asked\ntwice"})
		note(budi, 1, &contactv1.MarketNote{Kind: need, Topic: "Same-day delivery", Sentiment: negative})
		note(budi, 1, &contactv1.MarketNote{Kind: development, Topic: "New competitor"})
		must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{Name: siti.GetName(), Contacts: []string{twin.GetName()}}))(t)
		needs := must(a.facts().SummarizeMarketNeeds(ctx, &contactv1.SummarizeMarketNeedsRequest{}))(t).GetNeeds()
		want := &contactv1.MarketNeed{
			Kind: need, Topic: "Same-day delivery", NoteCount: 3, ContactCount: 2, PositiveCount: 2, NegativeCount: 1, LatestTime: timestamppb.New(at.AddDate(0, 1, 0)),
			Months: []*contactv1.MarketNeedMonth{{Month: &date.Date{Year: 2026, Month: 3, Day: 1}, NoteCount: 1}, {Month: &date.Date{Year: 2026, Month: 4, Day: 1}, NoteCount: 2}},
		}
		if len(needs) != 2 || needs[1].GetTopic() != "New competitor" {
			t.Fatalf("summed up %v", needs)
		}
		want.Topic = needs[0].GetTopic() // of two notes of one instant, either may be the last
		if !proto.Equal(needs[0], want) {
			t.Errorf("summed up %v, want %v", needs[0], want)
		}
		for _, c := range []struct {
			req  *contactv1.SummarizeMarketNeedsRequest
			want int
		}{
			{&contactv1.SummarizeMarketNeedsRequest{Kind: development}, 1},
			{&contactv1.SummarizeMarketNeedsRequest{Product: "router x"}, 1},
			{&contactv1.SummarizeMarketNeedsRequest{EndTime: timestamppb.New(at)}, 0},
			{&contactv1.SummarizeMarketNeedsRequest{StartTime: timestamppb.New(at.AddDate(0, 1, 0)), PageSize: 1}, 1},
		} {
			if got := must(a.facts().SummarizeMarketNeeds(ctx, c.req))(t).GetNeeds(); len(got) != c.want {
				t.Errorf("%v sums up %v", c.req, got)
			}
		}
		if got := must(other.facts().SummarizeMarketNeeds(other.Ctx(), &contactv1.SummarizeMarketNeedsRequest{}))(t).GetNeeds(); len(got) != 0 {
			t.Errorf("another tenant reads %v", got)
		}

		data := must(rightsOf(a).ExportContactData(ctx, &contactv1.ExportContactDataRequest{Name: siti.GetName(), Format: contactv1.DataFormat_DATA_FORMAT_CSV}))(t)
		if !containsAll(string(data.GetContent()), "Same-day delivery", "same-day DELIVERY") {
			t.Errorf("exported %s", data.GetContent())
		}
		must(rightsOf(a).EraseContact(ctx, &contactv1.EraseContactRequest{Name: budi.GetName(), Reason: askedFor}))(t)
		for _, f := range must(a.facts().ListFacts(ctx, &contactv1.ListFactsRequest{Contact: budi.GetName()}))(t).GetFacts() {
			if f.GetTitle()+f.GetMarketNote().GetTopic() != "" || f.GetKind() != contactv1.FactKind_FACT_KIND_MARKET_NOTE {
				t.Errorf("after the erasure: %v", f)
			}
		}
	})
}
