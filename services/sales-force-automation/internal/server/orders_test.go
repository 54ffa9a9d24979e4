package server_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var orderTests = tests{
	"order is confirmed once":           orderIsConfirmedOnce,
	"order confirmed once under a race": orderConfirmedOnceUnderARace,
	"order bad input":                   orderBadInput,
	"order outlives its contact":        orderOutlivesItsContact,
	"order repeated after its price":    orderRepeatedAfterItsPrice,
	"orders through a portal":           ordersThroughAPortal,
}

func (c *clients) order(o *salesv1.Order) (*salesv1.Order, error) {
	return c.CreateOrder(c.Ctx(), &salesv1.CreateOrderRequest{Order: o})
}

// some is a line of so much of a product at a price.
func some(p *salesv1.Product, n string, price *moneypb.Money) *salesv1.LineItem {
	return &salesv1.LineItem{Product: p.GetName(), Quantity: quantity(n), UnitPrice: price}
}

func orderIsConfirmedOnce(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		p := c.product(t, "TEA")
		o := must[*salesv1.Order](t)(c.order(&salesv1.Order{Contact: c.person(t, "Ani")}))
		if o.GetStatus() != salesv1.OrderStatus_ORDER_STATUS_DRAFT || o.GetKind() != salesv1.OrderKind_ORDER_KIND_SALE ||
			o.GetChannel() != eventv1.Channel_CHANNEL_OTHER || o.GetTotal() != nil || slices.Contains(o.GetAllowedActions(), "ConfirmOrder") {
			t.Errorf("created %v", o)
		}
		_, err := c.ConfirmOrder(c.Ctx(), &salesv1.ConfirmOrderRequest{Name: o.GetName()})
		refused(t, "confirmed without lines", err, codes.FailedPrecondition, "ORDER_EMPTY")
		o.Lines = []*salesv1.LineItem{
			some(p, "3", &moneypb.Money{CurrencyCode: "IDR", Units: 1, Nanos: 5_000_000}), // 3.015 becomes 3.02
			some(p, "1", &moneypb.Money{CurrencyCode: "IDR", Nanos: 5_000_000}),           // 0.005 becomes 0
		}
		o = must[*salesv1.Order](t)(c.UpdateOrder(c.Ctx(), &salesv1.UpdateOrderRequest{Order: o, UpdateMask: mask("lines")}))
		if got := o.GetTotal(); got.GetUnits() != 3 || got.GetNanos() != 20_000_000 || !slices.Contains(o.GetAllowedActions(), "ConfirmOrder") {
			t.Errorf("drafted %v", o)
		}
		o = must[*salesv1.Order](t)(c.ConfirmOrder(c.Ctx(), &salesv1.ConfirmOrderRequest{Name: o.GetName(), Etag: o.GetEtag(), RequestId: "confirm-" + c.Transport}))
		if o.GetStatus() != salesv1.OrderStatus_ORDER_STATUS_CONFIRMED || o.GetOrderTime() == nil {
			t.Errorf("confirmed %v", o)
		}
		confirmedStays(t, c, o, p)
	})
}

// confirmedStays checks what may not be done with a confirmed order.
func confirmedStays(t *testing.T, c *clients, o *salesv1.Order, p *salesv1.Product) {
	t.Helper()
	_, err := c.ConfirmOrder(c.Ctx(), &salesv1.ConfirmOrderRequest{Name: o.GetName()})
	refused(t, "confirmed twice", err, codes.FailedPrecondition, "ORDER_NOT_DRAFT")
	_, err = c.DeleteOrder(c.Ctx(), &salesv1.DeleteOrderRequest{Name: o.GetName()})
	refused(t, "a confirmed one deleted", err, codes.FailedPrecondition, "ORDER_CONFIRMED")
	_, err = c.UpdateOrder(c.Ctx(), &salesv1.UpdateOrderRequest{
		Order: &salesv1.Order{Name: o.GetName(), Lines: []*salesv1.LineItem{some(p, "9", rupiah(1))}}, UpdateMask: mask("lines"),
	})
	refused(t, "lines of a confirmed one", err, codes.FailedPrecondition, "ORDER_NOT_DRAFT")
	o.Note = "Ring twice"
	o = must[*salesv1.Order](t)(c.UpdateOrder(c.Ctx(), &salesv1.UpdateOrderRequest{Order: o}))
	other := c.other()
	_, err = other.CancelOrder(other.Ctx(), &salesv1.CancelOrderRequest{Name: o.GetName(), Reason: "x"})
	refused(t, "another tenant's cancellation", err, codes.NotFound, "ORDER_NOT_FOUND")
	o = must[*salesv1.Order](t)(c.CancelOrder(c.Ctx(), &salesv1.CancelOrderRequest{Name: o.GetName(), Reason: "withdrew"}))
	if o.GetStatus() != salesv1.OrderStatus_ORDER_STATUS_CANCELLED || o.GetCancelReason() != "withdrew" || o.GetNote() != "Ring twice" {
		t.Errorf("cancelled %v", o)
	}
	_, err = c.CancelOrder(c.Ctx(), &salesv1.CancelOrderRequest{Name: o.GetName(), Reason: "again"})
	refused(t, "cancelled twice", err, codes.FailedPrecondition, "ORDER_CANCELLED")
	must[*salesv1.Order](t)(c.DeleteOrder(c.Ctx(), &salesv1.DeleteOrderRequest{Name: o.GetName()}))
	must[*salesv1.Order](t)(c.UndeleteOrder(c.Ctx(), &salesv1.UndeleteOrderRequest{Name: o.GetName()}))
}

// Of many that confirm at once one does (A6, as far as the service itself goes).
func orderConfirmedOnceUnderARace(t *testing.T, s *testkit.Suite) {
	c := of(s.Client(t, admin()))
	o := must[*salesv1.Order](t)(c.order(&salesv1.Order{
		Contact: c.person(t, "Ani"), Lines: []*salesv1.LineItem{some(c.product(t, "TEA"), "1", rupiah(1))},
	}))
	var (
		wait      sync.WaitGroup
		confirmed atomic.Int32
	)
	for range 12 {
		wait.Go(func() {
			switch _, err := c.ConfirmOrder(c.Ctx(), &salesv1.ConfirmOrderRequest{Name: o.GetName()}); codeOf(err) {
			case codes.OK:
				confirmed.Add(1)
			case codes.FailedPrecondition, codes.Aborted:
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if confirmed.Load() != 1 {
		t.Errorf("confirmed %d times", confirmed.Load())
	}
}

// Row B24: what was done is answered the same when the request is repeated, also when
// the call could not be made any more, and the id still means that request alone.
func orderRepeatedAfterItsPrice(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"B24"}, func(t *testing.T, c *clients) {
		tea, list := c.product(t, "TEA"), c.list(t, "TODAY", false)
		price := must[*salesv1.Price](t)(c.price(list, tea, rupiah(7), 1, 0))
		create := &salesv1.CreateOrderRequest{RequestId: "once-" + c.Transport, Order: &salesv1.Order{
			Contact: c.person(t, "Ani"), PriceList: list.GetName(), Lines: []*salesv1.LineItem{some(tea, "2", nil)},
		}}
		first := must[*salesv1.Order](t)(c.CreateOrder(c.Ctx(), create))
		must[*salesv1.Price](t)(c.DeletePrice(c.Ctx(), &salesv1.DeletePriceRequest{Name: price.GetName()}))

		again, err := c.CreateOrder(c.Ctx(), create)
		if err != nil || !proto.Equal(again, first) {
			t.Errorf("the repetition answers %v, %v; the first was answered %v", again, err, first)
		}
		other := proto.CloneOf(create)
		other.Order.Lines[0].Quantity = some(tea, "3", nil).GetQuantity()
		_, err = c.CreateOrder(c.Ctx(), other)
		refused(t, "another order under the id", err, codes.InvalidArgument, "IDEMPOTENCY_KEY_REUSED")
		other.RequestId = "another"
		_, err = c.CreateOrder(c.Ctx(), other)
		refused(t, "a new order", err, codes.FailedPrecondition, "PRICE_NOT_FOUND")
	})
}

func orderBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani, p := c.person(t, "Ani"), c.product(t, "TEA")
		for what, x := range map[string]struct {
			o      *salesv1.Order
			code   codes.Code
			reason string
			field  string
		}{
			"negative price (B17)":      {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "1", rupiah(-1))}}, codes.InvalidArgument, "MONEY_INVALID", "order.lines[0].unit_price"},
			"signs differ (B17)":        {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "1", &moneypb.Money{CurrencyCode: "IDR", Units: -1, Nanos: 1})}}, codes.InvalidArgument, "MONEY_INVALID", "order.lines[0].unit_price"},
			"nanos 10^9 (B17)":          {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "1", &moneypb.Money{CurrencyCode: "IDR", Nanos: 1_000_000_000})}}, codes.InvalidArgument, "MONEY_INVALID", "order.lines[0].unit_price"},
			"currency XXX (B18)":        {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "1", &moneypb.Money{CurrencyCode: "XXX", Units: 1})}}, codes.InvalidArgument, "MONEY_INVALID", "order.lines[0].unit_price"},
			"another currency (B18)":    {&salesv1.Order{CurrencyCode: "USD", Lines: []*salesv1.LineItem{some(p, "1", rupiah(1))}}, codes.FailedPrecondition, "CURRENCY_MISMATCH", ""},
			"currency of none (B18)":    {&salesv1.Order{CurrencyCode: "ABC"}, codes.InvalidArgument, "MONEY_INVALID", "order.currency_code"},
			"quantity -1":               {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "-1", rupiah(1))}}, codes.InvalidArgument, "QUANTITY_INVALID", "order.lines[0].quantity"},
			"quantity NaN (B19)":        {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "NaN", rupiah(1))}}, codes.InvalidArgument, "QUANTITY_INVALID", "order.lines[0].quantity"},
			"quantity of ten digits":    {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "0.0000000001", rupiah(1))}}, codes.InvalidArgument, "QUANTITY_INVALID", "order.lines[0].quantity"},
			"overflow of a line (B17)":  {&salesv1.Order{Lines: []*salesv1.LineItem{some(p, "1e17", rupiah(1000))}}, codes.OutOfRange, "MONEY_OUT_OF_RANGE", ""},
			"overflow of the sum (B17)": {&salesv1.Order{Lines: slices.Repeat([]*salesv1.LineItem{some(p, "1", rupiah(999_999_999_999_999_999))}, 10)}, codes.OutOfRange, "MONEY_OUT_OF_RANGE", ""},
			"depth of 9 (B23)":          {&salesv1.Order{CustomFields: nested(9)}, codes.InvalidArgument, "FIELD_INVALID", "order.custom_fields"},
		} {
			x.o.Contact = ani
			_, err := c.order(x.o)
			refused(t, what, err, x.code, x.reason)
			if x.field != "" {
				blames(t, what, err, x.field)
			}
		}
		for what, o := range map[string]*salesv1.Order{
			"channel unknown (B22)":     {Channel: 99},
			"501 lines (B23)":           {Lines: slices.Repeat([]*salesv1.LineItem{some(p, "1", rupiah(1))}, 501)},
			"21 external systems (B23)": {ExternalIds: labels(21)},
			"65 labels (B23)":           {Labels: labels(65)},
		} {
			o.Contact = ani
			if _, err := c.order(o); codeOf(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := c.order(&salesv1.Order{Contact: nobody})
		refused(t, "of nobody", err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// nested is an object of so many levels.
func nested(levels int) *structpb.Struct {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewNumberValue(1)}}
	for range levels - 1 {
		s = &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStructValue(s)}}
	}
	return s
}

// An order of a contact that was deleted can still be cancelled, but no new one
// made.
func orderOutlivesItsContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani, p := c.person(t, "Ani"), c.product(t, "TEA")
		o := must[*salesv1.Order](t)(c.order(&salesv1.Order{Contact: ani, Lines: []*salesv1.LineItem{some(p, "1", rupiah(1))}}))
		must[*contactv1.Contact](t)(c.contacts.DeleteContact(c.Ctx(), &contactv1.DeleteContactRequest{Name: ani}))
		testkit.Eventually(t, func() error {
			_, err := c.order(&salesv1.Order{Contact: ani})
			return wants(err, codes.FailedPrecondition, "CONTACT_DELETED")
		})
		must[*salesv1.Order](t)(c.CancelOrder(c.Ctx(), &salesv1.CancelOrderRequest{Name: o.GetName(), Reason: "customer left"}))
		must[*contactv1.Contact](t)(c.contacts.UndeleteContact(c.Ctx(), &contactv1.UndeleteContactRequest{Name: ani}))
		testkit.Eventually(t, func() error {
			_, err := c.order(&salesv1.Order{Contact: ani})
			return err
		})
	})
}
