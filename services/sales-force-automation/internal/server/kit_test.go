package server_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/type/decimal"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start runs the sales service, the contact service that it asks, and the gateway.
func start(t testing.TB) *testkit.Suite {
	t.Helper()
	return testkit.Start(t, contact.Definition, sales.Definition, gateway.With(gateway.Config{}))
}

// clients are the services of the area, as one caller over one transport.
type clients struct {
	*testkit.Client
	salesv1.ProductServiceClient
	salesv1.PriceListServiceClient
	salesv1.PipelineServiceClient
	salesv1.LeadServiceClient
	salesv1.OpportunityServiceClient
	salesv1.OrderServiceClient
	contacts contactv1.ContactServiceClient
}

func of(c *testkit.Client) *clients {
	return &clients{
		Client:                   c,
		ProductServiceClient:     salesv1.NewProductServiceClient(c.Conn),
		PriceListServiceClient:   salesv1.NewPriceListServiceClient(c.Conn),
		PipelineServiceClient:    salesv1.NewPipelineServiceClient(c.Conn),
		LeadServiceClient:        salesv1.NewLeadServiceClient(c.Conn),
		OpportunityServiceClient: salesv1.NewOpportunityServiceClient(c.Conn),
		OrderServiceClient:       salesv1.NewOrderServiceClient(c.Conn),
		contacts:                 contactv1.NewContactServiceClient(c.Conn),
	}
}

// as answers the clients of another caller over the same transport.
func (c *clients) as(caller auth.Caller) *clients { return of(c.As(caller)) }

// role answers the clients of another user of the same tenant.
func (c *clients) role(role auth.Role) *clients {
	return c.as(auth.Caller{Tenant: c.Caller.Tenant, Subject: "users/" + string(role), Roles: []auth.Role{role}})
}

// other answers the clients of an admin of another tenant, which nobody has used
// yet.
func (c *clients) other() *clients { return c.as(admin()) }

// admin answers an admin of a tenant of its own.
func admin() auth.Caller {
	return auth.Caller{Tenant: uuid.Must(uuid.NewV7()), Subject: "users/admin", Roles: []auth.Role{auth.Admin}}
}

// tests are those of one sort, by name. Each has tenants of its own.
type tests map[string]func(*testing.T, *testkit.Suite)

// TestCalls runs all tests at once on services that they share: to start them takes longer
// than most of the tests.
func TestCalls(t *testing.T) {
	t.Parallel()
	s := start(t)
	for of, sort := range map[string]tests{
		"products": productTests, "prices": priceTests, "pipelines": pipelineTests, "leads": leadTests, "opportunities": opportunityTests,
		"orders": orderTests, "purchases": purchaseTests, "imports": importTests, "story": {"to the order": testStory},
	} {
		sort.run(t, of+"/", s)
	}
}

// TestImport_realFiles is apart from them.
func TestImport_realFiles(t *testing.T) {
	t.Parallel()
	realFiles.run(t, "", start(t))
}

// run runs the tests at once.
func (of tests) run(t *testing.T, prefix string, s *testkit.Suite) {
	for name, test := range of {
		t.Run(prefix+name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// both runs a test over gRPC and REST, as an admin of a tenant of its own.
func both(t *testing.T, s *testkit.Suite, demands []string, test func(t *testing.T, c *clients)) {
	t.Helper()
	testkit.Both(t, s, demands, func(t *testing.T, c *testkit.Client) { test(t, of(c.As(admin()))) })
}

// must answers what a call answered, and ends the test where it was refused.
func must[T any](t testing.TB) func(answer T, err error) T {
	return func(answer T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// refused demands an error of a code and a reason.
func refused(t testing.TB, what string, err error, code codes.Code, reason string) {
	t.Helper()
	if errs.Code(err) != code || errs.Reason(err) != reason {
		t.Errorf("%s: %v %q, want %v %q: %v", what, errs.Code(err), errs.Reason(err), code, reason, err)
	}
}

// blames demands that an input error names a field.
func blames(t testing.TB, what string, err error, field string) {
	t.Helper()
	for _, v := range errs.FieldViolations(err) {
		if v.Field == field {
			return
		}
	}
	t.Errorf("%s: no violation of %s in %v", what, field, err)
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func rupiah(units int64) *moneypb.Money {
	return &moneypb.Money{CurrencyCode: "IDR", Units: units}
}

func quantity(text string) *decimal.Decimal { return &decimal.Decimal{Value: text} }

// person creates a contact and answers its name.
func (c *clients) person(t testing.TB, given string) string {
	t.Helper()
	p, err := c.contacts.CreateContact(c.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: given, FamilyName: "Wijaya",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p.GetName()
}

// product creates a product with a code of its own.
func (c *clients) product(t testing.TB, code string) *salesv1.Product {
	t.Helper()
	p, err := c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{
		Code: code + "-" + c.Transport, DisplayName: "Product " + code, Category: "Drinks", Unit: "bottle",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func codeOf(err error) codes.Code { return errs.Code(err) }

// metadata answers what the ErrorInfo of an error tells beside its reason.
func metadata(err error) map[string]string {
	st, _ := errs.Status(err)
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.GetMetadata()
		}
	}
	return nil
}

// wants answers nil for an error of a code and a reason, and what it is otherwise.
func wants(err error, code codes.Code, reason string) error {
	if errs.Code(err) == code && errs.Reason(err) == reason {
		return nil
	}
	return fmt.Errorf("got %v, want %v %s", err, code, reason)
}
