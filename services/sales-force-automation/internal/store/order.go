package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/order"
)

func newOrders(db *postgres.DB, log *eventlog.Log) *record.Store[order.Order, *salesv1.Order] {
	meta := func(o *order.Order) *entity.Meta { return &o.Meta }
	contact := func(o *order.Order) uuid.UUID { return o.Contact }
	return &record.Store[order.Order, *salesv1.Order]{
		DB: db, Log: log, Kind: "order", Collection: orders,
		Table: postgres.NewTable[order.Order](postgres.Def{
			Name: "sales_order", Kind: "order",
			Fields: append(sharedFields(),
				postgres.Field{Path: "contact", Type: postgres.UUID, Family: survivor.Function},
				postgres.Field{Path: "opportunity", Type: postgres.UUID},
				postgres.Field{Path: "status", Type: postgres.Enum, Values: salesv1.OrderStatus_value},
				postgres.Field{Path: "kind", Type: postgres.Enum, Values: salesv1.OrderKind_value},
				postgres.Field{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
				postgres.Field{Path: "order_time", Type: postgres.Time},
			),
			Orders: [][]string{
				{"create_time"}, {"update_time"}, {"contact", "create_time"}, {"status", "create_time"}, {"owner", "create_time"},
			},
			DefaultOrder: "create_time desc",
			Constraints: contactConstraints(map[string]*errs.Error{
				"sales_order_one_per_opportunity": errs.Refused("OPPORTUNITY_CLOSED", "the opportunity has its order already"),
			}),
		}),
		Meta:     meta,
		Contacts: func(o *order.Order) []uuid.UUID { return []uuid.UUID{o.Contact} },
		Proto:    orderMessage,
		Fill:     fillOrder,
		Event:    orderEvent,
		Extra:    ofContact(contact, externalIDs("order", meta)),
		Self:     selfOrder(func() time.Time { return log.Now() }),
	}
}

// selfOrder reaches what a portal caller has ordered: a draft is no order yet.
func selfOrder(now func() time.Time) *record.Self[order.Order] {
	of := record.OfContact("contact", func(o *order.Order) (uuid.UUID, bool) { return o.Contact, o.Deleted() })
	return &record.Self[order.Order]{
		Sees: func(ctx context.Context, o *order.Order) bool {
			return of.Sees(ctx, o) && o.OrderTime != nil && !o.OrderTime.After(now())
		},
		Where: func(ctx context.Context) []postgres.Cond {
			return append(of.Where(ctx), postgres.Until("order_time", now()))
		},
	}
}

func orderMessage(o *order.Order) *salesv1.Order {
	return &salesv1.Order{
		Name:           orders + "/" + o.ID.String(),
		Contact:        ContactName(o.Contact),
		Status:         salesv1.OrderStatus(o.Status),
		Kind:           salesv1.OrderKind(o.Kind),
		Opportunity:    fields.Name(opportunities, o.Opportunity),
		Channel:        eventv1.Channel(o.Channel),
		Lines:          lineMessages(o.Currency, o.Lines),
		PriceList:      fields.Name(priceLists, o.PriceList),
		CurrencyCode:   o.Currency,
		Total:          worth(o.Currency, o.Total).Proto(),
		OrderTime:      fields.Timestamp(o.OrderTime),
		CancelTime:     fields.Timestamp(o.CancelTime),
		CancelReason:   o.CancelReason,
		Note:           o.Note,
		Owner:          o.Owner,
		Team:           o.Team,
		Source:         o.Source,
		ExternalIds:    o.ExternalIDs,
		Labels:         o.Labels,
		CustomFields:   fields.Struct(o.CustomFields),
		CreateTime:     timestamppb.New(o.CreateTime),
		UpdateTime:     timestamppb.New(o.UpdateTime),
		DeleteTime:     fields.Timestamp(o.DeleteTime),
		Etag:           o.Etag(),
		AllowedActions: o.Actions(),
	}
}

func fillOrder(o *order.Order, m *salesv1.Order) error {
	r := in("order")
	r.shared(&o.Meta, m)
	o.Contact = fields.Fixed(&r.Reader, "contact", o.Contact, r.Ref("contact", contacts, m.GetContact()))
	o.Note = r.Words(m.GetNote())
	r.currency("currency_code", m.GetCurrencyCode())
	items, currency, err := r.lines(m.GetCurrencyCode(), m.GetLines())
	terms := order.Terms{
		Channel:   int32(m.GetChannel()),
		Currency:  currency,
		Lines:     items,
		PriceList: r.Optional("price_list", priceLists, m.GetPriceList()),
	}
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return err
	}
	if o.Status == 0 {
		o.Status, o.Kind = order.Draft, order.Sale
	}
	return o.Agree(terms)
}

// Purchase answers the order that records a sale, with what happened. The lines
// must have their prices.
func Purchase(m *salesv1.Purchase, now time.Time) (*order.Order, []entity.Event, error) {
	r := in("purchase")
	o := &order.Order{}
	r.shared(&o.Meta, m)
	o.Contact = r.Ref("contact", contacts, m.GetContact())
	at := r.Time("purchase_time", m.GetPurchaseTime())
	amount := r.Amount("amount", m.GetAmount())
	items, currency, err := r.lines(amount.Currency, m.GetLines())
	if m.GetAmount() == nil && len(items) == 0 {
		r.Fail("amount", "", "a sale needs an amount, or lines")
	}
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		return nil, nil, err
	}
	var paid *money.Decimal
	if m.GetAmount() != nil {
		sum := amount.Decimal()
		paid = &sum
	}
	terms := order.Terms{Channel: int32(m.GetChannel()), Currency: currency, Lines: items}
	events, err := o.Record(terms, paid, at, now)
	return o, events, err
}
