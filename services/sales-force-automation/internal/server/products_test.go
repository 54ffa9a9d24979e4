package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var productTests = tests{
	"product standard methods":           productStandardMethods,
	"product is repeated once":           productIsRepeatedOnce,
	"product bad input":                  productBadInput,
	"product is read by all departments": productIsReadByAllDepartments,
	"product pages":                      productPages,
}

func productStandardMethods(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		p := c.product(t, "TEA")
		if !p.GetActive() || p.GetUnit() != "bottle" || p.GetEtag() == "" || p.GetCreateTime() == nil {
			t.Errorf("created %v", p)
		}
		refusedTwice(t, c, p)

		stale := p.GetEtag()
		p.DisplayName, p.Active = "Teh botol", proto.Bool(false)
		p = must[*salesv1.Product](t)(c.UpdateProduct(c.Ctx(), &salesv1.UpdateProductRequest{
			Product: p, UpdateMask: mask("display_name", "active"),
		}))
		if p.GetDisplayName() != "Teh botol" || p.GetActive() || p.GetCategory() != "Drinks" {
			t.Errorf("updated %v", p)
		}
		_, err := c.UpdateProduct(c.Ctx(), &salesv1.UpdateProductRequest{Product: &salesv1.Product{
			Name: p.GetName(), Etag: stale, DisplayName: "x",
		}, UpdateMask: mask("display_name")})
		refused(t, "stale etag (B25)", err, codes.Aborted, "ETAG_MISMATCH")

		gone := must[*salesv1.Product](t)(c.DeleteProduct(c.Ctx(), &salesv1.DeleteProductRequest{Name: p.GetName()}))
		if gone.GetDeleteTime() == nil {
			t.Error("deleted without a time")
		}
		_, err = c.DeleteProduct(c.Ctx(), &salesv1.DeleteProductRequest{Name: p.GetName()})
		refused(t, "deleted twice", err, codes.FailedPrecondition, "DELETED")
		_, err = c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{Code: p.GetCode(), DisplayName: "x"}})
		refused(t, "code of a deleted one", err, codes.AlreadyExists, "PRODUCT_CODE_TAKEN")
		back := must[*salesv1.Product](t)(c.UndeleteProduct(c.Ctx(), &salesv1.UndeleteProductRequest{Name: p.GetName()}))
		if back.GetDeleteTime() != nil {
			t.Error("restored, but deleted")
		}
		productOfAnother(t, c, p)
	})
}

// refusedTwice checks that a code and an external id are taken once.
func refusedTwice(t *testing.T, c *clients, p *salesv1.Product) {
	t.Helper()
	_, err := c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{Code: p.GetCode(), DisplayName: "x"}})
	refused(t, "same code", err, codes.AlreadyExists, "PRODUCT_CODE_TAKEN")
	ids := map[string]string{"sap": "4711-" + c.Transport}
	must[*salesv1.Product](t)(c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{
		Code: p.GetCode() + "-1", DisplayName: "x", ExternalIds: ids,
	}}))
	_, err = c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{
		Code: p.GetCode() + "-2", DisplayName: "x", ExternalIds: ids,
	}})
	refused(t, "same external id", err, codes.AlreadyExists, "EXTERNAL_ID_TAKEN")
}

// productOfAnother checks that another tenant sees nothing of a product, and may
// use its code.
func productOfAnother(t *testing.T, c *clients, p *salesv1.Product) {
	t.Helper()
	o := c.other()
	_, err := o.GetProduct(o.Ctx(), &salesv1.GetProductRequest{Name: p.GetName()})
	refused(t, "another tenant's read", err, codes.NotFound, "PRODUCT_NOT_FOUND")
	_, err = o.UpdateProduct(o.Ctx(), &salesv1.UpdateProductRequest{Product: p})
	refused(t, "another tenant's update", err, codes.NotFound, "PRODUCT_NOT_FOUND")
	_, err = o.DeleteProduct(o.Ctx(), &salesv1.DeleteProductRequest{Name: p.GetName()})
	refused(t, "another tenant's delete", err, codes.NotFound, "PRODUCT_NOT_FOUND")
	list := must[*salesv1.ListProductsResponse](t)(o.ListProducts(o.Ctx(), &salesv1.ListProductsRequest{
		Filter: `code = "` + p.GetCode() + `"`, ShowDeleted: true,
	}))
	if len(list.GetProducts()) != 0 {
		t.Errorf("another tenant lists %v", list.GetProducts())
	}
	if twin := o.product(t, "TEA"); twin.GetCode() != p.GetCode() {
		t.Errorf("another tenant's code is %s", twin.GetCode())
	}
}

func productIsRepeatedOnce(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		req := &salesv1.CreateProductRequest{
			Product:   &salesv1.Product{Code: "ONCE-" + c.Transport, DisplayName: "Once"},
			RequestId: "one-and-only-" + c.Transport,
		}
		checked := proto.CloneOf(req)
		checked.ValidateOnly, checked.RequestId = true, ""
		must[*salesv1.Product](t)(c.CreateProduct(c.Ctx(), checked))
		first := must[*salesv1.Product](t)(c.CreateProduct(c.Ctx(), req))
		again := must[*salesv1.Product](t)(c.CreateProduct(c.Ctx(), req))
		if !proto.Equal(first, again) {
			t.Errorf("answered %v, then %v", first, again)
		}
		req.Product.DisplayName = "Twice"
		_, err := c.CreateProduct(c.Ctx(), req)
		refused(t, "another body (B24)", err, codes.InvalidArgument, "IDEMPOTENCY_KEY_REUSED")
	})
}

func productBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		p := c.product(t, "BAD")
		for what, m := range map[string]*salesv1.Product{
			"no code":        {DisplayName: "x"},
			"no name":        {Code: "x"},
			"code of spaces": {Code: "  ", DisplayName: "x"},
			"code too long":  {Code: string(make([]byte, 65)), DisplayName: "x"},
		} {
			_, err := c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: m})
			if code := codeOf(err); code != codes.InvalidArgument {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := c.UpdateProduct(c.Ctx(), &salesv1.UpdateProductRequest{Product: p, UpdateMask: mask("colour")})
		if codeOf(err) != codes.InvalidArgument {
			t.Errorf("unknown path in the mask (B15): %v", err)
		}
		p.CreateTime = timestamppb.New(p.GetCreateTime().AsTime().AddDate(-1, 0, 0))
		same := must[*salesv1.Product](t)(c.UpdateProduct(c.Ctx(), &salesv1.UpdateProductRequest{Product: p, UpdateMask: mask("create_time")}))
		if same.GetEtag() != p.GetEtag() {
			t.Error("an output-only field was written (B15)")
		}
		for _, name := range []string{"products/x", "leads/" + p.GetName()[9:], "products/00000000-0000-0000-0000-00000000000G"} {
			_, err := c.UpdateProduct(c.Ctx(), &salesv1.UpdateProductRequest{Product: &salesv1.Product{Name: name, DisplayName: "x"}, UpdateMask: mask("display_name")})
			if codeOf(err) != codes.InvalidArgument && codeOf(err) != codes.NotFound && codeOf(err) != codes.Unimplemented {
				t.Errorf("name %q (B16): %v", name, err)
			}
		}
		for _, req := range []*salesv1.ListProductsRequest{
			{PageSize: -1}, {PageToken: "forged"}, {Filter: "colour = 1"}, {Filter: "' OR 1=1"}, {OrderBy: "code; drop"}, {OrderBy: "description"},
		} {
			if _, err := c.ListProducts(c.Ctx(), req); codeOf(err) != codes.InvalidArgument {
				t.Errorf("%v (B09 to B12): %v", req, err)
			}
		}
	})
}

// Every department reads the catalogue, the prices and what customers do; only
// managers and admins write the catalogue.
func productIsReadByAllDepartments(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"SFA-12"}, func(t *testing.T, c *clients) {
		list := c.list(t, "ALL", false)
		p := c.priced(t, list, "ALL", 5000)
		contact := c.person(t, "Ani")
		c.lead(t, contact)
		must[*salesv1.Opportunity](t)(c.deal(&salesv1.Opportunity{Contact: contact, Team: "teams/everybody"}))
		must[*salesv1.Order](t)(c.order(&salesv1.Order{Contact: contact, Team: "teams/everybody"}))
		for _, role := range []auth.Role{auth.Manager, auth.Sales, auth.Agent, auth.Marketer, auth.Analyst} {
			d := c.role(role)
			d.Caller.Teams = []string{"teams/everybody"}
			d = c.as(d.Caller)
			price := must[*salesv1.Price](t)(d.LookupPrice(d.Ctx(), &salesv1.LookupPriceRequest{Product: p.GetName(), PriceList: list.GetName()}))
			product := must[*salesv1.Product](t)(d.GetProduct(d.Ctx(), &salesv1.GetProductRequest{Name: p.GetName()}))
			if price.GetUnitPrice().GetUnits() != 5000 || !proto.Equal(product, p) {
				t.Errorf("%s reads %v at %v", role, product, price)
			}
			filter := `contact = "` + contact + `"`
			leads := must[*salesv1.ListLeadsResponse](t)(d.ListLeads(d.Ctx(), &salesv1.ListLeadsRequest{Filter: filter}))
			deals := must[*salesv1.ListOpportunitiesResponse](t)(d.ListOpportunities(d.Ctx(), &salesv1.ListOpportunitiesRequest{Filter: filter}))
			orders := must[*salesv1.ListOrdersResponse](t)(d.ListOrders(d.Ctx(), &salesv1.ListOrdersRequest{Filter: filter}))
			if len(leads.GetLeads())+len(deals.GetOpportunities())+len(orders.GetOrders()) != 3 {
				t.Errorf("%s reads %v, %v, %v", role, leads, deals, orders)
			}
			_, err := d.CreateProduct(d.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{Code: string(role), DisplayName: "x"}})
			if role == auth.Manager {
				must[any](t)(nil, err)
				continue
			}
			refused(t, string(role)+" writes", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		}
	})
}

// A list pages through everything once, in order.
func productPages(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		for _, code := range []string{"A", "B", "C", "D", "E"} {
			c.product(t, "PAGE-"+code)
		}
		req := &salesv1.ListProductsRequest{PageSize: 2, OrderBy: "category, code", Filter: `labels.none = "x" OR category = "Drinks"`}
		var codes []string
		for {
			page := must[*salesv1.ListProductsResponse](t)(c.ListProducts(c.Ctx(), req))
			for _, p := range page.GetProducts() {
				codes = append(codes, p.GetCode())
			}
			if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
				break
			}
		}
		count := map[string]int{}
		for i, code := range codes {
			count[code]++
			if i > 0 && codes[i-1] >= code {
				t.Errorf("%s after %s", code, codes[i-1])
			}
		}
		for _, code := range []string{"A", "B", "C", "D", "E"} {
			if n := count["PAGE-"+code+"-"+c.Transport]; n != 1 {
				t.Errorf("%s came %d times", code, n)
			}
		}
	})
}
