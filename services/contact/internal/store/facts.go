package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/fact"
)

// errFactTaken says that a source used a number for two facts.
var errFactTaken = errs.AlreadyExists("FACT_SOURCE_ID_TAKEN", "the source has given this number to another fact")

var factTable = postgres.NewTable[fact.Fact](postgres.Def{
	Name: "fact", Kind: "fact",
	Fields: []postgres.Field{
		{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		{Path: "kind", Type: postgres.Enum, Values: contactv1.FactKind_value},
		{Path: "source"},
		{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
		{Path: "observed_at", Type: postgres.Time},
		{Path: "create_time", Type: postgres.Time},
	},
	Orders:       [][]string{{"observed_at"}, {"contact", "observed_at"}, {"kind", "observed_at"}, {"source", "observed_at"}},
	DefaultOrder: "observed_at desc",
	Constraints: map[string]*errs.Error{
		"fact_pkey":         errs.AlreadyExists("FACT_EXISTS", "a fact of this name exists already"),
		"fact_source_key":   errFactTaken,
		"fact_contact_fkey": noContact,
		"contact_erased":    errErased,
	},
})

func factStore(db *postgres.DB, log *eventlog.Log) *record.Store[fact.Fact, *contactv1.Fact] {
	return &record.Store[fact.Fact, *contactv1.Fact]{
		DB: db, Log: log, Table: factTable, Kind: "fact", Collection: facts,
		Meta:     func(f *fact.Fact) *entity.Meta { return &f.Meta },
		Contacts: func(f *fact.Fact) []uuid.UUID { return []uuid.UUID{f.Contact} },
		Proto:    factProto, Fill: fillFact, Event: factEvent,
	}
}

// RecordFact records what a source told of a contact that is known. The id is the one an
// offline client brought, or empty. A fact that the source told before is answered as it
// is.
func (s *Store) RecordFact(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.Fact) (*contactv1.Fact, error) {
	first, err := s.newFact(ctx, id, p)
	if err != nil {
		return nil, err
	}
	if first.Contact == uuid.Nil {
		return nil, errs.Invalid("fact.contact", "", "must be given")
	}
	if err := s.reaches(ctx, tenant, first.Contact); err != nil {
		return nil, err
	}
	recorded, err := record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.Fact, error) {
		row := *first
		return s.addFactIn(u, &row)
	})
	if !errors.Is(err, errFactTaken) {
		return recorded, err
	}
	return s.toldBefore(ctx, tenant, first)
}

// newFact reads a fact that is about to be recorded.
func (s *Store) newFact(ctx context.Context, id string, p *contactv1.Fact) (*fact.Fact, error) {
	r := &fields.Reader{}
	row := &fact.Fact{Meta: entity.Meta{ID: r.ID("fact_id", id)}, Actor: auth.From(ctx).Subject}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := fillFact(row, p); err != nil {
		return nil, err
	}
	return row, row.Record(s.Now())
}

// addFactIn adds a fact of a contact that suits it.
func (s *Store) addFactIn(u *record.Unit, row *fact.Fact) (*contactv1.Fact, error) {
	if row.Kind.Role() != 0 {
		c, err := s.Contacts.GetIn(u, named(contacts, row.Contact))
		if err != nil {
			return nil, err
		}
		if err := row.Suits(c); err != nil {
			return nil, err
		}
	}
	if err := s.Facts.AddIn(u, row); err != nil {
		return nil, err
	}
	return factProto(row), nil
}

// toldBefore answers the fact to which the source gave the same number, or errFactTaken
// where that is another one.
func (s *Store) toldBefore(ctx context.Context, tenant uuid.UUID, row *fact.Fact) (*contactv1.Fact, error) {
	ids, err := s.ids(ctx, tenant, `
		SELECT id FROM fact
		WHERE tenant = $1 AND source = $2 AND source_id = $3 AND source_id <> ''`, tenant, row.Source, row.SourceID)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errFactTaken // by one that was erased since
	}
	there, err := s.Facts.Get(ctx, tenant, named(facts, ids[0]))
	if err != nil {
		return nil, err
	}
	if there.Kind != row.Kind || row.Contact != uuid.Nil && row.Contact != there.Contact {
		return nil, errFactTaken
	}
	return factProto(there), nil
}

// factKind answers the kind of the fact whose content is in the field of the contract.
func factKind(field string) fact.Kind {
	return fact.Kind(contactv1.FactKind_value["FACT_KIND_"+strings.ToUpper(field)])
}

// factField is the other way round.
func factField(kind fact.Kind) string {
	return strings.ToLower(strings.TrimPrefix(contactv1.FactKind(kind).String(), "FACT_KIND_"))
}

func factProto(f *fact.Fact) *contactv1.Fact {
	p := &contactv1.Fact{
		Name:       named(facts, f.ID),
		Contact:    named(contacts, f.Contact),
		Kind:       contactv1.FactKind(f.Kind),
		Source:     f.Source,
		SourceId:   f.SourceID,
		Channel:    eventv1.Channel(f.Channel),
		ObservedAt: timestamppb.New(f.ObservedAt),
		Title:      f.Title,
		Actor:      f.Actor,
		CreateTime: timestamppb.New(f.CreateTime),
		Etag:       f.Etag(),
	}
	for _, a := range f.Attributes {
		p.Attributes = append(p.Attributes, &contactv1.FactAttribute{
			Field: a.Field, Value: a.Value, Outcome: contactv1.AttributeOutcome(a.Outcome),
		})
	}
	putContent(p, factField(f.Kind), f.Content)
	return p
}

// fillFact reads what is about to be recorded.
func fillFact(f *fact.Fact, p *contactv1.Fact) error {
	r := &fields.Reader{In: "fact"}
	if contact := r.Optional("contact", contacts, p.GetContact()); contact != nil {
		f.Contact = *contact
	}
	f.Source, f.SourceID = r.RequiredLine("source", p.GetSource()), r.Line("source_id", p.GetSourceId())
	f.Channel, f.ObservedAt = int32(p.GetChannel()), r.Time("observed_at", p.GetObservedAt())
	m := p.ProtoReflect()
	if fd := m.WhichOneof(m.Descriptor().Oneofs().ByName("content")); fd != nil {
		form(r, string(fd.Name())+".", m.Mutable(fd).Message())
		checkQuantities(r, p)
		f.Title = factTitle(string(fd.Name()), m.Get(fd).Message())
	}
	field, content := contentOf(p, "content")
	if field == "" {
		r.Fail("content", "", "is missing")
	}
	f.Kind, f.Content = factKind(field), content
	if n := p.GetMarketNote(); n != nil {
		if n.GetRegionCode() != "" {
			region(r, "market_note.region_code", n.GetRegionCode())
		}
		f.Note = fact.Note{
			Kind: int16(n.GetKind()), TopicKey: text.SearchKey(n.GetTopic()), ProductKey: text.SearchKey(n.GetProduct()), Sentiment: int16(n.GetSentiment()),
		}
	}
	return r.Err()
}

// checkQuantities refuses quantities with which no supplier can be measured.
func checkQuantities(r *fields.Reader, p *contactv1.Fact) {
	quantity := func(path, value string) money.Decimal {
		d, _ := money.ParseDecimal(value) // form has refused what is no number
		if d.Sign() <= 0 {
			r.Fail(path, "", "must be greater than 0")
		}
		return d
	}
	if o := p.GetSupplierPurchase(); o != nil {
		quantity("supplier_purchase.quantity.value", o.GetQuantity().GetValue())
	}
	if c := p.GetSupplierReceipt(); c != nil {
		all := quantity("supplier_receipt.quantity.value", c.GetQuantity().GetValue())
		if bad, err := money.ParseDecimal(c.GetDefectiveQuantity().GetValue()); err == nil && (bad.Sign() < 0 || bad.Cmp(all) > 0) {
			r.Fail("supplier_receipt.defective_quantity.value", "", "must be from 0 to quantity")
		}
	}
}

// factTitle words a fact on one line: what it is, and the first text that it holds.
func factTitle(field string, content protoreflect.Message) string {
	title := strings.ToUpper(field[:1]) + strings.ReplaceAll(field[1:], "_", " ")
	for i := range content.Descriptor().Fields().Len() {
		fd := content.Descriptor().Fields().Get(i)
		if fd.Kind() == protoreflect.StringKind && !fd.IsList() && content.Get(fd).String() != "" {
			return title + ": " + content.Get(fd).String()
		}
	}
	return title
}

// factEvent is an entry of the timeline; with a channel where the contact turned to us.
func factEvent(f *fact.Fact, _ entity.Event) eventlog.Draft {
	draft := eventlog.Draft{
		Payload:  &contactv1.FactRecorded{Fact: factProto(f)},
		Contacts: []uuid.UUID{f.Contact}, OccurredAt: f.ObservedAt,
	}
	if f.Kind.Meeting() {
		draft.Interaction = &eventv1.Interaction{Channel: channelOf(f.Channel), Direction: eventv1.Direction_DIRECTION_INBOUND, Title: f.Title}
	}
	return draft
}

// channelOf is the channel on which a contact turned to us: OTHER where it is not known.
func channelOf(channel int32) eventv1.Channel {
	if channel == 0 {
		return eventv1.Channel_CHANNEL_OTHER
	}
	return eventv1.Channel(channel)
}

// contentsOf reads the contents of facts of the kinds, of all contacts that are one with
// a contact, at most max of them.
func (s *Store) contentsOf(ctx context.Context, tenant, contact uuid.UUID, kinds []int16, max int, tell func(kind fact.Kind, content []byte) error) error {
	n := 0
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT kind, content
		FROM fact
		WHERE tenant = $1 AND contact = ANY (contact_family($1, $2)) AND kind = ANY ($3)
		LIMIT $4`, tenant, contact, kinds, max+1).
		Query(func(rows pgx.Rows) error {
			var kind fact.Kind
			var content []byte
			_, err := pgx.ForEachRow(rows, []any{&kind, &content}, func() error {
				if n++; n > max {
					return errs.Refused("TOO_MANY_FACTS", fmt.Sprintf("there are more than %d facts", max))
				}
				return tell(kind, content)
			})
			return err
		})
	return postgres.Run(ctx, s.db, b)
}

// factOf answers a fact with nothing but its content.
func factOf(kind fact.Kind, content []byte) *contactv1.Fact {
	p := &contactv1.Fact{}
	putContent(proto.Message(p), factField(kind), content)
	return p
}
