package projection

import (
	"cmp"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/lifecycle/evidence"
	"github.com/lingkar-crm/lingkar/pkg/money"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// FactKind says what a fact measures.
type FactKind int16

// The kinds of facts.
const (
	// Purchase is an order confirmed and not cancelled, or a recorded sale: its
	// amount.
	Purchase FactKind = 1
	// Satisfaction is what a customer said of how satisfied it is, from 1 to 5.
	Satisfaction FactKind = 2
)

// Fact is a number known of a contact.
type Fact struct {
	Kind    FactKind
	Contact uuid.UUID
	// At is when it happened: the purchase, or the answer.
	At       time.Time
	Currency string
	Amount   money.Decimal
}

// same says whether two facts mean the same. An answer keeps the time at which it
// was first given; later events of its ticket repeat it.
func (f Fact) same(other Fact) bool {
	return f.Kind == other.Kind && f.Contact == other.Contact && f.Currency == other.Currency &&
		f.Amount == other.Amount && (f.Kind == Satisfaction || f.At.Equal(other.At))
}

// Customer is what lists and look-ups need of a contact.
type Customer struct {
	Contact                 uuid.UUID
	CustomerID, DisplayName string
	Owner, Team             string
	Partition               int16
	Deleted                 bool
	// NoNeed is true where the contact is marked, by the label
	// rest_of_world=true, as having no need or wish for what we sell.
	NoNeed bool
	// MergedInto is the contact that it was merged into, or uuid.Nil.
	MergedInto uuid.UUID
}

// Rate is what a currency is worth in another, from a day on.
type Rate struct {
	From, To string
	Day      time.Time
	Rate     money.Decimal
}

// addSpecial reads what only one type of resource has.
func (b *builder) addSpecial(h header, resource proto.Message) error {
	switch r := resource.(type) {
	case *contactv1.Contact:
		return b.addCustomer(h, r)
	case *salesv1.Order:
		b.facts.add(h, purchaseOf(h, r))
	case *ticketv1.Ticket:
		b.facts.add(h, satisfactionOf(h, r))
	case *platformv1.ExchangeRate:
		return b.addRate(h, r)
	case *platformv1.Tenant:
		if b.tenants[h.tenant].Seq < h.GetAggregateSeq() {
			b.tenants[h.tenant] = Tenant{ID: h.tenant, Seq: h.GetAggregateSeq(), Currency: r.GetCurrencyCode(), Zone: r.GetTimeZone(), Months: cmp.Or(r.GetLifecycleWindowMonths(), lifecycle.DefaultMonths)}
		}
	}
	return nil
}

func (b *builder) addCustomer(h header, c *contactv1.Contact) error {
	if len(h.contacts) == 0 {
		return nil
	}
	merged, err := mergedInto(c)
	if err != nil {
		return err
	}
	b.customers.add(h, &Customer{
		Contact: h.contacts[0], CustomerID: c.GetCustomerId(), DisplayName: c.GetDisplayName(),
		Owner: c.GetOwner(), Team: c.GetTeam(), Partition: int16(h.GetPartition()),
		Deleted: evidence.Deleted(c), NoNeed: evidence.NoNeed(c), MergedInto: merged,
	})
	return nil
}

func mergedInto(c *contactv1.Contact) (uuid.UUID, error) {
	if c.GetMergedInto() == "" {
		return uuid.Nil, nil
	}
	return contactID(c.GetMergedInto())
}

func purchaseOf(h header, o *salesv1.Order) *Fact {
	at, is := evidence.Purchase(o, h.occurredAt)
	if len(h.contacts) == 0 || !is {
		return nil
	}
	total := money.FromProto(o.GetTotal())
	return &Fact{Kind: Purchase, Contact: h.contacts[0], At: at, Currency: total.Currency, Amount: total.Decimal()}
}

func satisfactionOf(h header, t *ticketv1.Ticket) *Fact {
	if len(h.contacts) == 0 || t.GetSatisfaction() == 0 || t.GetDeleteTime() != nil {
		return nil
	}
	score := money.Decimal{Units: int64(t.GetSatisfaction())}
	return &Fact{Kind: Satisfaction, Contact: h.contacts[0], At: h.occurredAt, Amount: score}
}

func (b *builder) addRate(h header, r *platformv1.ExchangeRate) error {
	if r.GetDeleteTime() != nil {
		b.rates.add(h, nil)
		return nil
	}
	rate, err := money.ParseDecimal(r.GetRate())
	if err != nil {
		return err
	}
	day := time.Date(int(r.GetDate().GetYear()), time.Month(r.GetDate().GetMonth()), int(r.GetDate().GetDay()), 0, 0, 0, 0, time.UTC)
	b.rates.add(h, &Rate{From: r.GetFromCurrencyCode(), To: r.GetToCurrencyCode(), Day: day, Rate: rate})
	return nil
}
