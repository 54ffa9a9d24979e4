package store

import (
	"context"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/fact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
	"github.com/lingkar-crm/lingkar/services/contact/internal/supplier"
)

// Provenance answers which source told what of a contact, and what of it the contact
// says now.
func (s *Store) Provenance(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.ContactProvenance, error) {
	c, err := s.Contacts.Get(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	now := saying(c)
	answer := &contactv1.ContactProvenance{Name: name + "/provenance"}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT id, source, channel, observed_at, attributes
		FROM fact
		WHERE tenant = $1 AND contact = ANY (contact_family($1, $2)) AND told
		ORDER BY observed_at DESC, id DESC
		LIMIT $3`, tenant, c.ID, maxClaims).
		Query(func(rows pgx.Rows) error {
			var f fact.Fact
			_, err := pgx.ForEachRow(rows, []any{&f.ID, &f.Source, &f.Channel, &f.ObservedAt, &f.Attributes}, func() error {
				answer.Claims = append(answer.Claims, claimsOf(&f, now)...)
				f.Attributes = nil
				return nil
			})
			return err
		})
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	answer.Claims = append(answer.Claims[:min(len(answer.Claims), maxClaims)], untold(c, now, answer.GetClaims())...)
	return answer, nil
}

// said is a field with one of its values, for a person to read.
type said struct{ field, value string }

// saying answers what a contact says of itself, in the order of the fields.
func saying(c *contact.Contact) (all []said) {
	snapshot := saidOf(c)
	for _, field := range identity.Observable() {
		if value := snapshot.Text(field); value != "" {
			all = append(all, said{field, value})
		}
	}
	for _, i := range c.Identifiers {
		all = append(all, said{"identifiers", i.Value})
	}
	for _, a := range c.Addresses {
		all = append(all, said{"addresses", identity.AddressText(a)})
	}
	return all
}

func claimsOf(f *fact.Fact, now []said) (claims []*contactv1.AttributeClaim) {
	for _, a := range f.Attributes {
		claims = append(claims, &contactv1.AttributeClaim{
			Field: a.Field, Value: a.Value, Current: stands(now, a.Field, a.Value), Source: f.Source, Channel: eventv1.Channel(f.Channel),
			ObservedAt: timestamppb.New(f.ObservedAt), Fact: named(facts, f.ID), Outcome: contactv1.AttributeOutcome(a.Outcome),
		})
	}
	return claims
}

func stands(now []said, field, value string) bool {
	for _, s := range now {
		if s == (said{field, value}) {
			return true
		}
	}
	return false
}

// untold are the values that no fact tells: the record itself does.
func untold(c *contact.Contact, now []said, claims []*contactv1.AttributeClaim) (rest []*contactv1.AttributeClaim) {
	told := map[said]bool{}
	for _, claim := range claims {
		told[said{claim.GetField(), claim.GetValue()}] = true
	}
	for _, s := range now {
		if !told[s] {
			rest = append(rest, &contactv1.AttributeClaim{
				Field: s.field, Value: s.value, Current: true, Source: c.Source, ObservedAt: timestamppb.New(c.UpdateTime),
			})
		}
	}
	return rest
}

// maxSupplierFacts is how many facts of one supplier are measured.
const maxSupplierFacts = 100_000

// SupplierPerformance measures a supplier over a period.
func (s *Store) SupplierPerformance(ctx context.Context, tenant uuid.UUID, name string, req *contactv1.GetSupplierPerformanceRequest) (*contactv1.SupplierPerformance, error) {
	period, err := s.period(req)
	if err != nil {
		return nil, err
	}
	c, err := s.Contacts.Get(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	known := supplier.Facts{}
	kinds := []int16{int16(fact.SupplierPurchase), int16(fact.SupplierReceipt), int16(fact.SupplierPayment)}
	err = s.contentsOf(ctx, tenant, c.ID, kinds, maxSupplierFacts, func(kind fact.Kind, content []byte) error {
		addSupplierFact(&known, factOf(kind, content))
		return nil
	})
	if err != nil {
		return nil, err
	}
	weights := req.GetWeights()
	if weights == nil {
		weights = &contactv1.SupplierWeights{OnTime: 1, Quality: 1, Quantity: 1, Price: 1}
	}
	m := supplier.Measure(known, period, supplier.Weights{
		OnTime: weights.GetOnTime(), Quality: weights.GetQuality(), Quantity: weights.GetQuantity(), Price: weights.GetPrice(),
	})
	return &contactv1.SupplierPerformance{
		Name: req.GetName(), StartDate: dayProto(period.Start), EndDate: dayProto(period.End), Weights: weights,
		PurchaseCount: int64(m.Purchases), ReceiptCount: int64(m.Receipts), LatePaymentCount: int64(m.LatePayments),
		OnTimeRate: rate(m.OnTime), QualityRate: rate(m.Quality), QuantityRate: rate(m.Quantity), PriceRate: rate(m.Price), Score: rate(m.Score),
	}, nil
}

// period reads the period that is asked for: a year until today where it is not given.
func (s *Store) period(req *contactv1.GetSupplierPerformanceRequest) (supplier.Period, error) {
	r := &fields.Reader{}
	today := s.Now().Format(time.DateOnly)
	p := supplier.Period{Start: day(r, "start_date", req.GetStartDate()), End: day(r, "end_date", req.GetEndDate()), Today: today}
	if p.End == "" {
		p.End = today
	}
	if p.Start == "" {
		if end, err := time.Parse(time.DateOnly, p.End); err == nil {
			p.Start = end.AddDate(-1, 0, 1).Format(time.DateOnly)
		}
	}
	if p.End < p.Start {
		r.Fail("end_date", "", "lies before start_date")
	}
	return p, r.Err()
}

// addSupplierFact reads a stored fact; what it holds was checked when it was recorded.
// One of an erased supplier holds nothing and says nothing.
func addSupplierFact(to *supplier.Facts, f *contactv1.Fact) {
	number := func(d *decimal.Decimal) money.Decimal {
		parsed, _ := money.ParseDecimal(d.GetValue())
		return parsed
	}
	if o := f.GetSupplierPurchase(); o.GetDocumentNumber() != "" {
		to.Purchases = append(to.Purchases, supplier.Purchase{
			Number: o.GetDocumentNumber(), Quantity: number(o.GetQuantity()), Price: money.FromProto(o.GetUnitPrice()), Promise: dayText(o.GetPromiseDate()),
		})
	}
	if d := f.GetSupplierReceipt(); number(d.GetQuantity()).Sign() > 0 && d.GetPurchaseNumber() != "" {
		to.Receipts = append(to.Receipts, supplier.Receipt{
			Purchase: d.GetPurchaseNumber(), Quantity: number(d.GetQuantity()), Defective: number(d.GetDefectiveQuantity()),
			Price: money.FromProto(d.GetUnitPrice()), Day: dayText(d.GetReceiptDate()),
		})
	}
	if p := f.GetSupplierPayment(); p != nil {
		to.Payments = append(to.Payments, supplier.Payment{Due: dayText(p.GetDueDate()), Paid: dayText(p.GetPaidDate())})
	}
}

func dayText(d *date.Date) string { return day(&fields.Reader{}, "", d) }

// rateDigits are those of a rate.
const rateDigits = 6

// rate writes a fraction from 0 to 1, rounded half to even; absent where there is none.
func rate(r *big.Rat) *decimal.Decimal {
	if r == nil {
		return nil
	}
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(rateDigits), nil)))
	whole, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(scaled.Denom()) {
	case 1:
		whole.Add(whole, big.NewInt(1))
	case 0:
		whole.Add(whole, new(big.Int).And(whole, big.NewInt(1)))
	}
	text := new(big.Rat).SetFrac(whole, new(big.Int).Exp(big.NewInt(10), big.NewInt(rateDigits), nil)).FloatString(rateDigits)
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return &decimal.Decimal{Value: text}
}

// notes are the market notes of a period ($2, $3), of a kind ($4) and a product ($5)
// where these are given, with the contact in which whoever tells of it ended by merges.
const notes = `
WITH note AS (
	SELECT f.note_kind, f.topic_key, f.content->>'topic' AS topic, f.sentiment, f.observed_at, COALESCE(m.root, f.contact) AS teller
	FROM fact AS f
	LEFT JOIN merged_contact AS m ON m.tenant = f.tenant AND m.contact = f.contact
	WHERE f.tenant = $1 AND f.kind = 13 AND f.observed_at >= $2 AND f.observed_at < $3
		AND ($4 = 0 OR f.note_kind = $4) AND ($5 = '' OR f.product_key = $5)
), need AS (
	SELECT note_kind, topic_key, (array_agg(topic ORDER BY observed_at DESC))[1] AS topic, count(*) AS notes, count(DISTINCT teller) AS tellers,
		count(*) FILTER (WHERE sentiment = 3) AS positive, count(*) FILTER (WHERE sentiment = 1) AS negative, max(observed_at) AS latest
	FROM note
	GROUP BY note_kind, topic_key
	ORDER BY tellers DESC, topic_key, note_kind
	LIMIT $6
)`

// SummarizeMarketNeeds answers what contacts tell of the market.
func (s *Store) SummarizeMarketNeeds(ctx context.Context, tenant uuid.UUID, req *contactv1.SummarizeMarketNeedsRequest, limit int) (*contactv1.SummarizeMarketNeedsResponse, error) {
	r := &fields.Reader{}
	start, end := r.Time("start_time", req.GetStartTime()), r.Time("end_time", req.GetEndTime())
	if end.IsZero() {
		end = farFuture
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if end.Before(start) {
		return nil, errs.Invalid("end_time", "", "lies before start_time")
	}
	args := []any{tenant, start, end, int16(req.GetKind()), text.SearchKey(req.GetProduct()), limit}
	resp := &contactv1.SummarizeMarketNeedsResponse{}
	type topic struct {
		kind int16
		key  string
	}
	found := map[topic]*contactv1.MarketNeed{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(notes+` SELECT note_kind, topic_key, COALESCE(topic, ''), notes, tellers, positive, negative, latest FROM need ORDER BY tellers DESC, topic_key, note_kind`, args...).
		Query(func(rows pgx.Rows) error {
			var of topic
			var need contactv1.MarketNeed
			var latest time.Time
			_, err := pgx.ForEachRow(rows, []any{
				&of.kind, &of.key, &need.Topic, &need.NoteCount, &need.ContactCount, &need.PositiveCount, &need.NegativeCount, &latest,
			}, func() error {
				found[of] = &contactv1.MarketNeed{
					Kind: contactv1.MarketNoteKind(of.kind), Topic: need.Topic, NoteCount: need.NoteCount, ContactCount: need.ContactCount,
					PositiveCount: need.PositiveCount, NegativeCount: need.NegativeCount, LatestTime: timestamppb.New(latest),
				}
				resp.Needs = append(resp.Needs, found[of])
				return nil
			})
			return err
		})
	b.Queue(notes+`
		SELECT n.note_kind, n.topic_key, date_trunc('month', n.observed_at AT TIME ZONE 'UTC')::date, count(*)
		FROM note AS n JOIN need USING (note_kind, topic_key)
		GROUP BY 1, 2, 3
		ORDER BY 3`, args...).
		Query(func(rows pgx.Rows) error {
			var of topic
			var month time.Time
			var n int64
			_, err := pgx.ForEachRow(rows, []any{&of.kind, &of.key, &month, &n}, func() error {
				if need := found[of]; need != nil {
					need.Months = append(need.Months, &contactv1.MarketNeedMonth{Month: dayProto(month.Format(time.DateOnly)), NoteCount: n})
				}
				return nil
			})
			return err
		})
	return resp, postgres.Run(ctx, s.db, b)
}
