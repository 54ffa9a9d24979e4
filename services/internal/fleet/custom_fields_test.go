package fleet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/type/decimal"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

// kind is how a test makes, changes and lists records of one kind, with custom fields.
type kind struct {
	resource string
	// make answers the name of a new record, and what its custom fields became.
	make func(name string, custom *structpb.Struct) (string, *structpb.Struct, error)
	// change writes them.
	change func(name string, custom *structpb.Struct) error
	// list answers the names of records.
	list func(filter, order string) ([]string, error)
}

func got[M interface{ GetName() string }](m M, err error, custom func(M) *structpb.Struct) (string, *structpb.Struct, error) {
	if err != nil {
		return "", nil, err
	}
	return m.GetName(), custom(m), nil
}

func namesOf[M interface{ GetName() string }](list []M) []string {
	names := []string{}
	for _, m := range list {
		names = append(names, m.GetName())
	}
	return names
}

// kindsOf are the kinds beside contact's own, as a caller reaches them.
func kindsOf(t *testing.T, c *testkit.Client, contact string) []kind {
	t.Helper()
	ctx := c.Ctx()
	mask := &fieldmaskpb.FieldMask{Paths: []string{"custom_fields"}}
	leads, deals := salesv1.NewLeadServiceClient(c.Conn), salesv1.NewOpportunityServiceClient(c.Conn)
	orders, products := salesv1.NewOrderServiceClient(c.Conn), salesv1.NewProductServiceClient(c.Conn)
	tickets := ticketv1.NewTicketServiceClient(c.Conn)
	tea, err := products.CreateProduct(ctx, &salesv1.CreateProductRequest{Product: &salesv1.Product{Code: "TEA" + c.Transport, DisplayName: "Tea", Unit: "piece"}})
	if err != nil {
		t.Fatal(err)
	}
	return []kind{
		{"leads", func(name string, custom *structpb.Struct) (string, *structpb.Struct, error) {
			m, err := leads.CreateLead(ctx, &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{
				Contact: contact, DisplayName: name, Channel: eventv1.Channel_CHANNEL_WEB, CustomFields: custom}})
			return got(m, err, (*salesv1.Lead).GetCustomFields)
		}, func(name string, custom *structpb.Struct) error {
			_, err := leads.UpdateLead(ctx, &salesv1.UpdateLeadRequest{Lead: &salesv1.Lead{Name: name, CustomFields: custom}, UpdateMask: mask})
			return err
		}, func(filter, order string) ([]string, error) {
			page, err := leads.ListLeads(ctx, &salesv1.ListLeadsRequest{Filter: filter, OrderBy: order})
			return namesOf(page.GetLeads()), err
		}},
		{"opportunities", func(name string, custom *structpb.Struct) (string, *structpb.Struct, error) {
			m, err := deals.CreateOpportunity(ctx, &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{
				Contact: contact, DisplayName: name, CustomFields: custom}})
			return got(m, err, (*salesv1.Opportunity).GetCustomFields)
		}, func(name string, custom *structpb.Struct) error {
			_, err := deals.UpdateOpportunity(ctx, &salesv1.UpdateOpportunityRequest{Opportunity: &salesv1.Opportunity{Name: name, CustomFields: custom}, UpdateMask: mask})
			return err
		}, func(filter, order string) ([]string, error) {
			page, err := deals.ListOpportunities(ctx, &salesv1.ListOpportunitiesRequest{Filter: filter, OrderBy: order})
			return namesOf(page.GetOpportunities()), err
		}},
		{"orders", func(name string, custom *structpb.Struct) (string, *structpb.Struct, error) {
			m, err := orders.CreateOrder(ctx, &salesv1.CreateOrderRequest{Order: &salesv1.Order{
				Contact: contact, Channel: eventv1.Channel_CHANNEL_WEB, CustomFields: custom, Note: name,
				Lines: []*salesv1.LineItem{{Product: tea.GetName(), Quantity: &decimal.Decimal{Value: "1"}, UnitPrice: rupiah()}}}})
			return got(m, err, (*salesv1.Order).GetCustomFields)
		}, func(name string, custom *structpb.Struct) error {
			_, err := orders.UpdateOrder(ctx, &salesv1.UpdateOrderRequest{Order: &salesv1.Order{Name: name, CustomFields: custom}, UpdateMask: mask})
			return err
		}, func(filter, order string) ([]string, error) {
			page, err := orders.ListOrders(ctx, &salesv1.ListOrdersRequest{Filter: filter, OrderBy: order})
			return namesOf(page.GetOrders()), err
		}},
		{"products", func(name string, custom *structpb.Struct) (string, *structpb.Struct, error) {
			m, err := products.CreateProduct(ctx, &salesv1.CreateProductRequest{Product: &salesv1.Product{
				Code: c.Transport + name, DisplayName: name, CustomFields: custom}})
			return got(m, err, (*salesv1.Product).GetCustomFields)
		}, func(name string, custom *structpb.Struct) error {
			_, err := products.UpdateProduct(ctx, &salesv1.UpdateProductRequest{Product: &salesv1.Product{Name: name, CustomFields: custom}, UpdateMask: mask})
			return err
		}, func(filter, order string) ([]string, error) {
			page, err := products.ListProducts(ctx, &salesv1.ListProductsRequest{Filter: filter, OrderBy: order})
			return namesOf(page.GetProducts()), err
		}},
		{"tickets", func(name string, custom *structpb.Struct) (string, *structpb.Struct, error) {
			m, err := tickets.CreateTicket(ctx, &ticketv1.CreateTicketRequest{Ticket: &ticketv1.Ticket{
				Contact: contact, Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Channel: eventv1.Channel_CHANNEL_WEB, Subject: name, CustomFields: custom}})
			return got(m, err, (*ticketv1.Ticket).GetCustomFields)
		}, func(name string, custom *structpb.Struct) error {
			_, err := tickets.UpdateTicket(ctx, &ticketv1.UpdateTicketRequest{Ticket: &ticketv1.Ticket{Name: name, CustomFields: custom}, UpdateMask: mask})
			return err
		}, func(filter, order string) ([]string, error) {
			page, err := tickets.ListTickets(ctx, &ticketv1.ListTicketsRequest{Filter: filter, OrderBy: order})
			return namesOf(page.GetTickets()), err
		}},
	}
}

func customOf(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// somebody answers the name of a new contact.
func somebody(t *testing.T, c *testkit.Client) string {
	t.Helper()
	made, err := contactv1.NewContactServiceClient(c.Conn).CreateContact(c.Ctx(), &contactv1.CreateContactRequest{Contact: person("Ani"), AllowDuplicates: true})
	if err != nil {
		t.Fatal(err)
	}
	return made.GetName()
}

// CON-10, CON-27 and CON-48: fields that area contact keeps hold for the records of the
// other areas a moment later: checked, filled in, filtered and sorted.
func TestCustomFields_ofOtherAreas(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, gateway.Definition, contact.Definition, sales.Definition, ticket.Definition)
	testkit.Both(t, s, []string{"CON-10", "CON-27", "CON-48"}, func(t *testing.T, c *testkit.Client) {
		ctx, key := c.Ctx(), strings.ToLower(c.Transport)
		fields := contactv1.NewCustomFieldServiceClient(c.Conn)
		others := kindsOf(t, c.Other(), somebody(t, c.Other()))
		for i, k := range kindsOf(t, c, somebody(t, c)) {
			path := "custom_fields." + key
			early, _, err := k.make("early", customOf(t, map[string]any{key: 5}))
			if err != nil {
				t.Fatalf("%s: %v", k.resource, err)
			}
			field, err := fields.CreateCustomField(ctx, &contactv1.CreateCustomFieldRequest{CustomField: &contactv1.CustomField{
				Resource: k.resource, Key: key, DisplayNames: map[string]string{"en": "Score"}, Indexed: true, Required: true,
				Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER, DefaultValue: "10", Maximum: "100",
			}})
			if err != nil {
				t.Fatalf("%s: %v", k.resource, err)
			}
			testkit.Eventually(t, func() error {
				_, err := k.list("", path)
				return err
			})
			singular := map[string]string{"opportunities": "opportunity"}[k.resource]
			if singular == "" {
				singular = strings.TrimSuffix(k.resource, "s")
			}
			for _, bad := range []any{"many", 101, 1.5} {
				_, _, err := k.make("bad", customOf(t, map[string]any{key: bad}))
				found := errs.FieldViolations(err)
				if errs.Code(err) != codes.InvalidArgument || len(found) != 1 || found[0].Field != singular+"."+path {
					t.Errorf("%s with %v: %v, %v", k.resource, bad, err, found)
				}
			}
			usual, filled, err := k.make("usual", nil)
			if err != nil || filled.GetFields()[key].GetNumberValue() != 10 {
				t.Errorf("%s: the default is %v, %v", k.resource, filled, err)
			}
			high, _, err := k.make("high", customOf(t, map[string]any{key: 90}))
			if err != nil {
				t.Errorf("%s: %v", k.resource, err)
			}
			if err := k.change(usual, customOf(t, map[string]any{key: 1000})); errs.Reason(err) != "VALUE_TOO_LARGE" {
				t.Errorf("%s: a change answers %v", k.resource, err)
			}
			if err := k.change(usual, customOf(t, map[string]any{key: 40})); err != nil {
				t.Errorf("%s: %v", k.resource, err)
			}
			for filter, want := range map[string][]string{"": {high, usual, early}, path + " > 9": {high, usual}, path + " = 5": {early}} {
				if got, err := k.list(filter, path+" desc"); err != nil || !slices.Equal(got[:min(len(got), len(want))], want) {
					t.Errorf("%s: filter %q lists %v, want %v (%v)", k.resource, filter, got, want, err)
				}
			}
			if got, err := others[i].list("", path); errs.Reason(err) != "ORDER_BY_INVALID" {
				t.Errorf("%s: another tenant sorts by the field: %v, %v", k.resource, got, err)
			}
			if _, _, err := others[i].make("other", customOf(t, map[string]any{key: "many"})); err != nil {
				t.Errorf("%s: another tenant is held to the field: %v", k.resource, err)
			}
			if _, err := fields.UpdateCustomField(ctx, &contactv1.UpdateCustomFieldRequest{
				CustomField: &contactv1.CustomField{Name: field.GetName(), Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_DATE},
				UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"type", "default_value", "maximum"}},
			}); errs.Reason(err) != "CUSTOM_FIELD_IN_USE" {
				t.Errorf("%s: a change of the type answers %v", k.resource, err)
			}
			if _, err := fields.DeleteCustomField(ctx, &contactv1.DeleteCustomFieldRequest{Name: field.GetName()}); err != nil {
				t.Fatal(err)
			}
			testkit.Eventually(t, func() error {
				if _, _, err := k.make("free", customOf(t, map[string]any{key: "many"})); err != nil {
					return fmt.Errorf("%s: %w", k.resource, err)
				}
				return nil
			})
		}
	})
}

// CON-10: what follows from another record is not held up by what is required, and takes
// the defaults.
func TestCustomFields_ofWhatFollows(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, gateway.Definition, contact.Definition, sales.Definition)
	testkit.Both(t, s, []string{"CON-10"}, func(t *testing.T, c *testkit.Client) {
		ctx := c.Ctx()
		who := somebody(t, c)
		leads, deals := salesv1.NewLeadServiceClient(c.Conn), salesv1.NewOpportunityServiceClient(c.Conn)
		fields := contactv1.NewCustomFieldServiceClient(c.Conn)
		key := "must_" + strings.ToLower(c.Transport)
		for _, f := range []*contactv1.CustomField{
			{Resource: "opportunities", Key: key, Required: true}, {Resource: "opportunities", Key: key + "_too", DefaultValue: "x"},
			{Resource: "orders", Key: key, Required: true},
		} {
			f.DisplayNames, f.Type = map[string]string{"en": "Must"}, contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_TEXT
			if _, err := fields.CreateCustomField(ctx, &contactv1.CreateCustomFieldRequest{CustomField: f}); err != nil {
				t.Fatal(err)
			}
		}
		deal := func(custom map[string]any) (*salesv1.Opportunity, error) {
			return deals.CreateOpportunity(ctx, &salesv1.CreateOpportunityRequest{
				Opportunity: &salesv1.Opportunity{Contact: who, DisplayName: "deal", CustomFields: customOf(t, custom)},
			})
		}
		testkit.Eventually(t, func() error {
			if _, err := deal(nil); errs.Reason(err) != "FIELD_REQUIRED" {
				return fmt.Errorf("without what is required: %v", err)
			}
			if o, err := deal(map[string]any{key: "y"}); o.GetCustomFields().GetFields()[key+"_too"].GetStringValue() != "x" {
				return fmt.Errorf("the default is missing: %v, %v", o, err)
			}
			return nil
		})
		l, err := leads.CreateLead(ctx, &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{Contact: who, DisplayName: "lead", Channel: eventv1.Channel_CHANNEL_WEB}})
		if err != nil {
			t.Fatal(err)
		}
		if l, err = leads.QualifyLead(ctx, &salesv1.QualifyLeadRequest{Name: l.GetName()}); err != nil {
			t.Fatal(err)
		}
		o, err := leads.ConvertLead(ctx, &salesv1.ConvertLeadRequest{Name: l.GetName(), Amount: rupiah()})
		if err != nil || o.GetCustomFields().GetFields()[key+"_too"].GetStringValue() != "x" {
			t.Fatalf("converted into %v, %v", o, err)
		}
		if _, err := deals.WinOpportunity(ctx, &salesv1.WinOpportunityRequest{Name: o.GetName(), Reason: "best"}); err != nil {
			t.Errorf("a deal is held up by a field of orders: %v", err)
		}
		for _, of := range []string{"opportunities", "orders"} {
			list, err := fields.ListCustomFields(ctx, &contactv1.ListCustomFieldsRequest{Filter: fmt.Sprintf("resource = %q", of)})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range list.GetCustomFields() {
				if _, err := fields.DeleteCustomField(ctx, &contactv1.DeleteCustomFieldRequest{Name: f.GetName()}); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
