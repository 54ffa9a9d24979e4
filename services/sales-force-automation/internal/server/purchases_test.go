package server_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var purchaseTests = tests{
	"record purchase records":       recordPurchaseRecords,
	"batch record purchases partly": batchRecordPurchasesPartly,
	"batch record purchases limits": batchRecordPurchasesLimits,
}

var lastYear = timestamppb.New(time.Date(2025, 6, 1, 8, 0, 0, 0, time.UTC))

// bought is a sale of an amount under an id of the till.
func bought(contact, id string, amount *moneypb.Money) *salesv1.Purchase {
	return &salesv1.Purchase{
		Contact: contact, ExternalIds: map[string]string{"till": id}, PurchaseTime: lastYear, Amount: amount,
		Channel: eventv1.Channel_CHANNEL_POS, Source: "import",
	}
}

func recordPurchaseRecords(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani, tea := c.person(t, "Ani"), c.product(t, "TEA")
		record := func(p *salesv1.Purchase) (*salesv1.Order, error) {
			return c.RecordPurchase(c.Ctx(), &salesv1.RecordPurchaseRequest{Purchase: p})
		}
		sale := bought(ani, "one-"+c.Transport, nil)
		sale.Lines = []*salesv1.LineItem{
			{ProductCode: tea.GetCode(), Quantity: quantity("2"), UnitPrice: rupiah(5000)},
			{ProductCode: "85123A", Quantity: quantity("1"), UnitPrice: rupiah(100)},
		}
		o := must[*salesv1.Order](t)(record(sale))
		if o.GetStatus() != salesv1.OrderStatus_ORDER_STATUS_CONFIRMED || o.GetKind() != salesv1.OrderKind_ORDER_KIND_RECORDED ||
			o.GetTotal().GetUnits() != 10100 || !proto.Equal(o.GetOrderTime(), lastYear) || o.GetOwner() != "" {
			t.Errorf("recorded %v", o)
		}
		known, unknown := o.GetLines()[0], o.GetLines()[1]
		if known.GetProduct() != tea.GetName() || known.GetCategory() != "Drinks" || unknown.GetProduct() != "" || unknown.GetProductCode() != "85123A" {
			t.Errorf("lines %v", o.GetLines())
		}
		_, err := record(bought(ani, "one-"+c.Transport, rupiah(1)))
		refused(t, "recorded twice", err, codes.AlreadyExists, "EXTERNAL_ID_TAKEN")

		sale = bought(ani, "discounted-"+c.Transport, rupiah(9000))
		sale.Lines = []*salesv1.LineItem{{ProductCode: tea.GetCode(), Quantity: quantity("2"), UnitPrice: rupiah(5000)}}
		if o := must[*salesv1.Order](t)(record(sale)); o.GetTotal().GetUnits() != 9000 {
			t.Errorf("recorded %v", o.GetTotal())
		}
		got := must[*salesv1.Order](t)(c.GetOrder(c.Ctx(), &salesv1.GetOrderRequest{Name: o.GetName()}))
		if !proto.Equal(got, o) {
			t.Errorf("read %v, want %v", got, o)
		}
		got.Note = "From the old till"
		must[*salesv1.Order](t)(c.UpdateOrder(c.Ctx(), &salesv1.UpdateOrderRequest{Order: got}))

		future := bought(ani, "future-"+c.Transport, rupiah(1))
		future.PurchaseTime = timestamppb.New(s.Clock.Now().Add(time.Hour))
		_, err = record(future)
		refused(t, "in the future", err, codes.InvalidArgument, "FIELD_INVALID")
		_, err = record(bought(ani, "nothing-"+c.Transport, nil))
		refused(t, "of nothing", err, codes.InvalidArgument, "FIELD_INVALID")
		_, err = record(bought(nobody, "nobody-"+c.Transport, rupiah(1)))
		refused(t, "of nobody", err, codes.NotFound, "CONTACT_NOT_FOUND")
		mixed := bought(ani, "mixed-"+c.Transport, &moneypb.Money{CurrencyCode: "USD", Units: 1})
		mixed.Lines = sale.Lines
		_, err = record(mixed)
		refused(t, "two currencies (B18)", err, codes.FailedPrecondition, "CURRENCY_MISMATCH")
		other := c.other()
		must[*salesv1.Order](t)(other.RecordPurchase(other.Ctx(), &salesv1.RecordPurchaseRequest{
			Purchase: bought(other.person(t, "Budi"), "one-"+c.Transport, rupiah(1)), // the same id is theirs too
		}))
	})
}

func batchRecordPurchasesPartly(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani, budi := c.person(t, "Ani"), c.person(t, "Budi")
		before := must[*salesv1.Order](t)(c.RecordPurchase(c.Ctx(), &salesv1.RecordPurchaseRequest{
			Purchase: bought(ani, "known-"+c.Transport, rupiah(1)),
		}))
		id := func(n int) string { return fmt.Sprintf("%s-%d", c.Transport, n) }
		negative := bought(ani, id(4), rupiah(-1))
		unknownProduct := bought(ani, id(6), nil)
		unknownProduct.Lines = []*salesv1.LineItem{{Product: "products/01900000-0000-7000-8000-000000000001", Quantity: quantity("1"), UnitPrice: rupiah(1)}}
		req := &salesv1.BatchRecordPurchasesRequest{RequestId: "batch-" + c.Transport, Purchases: []*salesv1.Purchase{
			bought(ani, id(0), rupiah(10)), bought(budi, id(1), rupiah(20)), bought(ani, "known-"+c.Transport, rupiah(1)),
			bought(nobody, id(3), rupiah(1)), negative, bought(ani, id(0), rupiah(1)), unknownProduct,
		}}
		r := must[*salesv1.BatchRecordPurchasesResponse](t)(c.BatchRecordPurchases(c.Ctx(), req))
		if r.GetRecordedCount() != 2 || r.GetExistingCount() != 1 || r.GetFailedCount() != 4 {
			t.Errorf("recorded %d, existing %d, failed %d", r.GetRecordedCount(), r.GetExistingCount(), r.GetFailedCount())
		}
		for i, want := range []string{"", "", "", "CONTACT_NOT_FOUND", "MONEY_INVALID", "EXTERNAL_ID_REPEATED", "PRODUCT_NOT_FOUND"} {
			if got := reasonOf(r.GetResults()[i].GetError()); got != want {
				t.Errorf("%d: %q, want %q", i, got, want)
			}
		}
		if known := r.GetResults()[2]; known.GetOrder() != before.GetName() || !known.GetExisting() {
			t.Errorf("known is %v", known)
		}
		o := must[*salesv1.Order](t)(c.GetOrder(c.Ctx(), &salesv1.GetOrderRequest{Name: r.GetResults()[1].GetOrder()}))
		if o.GetContact() != budi || o.GetTotal().GetUnits() != 20 {
			t.Errorf("recorded %v", o)
		}
		again := must[*salesv1.BatchRecordPurchasesResponse](t)(c.BatchRecordPurchases(c.Ctx(), req))
		if !proto.Equal(r, again) {
			t.Errorf("the same request answered %v, then %v", r, again)
		}
		req.RequestId = ""
		again = must[*salesv1.BatchRecordPurchasesResponse](t)(c.BatchRecordPurchases(c.Ctx(), req))
		if again.GetRecordedCount() != 0 || again.GetExistingCount() != 3 {
			t.Errorf("repeated as a new request: %v", again)
		}
	})
}

func batchRecordPurchasesLimits(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani := c.person(t, "Ani")
		batch := func(n int) (*salesv1.BatchRecordPurchasesResponse, error) {
			req := &salesv1.BatchRecordPurchasesRequest{}
			for i := range n {
				req.Purchases = append(req.Purchases, bought(ani, fmt.Sprintf("%s-%d-%d", c.Transport, n, i), rupiah(int64(i))))
			}
			return c.BatchRecordPurchases(c.Ctx(), req)
		}
		for _, n := range []int{0, 1001} {
			if _, err := batch(n); codeOf(err) != codes.InvalidArgument {
				t.Errorf("%d purchases: %v", n, err)
			}
		}
		if r := must[*salesv1.BatchRecordPurchasesResponse](t)(batch(1000)); r.GetRecordedCount() != 1000 {
			t.Errorf("recorded %d of 1000", r.GetRecordedCount())
		}
	})
}

// reasonOf answers the reason of a status in a message; empty of none.
func reasonOf(s *rpcstatus.Status) string {
	for _, d := range status.FromProto(s).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}
