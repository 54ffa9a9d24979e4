package server_test

import (
	"testing"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var priceTests = tests{
	"price holds for a time": priceHoldsForATime,
	"price list standard":    priceListStandard,
	"price bad input":        priceBadInput,
}

// list creates a price list in rupiah.
func (c *clients) list(t testing.TB, code string, standard bool) *salesv1.PriceList {
	t.Helper()
	return must[*salesv1.PriceList](t)(c.CreatePriceList(c.Ctx(), &salesv1.CreatePriceListRequest{PriceList: &salesv1.PriceList{
		Code: code + "-" + c.Transport, DisplayName: code, CurrencyCode: "IDR", Standard: standard,
	}}))
}

// price adds a price that holds from a day of January 2026 until before another.
func (c *clients) price(list *salesv1.PriceList, p *salesv1.Product, m *moneypb.Money, from, until int) (*salesv1.Price, error) {
	day := func(n int) *timestamppb.Timestamp {
		if n == 0 {
			return nil
		}
		return timestamppb.New(time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC))
	}
	return c.CreatePrice(c.Ctx(), &salesv1.CreatePriceRequest{Price: &salesv1.Price{
		PriceList: list.GetName(), Product: p.GetName(), UnitPrice: m, StartTime: day(from), EndTime: day(until),
	}})
}

func priceHoldsForATime(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		p, list := c.product(t, "TEA"), c.list(t, "RETAIL", false)
		old := must[*salesv1.Price](t)(c.price(list, p, rupiah(5000), 1, 10))
		fine := &moneypb.Money{CurrencyCode: "IDR", Units: 5500, Nanos: 1} // finer than a sen, as unit prices may be
		now := must[*salesv1.Price](t)(c.price(list, p, fine, 10, 0))
		if !proto.Equal(now.GetUnitPrice(), fine) {
			t.Errorf("priced at %v", now.GetUnitPrice())
		}
		_, err := c.price(list, p, rupiah(1), 9, 11)
		refused(t, "a price within others", err, codes.FailedPrecondition, "PRICE_OVERLAPS")

		at := func(day, hour int) *timestamppb.Timestamp {
			return timestamppb.New(time.Date(2026, 1, day, hour, 0, 0, 0, time.UTC))
		}
		for _, x := range []struct {
			at   *timestamppb.Timestamp
			want *salesv1.Price
		}{{at(1, 0), old}, {at(9, 23), old}, {at(10, 0), now}, {nil, now}} {
			got, err := c.LookupPrice(c.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName(), PriceList: list.GetName(), Time: x.at})
			if err != nil || got.GetName() != x.want.GetName() {
				t.Errorf("at %v: %v, %v", x.at.AsTime(), got, err)
			}
		}
		_, err = c.LookupPrice(c.Ctx(), &salesv1.LookupPriceRequest{
			Product: p.GetName(), PriceList: list.GetName(), Time: timestamppb.New(time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)),
		})
		refused(t, "before the first price", err, codes.FailedPrecondition, "PRICE_NOT_FOUND")

		must[*salesv1.Price](t)(c.DeletePrice(c.Ctx(), &salesv1.DeletePriceRequest{Name: now.GetName()}))
		_, err = c.LookupPrice(c.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName(), PriceList: list.GetName()})
		refused(t, "a deleted price", err, codes.FailedPrecondition, "PRICE_NOT_FOUND")
		pricesOfAnother(t, c, list, old, p)
	})
}

func pricesOfAnother(t *testing.T, c *clients, list *salesv1.PriceList, price *salesv1.Price, p *salesv1.Product) {
	t.Helper()
	o := c.other()
	_, err := o.GetPrice(o.Ctx(), &salesv1.GetPriceRequest{Name: price.GetName()})
	refused(t, "another tenant's read of a price", err, codes.NotFound, "PRICE_NOT_FOUND")
	_, err = o.GetPriceList(o.Ctx(), &salesv1.GetPriceListRequest{Name: list.GetName()})
	refused(t, "another tenant's read of a list", err, codes.NotFound, "PRICE_LIST_NOT_FOUND")
	_, err = o.LookupPrice(o.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName(), PriceList: list.GetName()})
	refused(t, "another tenant's look-up", err, codes.NotFound, "PRICE_LIST_NOT_FOUND")
	prices := must[*salesv1.ListPricesResponse](t)(o.ListPrices(o.Ctx(), &salesv1.ListPricesRequest{ShowDeleted: true}))
	lists := must[*salesv1.ListPriceListsResponse](t)(o.ListPriceLists(o.Ctx(), &salesv1.ListPriceListsRequest{ShowDeleted: true}))
	if len(prices.GetPrices()) != 0 || len(lists.GetPriceLists()) != 0 {
		t.Errorf("another tenant lists %v and %v", prices, lists)
	}
	_, err = o.CreatePrice(o.Ctx(), &salesv1.CreatePriceRequest{Price: &salesv1.Price{
		PriceList: o.list(t, "THEIRS", false).GetName(), Product: p.GetName(), UnitPrice: rupiah(1),
	}})
	refused(t, "another tenant's price of our product", err, codes.NotFound, "PRODUCT_NOT_FOUND")
}

func priceListStandard(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		p := c.product(t, "TEA")
		_, err := c.LookupPrice(c.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName(), CurrencyCode: "IDR"})
		refused(t, "without a standard list", err, codes.FailedPrecondition, "PRICE_NOT_FOUND")
		_, err = c.LookupPrice(c.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName()})
		refused(t, "without a currency", err, codes.InvalidArgument, "FIELD_INVALID")
		list := c.list(t, "STANDARD", true)
		must[*salesv1.Price](t)(c.price(list, p, rupiah(7), 1, 0))
		if got, err := c.LookupPrice(c.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName(), CurrencyCode: "IDR"}); err != nil || got.GetUnitPrice().GetUnits() != 7 {
			t.Errorf("in the standard list: %v, %v", got, err)
		}
		second := &salesv1.PriceList{Code: "SECOND", DisplayName: "Second", CurrencyCode: "IDR", Standard: true}
		_, err = c.CreatePriceList(c.Ctx(), &salesv1.CreatePriceListRequest{PriceList: second})
		refused(t, "a second standard list", err, codes.AlreadyExists, "PRICE_LIST_STANDARD_TAKEN")
		second.CurrencyCode = "USD"
		must[*salesv1.PriceList](t)(c.CreatePriceList(c.Ctx(), &salesv1.CreatePriceListRequest{PriceList: second}))
	})
}

func priceBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		p, list := c.product(t, "TEA"), c.list(t, "BAD", false)
		_, err := c.price(list, p, &moneypb.Money{CurrencyCode: "USD", Units: 1}, 1, 0)
		refused(t, "another currency than the list's (B18)", err, codes.FailedPrecondition, "CURRENCY_MISMATCH")
		_, err = c.price(list, p, rupiah(-1), 1, 0)
		refused(t, "negative (B17)", err, codes.InvalidArgument, "MONEY_INVALID")
		blames(t, "negative (B17)", err, "price.unit_price")
		_, err = c.price(list, p, &moneypb.Money{CurrencyCode: "IDR", Units: 1, Nanos: -1}, 1, 0)
		refused(t, "signs differ (B17)", err, codes.InvalidArgument, "MONEY_INVALID")
		_, err = c.price(list, p, rupiah(1), 5, 5)
		refused(t, "for no time", err, codes.InvalidArgument, "FIELD_INVALID")
		unknown := &salesv1.Product{Name: "products/" + list.GetName()[len("priceLists/"):]}
		_, err = c.price(list, unknown, rupiah(1), 1, 0)
		refused(t, "of no product", err, codes.NotFound, "PRODUCT_NOT_FOUND")
		_, err = c.price(&salesv1.PriceList{Name: "priceLists/" + p.GetName()[len("products/"):]}, p, rupiah(1), 1, 0)
		refused(t, "in no list", err, codes.NotFound, "PRICE_LIST_NOT_FOUND")
		for _, code := range []string{"", "XXX", "idr", "EURO"} {
			_, err := c.CreatePriceList(c.Ctx(), &salesv1.CreatePriceListRequest{PriceList: &salesv1.PriceList{
				Code: "X" + code, DisplayName: "x", CurrencyCode: code,
			}})
			if codeOf(err) != codes.InvalidArgument {
				t.Errorf("a list in %q: %v", code, err)
			}
		}
		made := must[*salesv1.Price](t)(c.price(list, p, rupiah(1), 1, 0))
		made.Product = unknown.GetName()
		_, err = c.UpdatePrice(c.Ctx(), &salesv1.UpdatePriceRequest{Price: made, UpdateMask: mask("product")})
		refused(t, "the product changes", err, codes.InvalidArgument, "FIELD_IMMUTABLE")
	})
}
