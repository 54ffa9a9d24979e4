package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/money"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// realFiles are imports of thousands of rows: services of their own run them, because
// imports wait for one another.
var realFiles = tests{
	"exports":   testImport_exports,
	"maven":     testImport_maven,
	"purchases": testImport_purchases,
}

var importTests = tests{
	"bad rows":      testImport_badRows,
	"undo":          testImport_undo,
	"undo restores": testImport_undoRestores,
	"custom fields": testImport_customFields,
}

// shared reads a file of real data, and unpacks it where it is packed.
func shared(t testing.TB, parts ...string) []byte {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "..", "..", "shared", "data"}, parts...)...)
	content, err := os.ReadFile(path)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("../shared/data is absent: this test imports real files from it")
	}
	if strings.HasSuffix(path, ".gz") {
		packed := must[*gzip.Reader](t)(gzip.NewReader(bytes.NewReader(content)))
		return must[[]byte](t)(io.ReadAll(packed))
	}
	return content
}

// bring uploads and runs a file, and answers the import when it has ended.
func (c *clients) bring(t testing.TB, spec *bulkv1.Import, content []byte) *bulkv1.Import {
	t.Helper()
	i, err := c.upload(spec, content)
	if err != nil {
		t.Fatal(err)
	}
	client := salesv1.NewImportServiceClient(c.Conn)
	must[*bulkv1.Import](t)(client.RunImport(c.Ctx(), &bulkv1.RunImportRequest{Name: i.GetName()}))
	return c.ended(t, i.GetName())
}

func (c *clients) upload(spec *bulkv1.Import, content []byte) (*bulkv1.Import, error) {
	stream, err := salesv1.NewImportServiceClient(c.Conn).UploadImport(c.Ctx())
	if err != nil {
		return nil, err
	}
	_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: spec}}) // the answer tells what was wrong
	for start := 0; start < len(content); start += 100_000 {
		_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: content[start:min(start+100_000, len(content))]}})
	}
	return stream.CloseAndRecv()
}

// ended waits until an import is at rest.
func (c *clients) ended(t testing.TB, name string) *bulkv1.Import {
	t.Helper()
	for range 6000 {
		i := must[*bulkv1.Import](t)(salesv1.NewImportServiceClient(c.Conn).GetImport(c.Ctx(), &bulkv1.GetImportRequest{Name: name}))
		if s := i.GetState(); s != bulkv1.ImportState_IMPORT_STATE_RUNNING && s != bulkv1.ImportState_IMPORT_STATE_UNDOING {
			return i
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the import did not end")
	return nil
}

// report answers the reasons of rows, each with how many have it.
func (c *clients) report(t testing.TB, i *bulkv1.Import) map[string]int {
	t.Helper()
	reasons := map[string]int{}
	req := &bulkv1.ListImportRowsRequest{Parent: i.GetName(), PageSize: 1000}
	for {
		page := must[*bulkv1.ListImportRowsResponse](t)(salesv1.NewImportServiceClient(c.Conn).ListImportRows(c.Ctx(), req))
		for _, row := range page.GetRows() {
			if row.GetReason() != "" {
				reasons[row.GetReason()]++
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return reasons
		}
	}
}

// tally is rows, created, updated, skipped, failed.
type tally [5]int64

// expect demands what became of the rows of an import.
func (c *clients) expect(t testing.TB, what string, i *bulkv1.Import, want tally) {
	t.Helper()
	n := i.GetCounts()
	got := tally{n.GetRows(), n.GetCreated(), n.GetUpdated(), n.GetSkipped(), n.GetFailed()}
	if got != want || i.GetState() == bulkv1.ImportState_IMPORT_STATE_FAILED {
		t.Errorf("%s: %v, want %v; %v %s %v", what, got, want, i.GetState(), i.GetError(), c.report(t, i))
	}
}

// The exports of HubSpot, Salesforce, Odoo and a plain list of statuses come as
// they stand, and a second time meet themselves (CON-49).
func testImport_exports(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-49")
	c := of(s.Client(t, admin()))
	for _, f := range []struct {
		kind, folder, file string
		want, again        tally
	}{
		{"leads", "import_formats", "odoo_crm_lead_export.csv", tally{1, 1}, tally{1, 0, 1}},
		{"leads", "workbench_crm", "customer_relationship_manager_data.csv", tally{200, 200}, tally{200, 0, 200}},
		{"opportunities", "import_formats", "hubspot_deals.csv", tally{2, 0, 0, 0, 2}, tally{2, 0, 0, 0, 2}},
	} {
		content := shared(t, f.folder, f.file)
		c.expect(t, f.file+", trial", c.bring(t, &bulkv1.Import{Kind: f.kind, DryRun: true}, content), f.want)
		c.expect(t, f.file, c.bring(t, &bulkv1.Import{Kind: f.kind}, content), f.want)
		c.expect(t, f.file+", again", c.bring(t, &bulkv1.Import{Kind: f.kind}, content), f.again)
	}
	c.bringContacts(t, "hubspot_contacts.csv", "hubspot_companies.csv", "salesforce_dataexport_Account.csv")
	for _, file := range []string{"hubspot_deals.csv", "salesforce_dataexport_Opportunity.csv"} {
		content := shared(t, "import_formats", file)
		c.expect(t, file, c.bring(t, &bulkv1.Import{Kind: "opportunities", CurrencyCode: "USD"}, content), tally{2, 2})
		c.expect(t, file+", again", c.bring(t, &bulkv1.Import{Kind: "opportunities", CurrencyCode: "USD"}, content), tally{2, 0, 2})
	}
	c.checkDeals(t)
}

// bringContacts imports contacts first, to whom deals refer.
func (c *clients) bringContacts(t testing.TB, files ...string) {
	t.Helper()
	client := contactv1.NewImportServiceClient(c.Conn)
	for _, file := range files {
		stream := must[clientStream](t)(client.UploadImport(c.Ctx()))
		_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: &bulkv1.Import{Kind: "contacts", RegionCode: "GB"}}})
		_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: shared(t, "import_formats", file)}})
		i := must[*bulkv1.Import](t)(stream.CloseAndRecv())
		must[*bulkv1.Import](t)(client.RunImport(c.Ctx(), &bulkv1.RunImportRequest{Name: i.GetName()}))
		for i.GetState() != bulkv1.ImportState_IMPORT_STATE_DONE {
			time.Sleep(20 * time.Millisecond)
			i = must[*bulkv1.Import](t)(client.GetImport(c.Ctx(), &bulkv1.GetImportRequest{Name: i.GetName()}))
		}
	}
}

type clientStream = interface {
	Send(*bulkv1.UploadImportRequest) error
	CloseAndRecv() (*bulkv1.Import, error)
}

// checkDeals looks at what became of the deals, field by field.
func (c *clients) checkDeals(t testing.TB) {
	t.Helper()
	want := map[string]string{
		"Bluebay – Casino":           "OPPORTUNITY_STATUS_OPEN negotiation 90 15000 GBP",
		`Harbour "Jackpot", phase 2`: "OPPORTUNITY_STATUS_WON won 100 1250.50 EUR",
		"Edge Emergency Generator":   "OPPORTUNITY_STATUS_WON won 100 75000 USD",
		"Edge SLA":                   "OPPORTUNITY_STATUS_OPEN negotiation 90 ",
	}
	for _, o := range c.deals(t, "") {
		amount := money.FromProto(o.GetAmount())
		got := strings.Join([]string{o.GetStatus().String(), o.GetStage(), percentText(o.GetProbability()), amountText(amount)}, " ")
		if got != want[o.GetDisplayName()] {
			t.Errorf("%s: %q, want %q", o.GetDisplayName(), got, want[o.GetDisplayName()])
		}
		if o.GetOrder() != "" {
			t.Errorf("%s made the order %s", o.GetDisplayName(), o.GetOrder())
		}
		delete(want, o.GetDisplayName())
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// deals answers all deals that a filter lets through.
func (c *clients) deals(t testing.TB, filter string) []*salesv1.Opportunity {
	t.Helper()
	var all []*salesv1.Opportunity
	req := &salesv1.ListOpportunitiesRequest{PageSize: 1000, Filter: filter, OrderBy: "create_time"}
	for {
		page := must[*salesv1.ListOpportunitiesResponse](t)(c.ListOpportunities(c.Ctx(), req))
		all = append(all, page.GetOpportunities()...)
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return all
		}
	}
}

// The pipeline of a real company: 8,800 deals of 85 accounts, with every count and
// the sum of what was won. A deal of no account fails; an account is created once.
func testImport_maven(t *testing.T, s *testkit.Suite) {
	content := shared(t, "maven_crm_sales", "sales_pipeline.csv")
	testkit.Prove(t, testkit.GRPC, "CON-49")
	c := of(s.Client(t, admin()))
	p := must[*salesv1.Product](t)(c.CreateProduct(c.Ctx(), &salesv1.CreateProductRequest{Product: &salesv1.Product{Code: "GTX-PRO", DisplayName: "GTX Pro"}}))
	want := tally{8800, 7375, 0, 0, 1425}
	trial := c.bring(t, &bulkv1.Import{Kind: "opportunities", DryRun: true}, content)
	c.expect(t, "trial", trial, want)
	if list := must[*contactv1.ListContactsResponse](t)(c.contacts.ListContacts(c.Ctx(), &contactv1.ListContactsRequest{})); len(list.GetContacts()) > 0 || len(c.deals(t, "")) > 0 {
		t.Error("the trial created something")
	}
	began := time.Now()
	first := c.bring(t, &bulkv1.Import{Kind: "opportunities"}, content)
	t.Logf("first: %.0f rows/s", 8800/time.Since(began).Seconds())
	c.expect(t, "first", first, want)
	if got := c.report(t, first); got["CONTACT_MISSING"] != 1425 || len(got) != 1 {
		t.Errorf("reasons %v", got)
	}
	began = time.Now()
	c.expect(t, "again", c.bring(t, &bulkv1.Import{Kind: "opportunities"}, content), tally{8800, 0, 7375, 0, 1425})
	t.Logf("again: %.0f rows/s", 8800/time.Since(began).Seconds())
	c.checkMaven(t, p.GetName())
	if n := len(c.other().deals(t, "")); n > 0 {
		t.Errorf("another tenant sees %d deals", n)
	}
}

// checkMaven adds up what was won and lost.
func (c *clients) checkMaven(t testing.TB, product string) {
	t.Helper()
	counts, won, sold := map[string]int{}, int64(0), 0
	for _, o := range c.deals(t, "") {
		counts[strings.TrimPrefix(o.GetStatus().String(), "OPPORTUNITY_STATUS_")]++
		if o.GetStatus() == salesv1.OpportunityStatus_OPPORTUNITY_STATUS_WON {
			won += o.GetAmount().GetUnits()
			if o.GetOrder() != "" || o.GetCloseTime().AsTime().Year() != 2017 {
				t.Fatalf("won deal %v", o)
			}
		}
		if len(o.GetLines()) > 0 && o.GetLines()[0].GetProduct() == product {
			sold++
		}
	}
	if counts["WON"] != 4238 || counts["LOST"] != 2473 || counts["OPEN"] != 664 || won != 10_005_534 {
		t.Errorf("%v, won value %d", counts, won)
	}
	if sold == 0 {
		t.Error("no deal has the product that the file spells GTXPro")
	}
	list := must[*contactv1.ListContactsResponse](t)(c.contacts.ListContacts(c.Ctx(), &contactv1.ListContactsRequest{PageSize: 1000}))
	if n := len(list.GetContacts()); n != 85 {
		t.Errorf("%d accounts, want 85", n)
	}
}

// Order lists: one order a row, by customer and e-mail address; and the lines of
// invoices, with returns that are no purchases.
func testImport_purchases(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-49")
	for _, f := range []struct {
		folder, file, currency string
		want, again            tally
		orders                 int
		value                  string
	}{
		{"rfm_orders", "rfm_data_orders.csv", "USD", tally{4906, 4906}, tally{4906, 0, 4906}, 4906, "464158"},
		{"online_retail", "online_retail_cust_mod20.csv.gz", "GBP", tally{17255, 804, 16113, 0, 338}, tally{17255, 0, 16917, 0, 338}, 804, "336480.64"},
	} {
		t.Run(f.folder, func(t *testing.T) {
			t.Parallel()
			content := shared(t, f.folder, f.file)
			c := of(s.Client(t, admin()))
			spec := func() *bulkv1.Import { return &bulkv1.Import{Kind: "purchases", CurrencyCode: f.currency} }
			began := time.Now()
			c.expect(t, "first", c.bring(t, spec(), content), f.want)
			t.Logf("first: %.0f rows/s", float64(f.want[0])/time.Since(began).Seconds())
			c.expect(t, "again", c.bring(t, spec(), content), f.again)
			orders, value := c.bought(t)
			if orders != f.orders || value != f.value {
				t.Errorf("%d orders of %s, want %d of %s", orders, value, f.orders, f.value)
			}
		})
	}
}

// bought adds up all confirmed orders.
func (c *clients) bought(t testing.TB) (orders int, value string) {
	t.Helper()
	var sum money.Decimal
	req := &salesv1.ListOrdersRequest{PageSize: 1000, Filter: `status = "ORDER_STATUS_CONFIRMED"`, OrderBy: "create_time"}
	for {
		page := must[*salesv1.ListOrdersResponse](t)(c.ListOrders(c.Ctx(), req))
		for _, o := range page.GetOrders() {
			sum = must[money.Decimal](t)(sum.Add(money.FromProto(o.GetTotal()).Decimal()))
		}
		orders += len(page.GetOrders())
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return orders, sum.String()
		}
	}
}

// Bad rows say why, and do not keep the others out.
func testImport_badRows(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-49")
	for name, f := range map[string]struct {
		kind, content string
		want          tally
		reasons       map[string]int
	}{
		"leads": {"leads", "Name,Email,Expected Revenue,Create Date\nSari,sari@example.com,a lot,\n,,5,\nBudi,budi@example.com,7,yesterday\nDewi,dewi@example.com,\"1.250.000\",2026-01-02\n",
			tally{4, 1, 0, 0, 3}, map[string]int{"AMOUNT_INVALID": 1, "CONTACT_MISSING": 1, "TIME_INVALID": 1}},
		"opportunities": {"opportunities", "Opportunity ID,Account,Stage,Amount,Currency\n1,Toko Maju,Won,-5,IDR\n2,Toko Maju,Won,5,XXQ\n3,,Won,5,IDR\n4,Toko Maju,Won,5,IDR\n,,,,\n",
			tally{5, 1, 0, 1, 3}, map[string]int{"MONEY_INVALID": 2, "CONTACT_MISSING": 1, "ROW_EMPTY": 1}},
		"purchases": {"purchases", "Invoice,Customer ID,Date,Product,Quantity,Unit Price\nA,7,2026-01-02,Tea,2,5000\nA,7,2026-01-02,Sugar,-1,2000\nB,7,,Tea,1,5000\nC,,2026-01-02,Tea,1,5000\nA,7,2026-01-02,Milk,1,1000\n",
			tally{5, 1, 1, 0, 3}, map[string]int{"QUANTITY_INVALID": 1, "TIME_MISSING": 1, "CONTACT_MISSING": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := of(s.Client(t, admin()))
			i := c.bring(t, &bulkv1.Import{Kind: f.kind}, []byte(f.content))
			c.expect(t, name, i, f.want)
			got := c.report(t, i)
			for reason, n := range f.reasons {
				if got[reason] != n {
					t.Errorf("%s: %d rows, want %d; all: %v", reason, got[reason], n, got)
				}
			}
		})
	}
}

// What an import created can be taken back, and then be brought again.
func testImport_undo(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-49")
	c := of(s.Client(t, admin()))
	for kind, content := range map[string]string{
		"leads":         "Name,Email,Status\nSari,sari@example.com,Qualified\n",
		"opportunities": "Opportunity ID,Account,Stage,Amount,Close Date\n1,Toko Maju,Lost,5,2026-01-02\n",
		"purchases":     "Invoice,Email,Date,Amount\nA,sari@example.com,2026-01-02,5000\n",
	} {
		first := c.bring(t, &bulkv1.Import{Kind: kind}, []byte(content))
		c.expect(t, kind, first, tally{1, 1})
		client := salesv1.NewImportServiceClient(c.Conn)
		must[*bulkv1.Import](t)(client.UndoImport(c.Ctx(), &bulkv1.UndoImportRequest{Name: first.GetName()}))
		if i := c.ended(t, first.GetName()); i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE {
			t.Errorf("%s: %v %s", kind, i.GetState(), i.GetError())
		}
		c.expect(t, kind+" once more", c.bring(t, &bulkv1.Import{Kind: kind}, []byte(content)), tally{1, 1})
	}
	if orders, _ := c.bought(t); orders != 1 || len(c.deals(t, "")) != 1 {
		t.Errorf("%d orders and %d deals, want 1 and 1", orders, len(c.deals(t, "")))
	}
}

// What an import changed is as it was, except how far a deal had come, which is told,
// and what somebody has changed since (CON-49).
func testImport_undoRestores(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-49")
	c := of(s.Client(t, admin()))
	client := salesv1.NewImportServiceClient(c.Conn)
	back := func(kind, first, second string, later func()) (*bulkv1.Import, *bulkv1.ImportRow) {
		c.expect(t, kind, c.bring(t, &bulkv1.Import{Kind: kind}, []byte(first)), tally{1, 1})
		i := c.bring(t, &bulkv1.Import{Kind: kind}, []byte(second))
		c.expect(t, kind+" again", i, tally{1, 0, 1})
		later()
		must[*bulkv1.Import](t)(client.UndoImport(c.Ctx(), &bulkv1.UndoImportRequest{Name: i.GetName()}))
		if i = c.ended(t, i.GetName()); i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE {
			t.Fatalf("%s: %v %s", kind, i.GetState(), i.GetError())
		}
		rows := must[*bulkv1.ListImportRowsResponse](t)(client.ListImportRows(c.Ctx(), &bulkv1.ListImportRowsRequest{Parent: i.GetName()}))
		return i, rows.GetRows()[0]
	}
	head := "Opportunity ID,Opportunity Name,Account,Stage,Amount,Currency,Close Date\n"
	_, row := back("opportunities", head+"1,Tea,Toko Maju,Prospecting,5,IDR,2026-12-02\n", head+"1,Coffee,Toko Maju,Proposal,7,IDR,2026-12-09\n", func() {})
	if got := c.deals(t, "")[0]; got.GetDisplayName() != "Tea" || got.GetAmount().GetUnits() != 5 || got.GetCloseDate().GetDay() != 2 || got.GetStage() != "proposal" {
		t.Errorf("the deal is %v", got)
	}
	if row.GetUndo() != bulkv1.ImportUndo_IMPORT_UNDO_KEPT || row.GetUndoReason() != "STATUS_KEPT" {
		t.Errorf("%v", row)
	}
	leads := salesv1.NewLeadServiceClient(c.Conn)
	lead := func() *salesv1.Lead {
		return must[*salesv1.ListLeadsResponse](t)(leads.ListLeads(c.Ctx(), &salesv1.ListLeadsRequest{})).GetLeads()[0]
	}
	head = "ID,Opportunity,Email,Notes,Expected Revenue\n"
	i, row := back("leads", head+"9,Tea,sari@example.com,first,5\n", head+"9,Coffee,sari@example.com,second,7\n", func() {
		l := lead()
		l.Note, l.Etag = "third", ""
		must[*salesv1.Lead](t)(leads.UpdateLead(c.Ctx(), &salesv1.UpdateLeadRequest{Lead: l, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"note"}}}))
	})
	if l := lead(); l.GetNote() != "third" || l.GetDisplayName() != "Tea" || l.GetEstimatedValue().GetUnits() != 5 {
		t.Errorf("the lead is %v", l)
	}
	if row.GetUndoReason() != "CHANGED_SINCE" || len(row.GetKeptFields()) != 1 || row.GetKeptFields()[0] != "note" || i.GetUndo().GetKept() != 1 {
		t.Errorf("%v %v", row, i.GetUndo())
	}
}

func percentText(p int32) string { return money.Decimal{Units: int64(p)}.String() }

func amountText(m money.Money) string {
	if m.IsZero() {
		return ""
	}
	digits, _, _ := strings.Cut(m.Decimal().String(), " ")
	if whole, fraction, cut := strings.Cut(digits, "."); cut && len(fraction) == 1 {
		digits = whole + "." + fraction + "0"
	}
	return digits + " " + m.Currency
}
