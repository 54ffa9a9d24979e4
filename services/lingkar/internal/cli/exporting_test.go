package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/genproto/googleapis/type/decimal"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// kinds are what is exported, in the order of import, and what import calls it.
var kinds = [][2]string{{"contacts", "contacts"}, {"leads", "leads"}, {"opportunities", "opportunities"}, {"orders", "purchases"}}

// What one tenant exports, an empty one imports, and loses nothing (CON-49): names
// that a spreadsheet would run as formulas (B27), several addresses, lines, custom
// fields, closed deals.
func TestExport_roundTrip(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition)
	testkit.Prove(t, testkit.GRPC, "CON-49", "B27")
	from := s.Client(t, s.As(auth.Admin))
	fill(t, from)
	for form, to := range map[string]*testkit.Client{formCSV: from.Other(), formXLSX: s.Client(t, s.User(entity.NewID(), "ann", auth.Admin))} {
		for _, kind := range kinds {
			file := written(t, from, kind[0], exportFlags{recipient: firstParty, format: form})
			i := imported(t, to, kind[1], file)
			if n := i.GetCounts(); n.GetFailed() > 0 || n.GetCreated() != n.GetRows() || n.GetRows() == 0 || i.GetFormat() != form {
				t.Fatalf("%s as %s: %v %v %s", kind[0], form, n, i.GetState(), i.GetError())
			}
			if diff := gocmp.Diff(listed(t, from, kind[0]), listed(t, to, kind[0]), protocmp.Transform()); diff != "" {
				t.Errorf("%s as %s differ:\n%s", kind[0], form, diff)
			}
		}
	}
}

// What is exported as vCards comes back as the contacts it is of, changed in nothing,
// and into another tenant with what address books know (CON-49, B29).
func TestExport_cards(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition)
	testkit.Prove(t, testkit.GRPC, "CON-49", "B29")
	c := s.Client(t, s.As(auth.Admin))
	fill(t, c)
	before := listed(t, c, "contacts")
	file := written(t, c, "contacts", exportFlags{recipient: firstParty, format: formCard})
	i := imported(t, c, "contacts", file)
	if n := i.GetCounts(); n.GetUpdated() != 2 || n.GetRows() != 2 || i.GetFormat() != "vcard" {
		t.Errorf("%v", i)
	}
	if diff := gocmp.Diff(before, listed(t, c, "contacts"), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	i = imported(t, c.Other(), "contacts", file)
	if n := i.GetCounts(); n.GetCreated() != 2 {
		t.Errorf("%v", i)
	}
	sari := listed(t, c.Other(), "contacts")[0].(*contactv1.Contact)
	want := before[0].(*contactv1.Contact)
	known := func(c *contactv1.Contact) *contactv1.Contact {
		k := &contactv1.Contact{
			Kind: c.GetKind(), DisplayName: c.GetDisplayName(), GivenName: c.GetGivenName(), FamilyName: c.GetFamilyName(), OrganisationName: c.GetOrganisationName(),
			JobTitle: c.GetJobTitle(), Birthday: c.GetBirthday(), LanguageCode: c.GetLanguageCode(), Note: c.GetNote(), Addresses: c.GetAddresses(),
		}
		for _, id := range c.GetIdentifiers() {
			if id.GetKind() != contactv1.IdentifierKind_IDENTIFIER_KIND_CARD {
				k.Identifiers = append(k.Identifiers, id)
			}
		}
		for _, a := range k.GetAddresses() {
			a.Label = strings.TrimPrefix(a.GetLabel(), "office") // no word of address books
		}
		return k
	}
	if diff := gocmp.Diff(known(want), known(sari), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

// What a tenant exports and imports again meets itself: nothing is created, and
// nothing changed (CON-49).
func TestExport_sameTenant(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition)
	testkit.Prove(t, testkit.GRPC, "CON-49")
	c := s.Client(t, s.As(auth.Admin))
	fill(t, c)
	for _, kind := range kinds {
		before := listed(t, c, kind[0])
		file := written(t, c, kind[0], exportFlags{recipient: firstParty})
		i := imported(t, c, kind[1], file)
		if n := i.GetCounts(); n.GetFailed() > 0 || n.GetCreated() > 0 || n.GetRows() == 0 {
			t.Errorf("%s: %v %v %s\n%s", kind[0], n, i.GetState(), i.GetError(), file)
		}
		if diff := gocmp.Diff(before, listed(t, c, kind[0]), protocmp.Transform()); diff != "" {
			t.Errorf("%s differ:\n%s", kind[0], diff)
		}
	}
}

// Each custom field that is on file has a column of its own, which import reads back as
// what it was (CON-27, CON-49).
func TestExport_customFields(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition)
	testkit.Prove(t, testkit.GRPC, "CON-27", "CON-49")
	c := s.Client(t, s.As(auth.Admin))
	values := map[string]any{
		"amount": map[string]any{"currencyCode": "IDR", "units": "1500", "nanos": 500000000}, "day": "2026-01-31", "formula": "=1+1",
		"many": []any{"a", "b"}, "number": 42, "part": "-12.5", "yes": true,
	}
	for key, kind := range map[string]string{
		"amount": "MONEY", "day": "DATE", "formula": "TEXT", "many": "MULTI_CHOICE", "number": "INTEGER", "part": "DECIMAL", "yes": "BOOL",
	} {
		f := &contactv1.CustomField{
			Resource: "contacts", Key: key, DisplayNames: map[string]string{"en": key},
			Type: contactv1.CustomFieldType(contactv1.CustomFieldType_value["CUSTOM_FIELD_TYPE_"+kind]),
		}
		if kind == "MULTI_CHOICE" {
			f.Options = []*contactv1.CustomFieldOption{{Value: "a"}, {Value: "b"}}
		}
		for _, to := range []*testkit.Client{c, c.Other()} {
			create(t, contactv1.NewCustomFieldServiceClient(to.Conn).CreateCustomField, to, &contactv1.CreateCustomFieldRequest{CustomField: f})
		}
	}
	custom, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	create(t, contactv1.NewContactServiceClient(c.Conn).CreateContact, c, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Sari", CustomFields: custom,
	}})
	create(t, contactv1.NewContactServiceClient(c.Conn).CreateContact, c, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Nobody",
	}})
	file := written(t, c, "contacts", exportFlags{recipient: firstParty})
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	first := len(exportHeads["contacts"])
	if got, want := strings.Join(rows[0][first:], " "), "custom_fields.amount custom_fields.day custom_fields.formula custom_fields.many custom_fields.number custom_fields.part custom_fields.yes"; got != want {
		t.Errorf("the columns are %s", got)
	}
	if got, want := strings.Join(rows[1][first:], "|"), "IDR 1500.5|2026-01-31|'=1+1|a;b|42|'-12.5|true"; got != want {
		t.Errorf("the cells are %s, want %s", got, want)
	}
	// Without the column "details" the columns alone tell.
	details := slices.Index(rows[0], "details")
	var bare strings.Builder
	w := csv.NewWriter(&bare)
	for _, row := range rows {
		if err := w.Write(slices.Delete(slices.Clone(row), details, details+1)); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if i := imported(t, c.Other(), "contacts", bare.String()); i.GetCounts().GetCreated() != 2 {
		t.Fatalf("imported as %v", i)
	}
	for _, m := range listed(t, c.Other(), "contacts") {
		read := m.(*contactv1.Contact)
		want := map[string]*structpb.Struct{"Sari": custom}[read.GetDisplayName()]
		if diff := gocmp.Diff(want, read.GetCustomFields(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
}

// A contact that forbids passing on its data is in no export for third parties, nor
// is what belongs to it (A18).
func TestExport_thirdParty(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition)
	testkit.Prove(t, testkit.GRPC, "A18")
	c := s.Client(t, s.As(auth.Admin))
	fill(t, c)
	for _, kind := range kinds {
		e, out := exporting(c, kind[0], exportFlags{recipient: thirdParty})
		if err := e.run(c.Ctx()); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		all := len(listed(t, c, kind[0]))
		if len(rows)-1 != e.written || e.left == 0 || e.left+e.written != all {
			t.Errorf("%s: %d written, %d left out, of %d", kind[0], e.written, e.left, all)
		}
	}
}

// The file is CSV of RFC 4180, and no cell of it is a formula.
func TestExport_form(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition)
	testkit.Prove(t, testkit.GRPC, "B27")
	c := s.Client(t, s.As(auth.Admin))
	fill(t, c)
	file := written(t, c, "contacts", exportFlags{recipient: firstParty, filter: `kind = "CONTACT_KIND_PERSON"`})
	if !strings.HasPrefix(file, "lingkar_id,customer_id,") || !strings.Contains(file, ",details\r\n") {
		t.Errorf("begins %.200q", file)
	}
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, cell := range rows[1] {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(strings.TrimSpace(cell)[0])) {
			t.Errorf("%s runs: %q", rows[0][i], cell)
		}
	}
	if n := len(written(t, c.Other(), "contacts", exportFlags{recipient: firstParty})); n != len(strings.Join(exportHeads["contacts"], ","))+2 {
		t.Errorf("another tenant exports %d bytes", n)
	}
}

// fill makes a person who forbids passing on her data, an organisation, and for
// each a lead, deals and a purchase.
func fill(t testing.TB, c *testkit.Client) {
	t.Helper()
	person := create(t, contactv1.NewContactServiceClient(c.Conn).CreateContact, c, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "=cmd|'/C calc'!A0", FamilyName: "Dewi, \"Sari\"", DisplayName: "Ibu Sari",
		OrganisationName: "Toko Maju", JobTitle: "@owner", NoThirdPartySharing: true, LanguageCode: "id", RegionCode: "ID",
		Birthday: &date.Date{Month: 2, Day: 29}, Note: "first line\nsecond line", Owner: "users/budi", Source: "trade-fair",
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: "sari@example.com", Primary: true, Label: "work"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: "dewi@example.org"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: "+628123456789", Extension: "12"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_CARD, Value: "K-7"},
		},
		Addresses: []*contactv1.Address{
			{Label: "home", Lines: []string{"Jl. Melati 1", "RT 2"}, Locality: "Bandung", PostalCode: "40111", RegionCode: "ID"},
			{Label: "office", Lines: []string{"Jl. Mawar 2"}, Locality: "Jakarta", RegionCode: "ID"},
		},
		Roles:       []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER, StartTime: timestamppb.New(time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC))}},
		Preference:  &contactv1.ContactPreference{Channel: eventv1.Channel_CHANNEL_PHONE, Hours: "09:00-17:00", TimeZone: "Asia/Jakarta"},
		ExternalIds: map[string]string{"hubspot": "101"}, Labels: map[string]string{"tier": "gold"}, CustomFields: object(t),
	}})
	shop := create(t, contactv1.NewContactServiceClient(c.Conn).CreateContact, c, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_ORGANISATION, DisplayName: "＝Warung", Source: "web",
	}})
	for _, of := range []string{person.GetName(), shop.GetName()} {
		fillSales(t, c, of)
	}
}

func fillSales(t testing.TB, c *testkit.Client, of string) {
	t.Helper()
	deals := salesv1.NewOpportunityServiceClient(c.Conn)
	tea := []*salesv1.LineItem{{ProductCode: "TEA", Description: "Tea", Quantity: &decimal.Decimal{Value: "2.5"}, UnitPrice: rupiah(5000)}}
	l := create(t, salesv1.NewLeadServiceClient(c.Conn).CreateLead, c, &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{
		Contact: of, DisplayName: "-Tea for 30", Channel: eventv1.Channel_CHANNEL_IN_PERSON, EstimatedValue: rupiah(1_250_000), Note: "call", Source: "web",
		ExternalIds: map[string]string{"odoo": "lead of " + of}, Labels: map[string]string{"hot": "true"}, CustomFields: object(t),
	}})
	create(t, salesv1.NewLeadServiceClient(c.Conn).DisqualifyLead, c, &salesv1.DisqualifyLeadRequest{Name: l.GetName(), Reason: "no budget"})
	create(t, deals.CreateOpportunity, c, &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{
		Contact: of, DisplayName: "Open", Stage: "needs-analysis", Amount: rupiah(7), CloseDate: &date.Date{Year: 2027, Month: 1, Day: 31},
		Probability: proto.Int32(33), Description: "what", Note: "=note", CustomFields: object(t),
	}})
	lost := create(t, deals.CreateOpportunity, c, &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{Contact: of, DisplayName: "Lost"}})
	create(t, deals.LoseOpportunity, c, &salesv1.LoseOpportunityRequest{Name: lost.GetName(), Reason: "price"})
	create(t, salesv1.NewOrderServiceClient(c.Conn).RecordPurchase, c, &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: of, ExternalIds: map[string]string{"pos": "sale of " + of}, PurchaseTime: timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		Amount: rupiah(12_000), Lines: tea, Channel: eventv1.Channel_CHANNEL_POS, Labels: map[string]string{"till": "3"},
	}})
}

func create[Q, R any](t testing.TB, call func(context.Context, Q, ...callOption) (R, error), c *testkit.Client, req Q) R {
	t.Helper()
	answer, err := call(c.Ctx(), req)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func rupiah(units int64) *moneypb.Money { return &moneypb.Money{CurrencyCode: "IDR", Units: units} }

func object(t testing.TB) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(map[string]any{"hobby": "=1+1", "size": 7.5, "list": []any{"a", true}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exporting answers an export into a buffer.
func exporting(c *testkit.Client, kind string, f exportFlags) (*export, *bytes.Buffer) {
	out := &bytes.Buffer{}
	f.format = cmp.Or(f.format, formCSV)
	e, err := newExport(c.Ctx(), c.Conn, kind, f, out)
	if err != nil {
		panic(err) // a recipient of the test's own
	}
	return e, out
}

func written(t testing.TB, c *testkit.Client, kind string, f exportFlags) string {
	t.Helper()
	e, out := exporting(c, kind, f)
	if err := e.run(c.Ctx()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func imported(t testing.TB, c *testkit.Client, kind, file string) *bulkv1.Import {
	t.Helper()
	collection, err := importCollection(kind)
	if err != nil {
		t.Fatal(err)
	}
	client := importClientOf(c.Conn, collection)
	i, err := uploadFile(c.Ctx(), client, &bulkv1.Import{Kind: kind}, strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	create(t, client.RunImport, c, &bulkv1.RunImportRequest{Name: i.GetName()})
	for i.GetState() < bulkv1.ImportState_IMPORT_STATE_DONE {
		time.Sleep(50 * time.Millisecond)
		i = create(t, client.GetImport, c, &bulkv1.GetImportRequest{Name: i.GetName()})
	}
	return i
}

// listed answers the records without what belongs to their tenant: names, numbers,
// times and the ids that the import gave them. Contacts are told by display name.
func listed(t testing.TB, c *testkit.Client, kind string) []proto.Message {
	t.Helper()
	e, _ := exporting(c, kind, exportFlags{recipient: firstParty})
	all, _, err := e.page(c.Ctx(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if of, ok := m.(interface{ GetContact() string }); ok {
			who := create(t, contactv1.NewContactServiceClient(c.Conn).GetContact, c, &contactv1.GetContactRequest{Name: of.GetContact()})
			set(m, "contact", who.GetDisplayName())
		}
		for _, field := range []string{"name", "customer_id", "create_time", "update_time", "etag", "stage_time", "pipeline", "price_list", "allowed_actions"} {
			clearField(m, field)
		}
		ids := m.(interface{ GetExternalIds() map[string]string }).GetExternalIds()
		delete(ids, "lingkar")
		if len(ids) == 0 {
			clearField(m, "external_ids")
		}
	}
	slices.SortFunc(all, func(a, b proto.Message) int { return strings.Compare(keyOf(a), keyOf(b)) })
	return all
}

// callOption is that of a generated client.
type callOption = grpc.CallOption

func clearField(m proto.Message, name string) {
	if fd := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)); fd != nil {
		m.ProtoReflect().Clear(fd)
	}
}

func set(m proto.Message, name, value string) {
	m.ProtoReflect().Set(m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOfString(value))
}

// keyOf tells the records of one tenant apart.
func keyOf(m proto.Message) string {
	key := ""
	if of, ok := m.(interface{ GetContact() string }); ok {
		key = of.GetContact()
	} else {
		key = m.(interface{ GetName() string }).GetName()
	}
	if named, ok := m.(interface{ GetDisplayName() string }); ok {
		key += named.GetDisplayName()
	}
	return key
}
