package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// typedColumns are a custom field of each type that reads differently from a cell, by the
// heading of its column, with a cell as people write it, what becomes of it and a cell
// that is refused, if any.
var typedColumns = []struct {
	field         *contactv1.CustomField
	heading, cell string
	want          any
	bad, reason   string
}{
	{&contactv1.CustomField{Key: "renewal", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_DATE, DisplayNames: map[string]string{"en": "Renewal"}},
		"renewal", "31.01.2026", "2026-01-31", "soon", "FIELD_INVALID"},
	{&contactv1.CustomField{Key: "seen_at", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_TIMESTAMP, DisplayNames: map[string]string{"en": "Seen"}},
		"Seen", "2026-01-31 09:00", "2026-01-31T09:00:00Z", "09:00", "FIELD_INVALID"},
	{&contactv1.CustomField{Key: "visits", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER, DisplayNames: map[string]string{"id": "Kunjungan"}, Maximum: "100"},
		"Kunjungan", "42", 42.0, "101", "VALUE_TOO_LARGE"},
	{&contactv1.CustomField{Key: "hectares", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_DECIMAL, DisplayNames: map[string]string{"en": "Land"}},
		"custom_fields.hectares", "12.5", "12.5", "a lot", "FIELD_INVALID"},
	{&contactv1.CustomField{Key: "deposit", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_MONEY, DisplayNames: map[string]string{"en": "Deposit"}},
		"Deposit", "IDR 150000", map[string]any{"currencyCode": "IDR", "units": "150000"}, "150000", "FIELD_INVALID"},
	{&contactv1.CustomField{Key: "warm", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_BOOL, DisplayNames: map[string]string{"en": "Warm"}},
		"Warm", "ya", true, "maybe", "FIELD_INVALID"},
	{&contactv1.CustomField{Key: "tier", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_CHOICE, DisplayNames: map[string]string{"en": "Tier"},
		Options: []*contactv1.CustomFieldOption{{Value: "gold", DisplayNames: map[string]string{"id": "emas"}}}},
		"Tier", "Emas", "gold", "tin", "OPTION_UNKNOWN"},
	{&contactv1.CustomField{Key: "hobbies", Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_MULTI_CHOICE, DisplayNames: map[string]string{"en": "Hobbies"},
		Options: []*contactv1.CustomFieldOption{{Value: "golf"}, {Value: "chess", DisplayNames: map[string]string{"id": "catur"}}}},
		"Hobbies", "Golf;catur", []any{"golf", "chess"}, "golf;sleep", "OPTION_UNKNOWN"},
}

// CON-10, CON-49: columns of custom fields are read by their types, a row with a value that
// does not fit fails for it, and where there are no such fields the texts stay as they are.
func testImport_customFields(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-10", "CON-49")
	for kind, sheet := range map[string]struct {
		resource, head string
		row            func(n int) string
		stored         func(c *clients) []*structpb.Struct
	}{
		"leads": {"leads", "ID,Opportunity,Email", func(n int) string { return fmt.Sprintf("%d,Tea %d,sari@example.com", n, n) }, func(c *clients) []*structpb.Struct {
			return customOf(must[*salesv1.ListLeadsResponse](t)(c.ListLeads(c.Ctx(), &salesv1.ListLeadsRequest{PageSize: 100})).GetLeads())
		}},
		"opportunities": {"opportunities", "Opportunity ID,Account,Stage,Amount,Currency", func(n int) string { return fmt.Sprintf("%d,Toko Maju,Proposal,5,IDR", n) }, func(c *clients) []*structpb.Struct {
			return customOf(c.deals(t, ""))
		}},
		"purchases": {"orders", "Invoice,Email,Date,Amount,Currency", func(n int) string { return fmt.Sprintf("%d,sari@example.com,2026-01-02,5000,IDR", n) }, func(c *clients) []*structpb.Struct {
			return customOf(must[*salesv1.ListOrdersResponse](t)(c.ListOrders(c.Ctx(), &salesv1.ListOrdersRequest{PageSize: 100})).GetOrders())
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := of(s.Client(t, admin()))
			want, reasons := map[string]any{}, map[string]int{}
			head, good := sheet.head, sheet.row(0)
			for _, column := range typedColumns {
				f := proto.CloneOf(column.field)
				f.Resource = sheet.resource
				must[*contactv1.CustomField](t)(contactv1.NewCustomFieldServiceClient(c.Conn).CreateCustomField(c.Ctx(), &contactv1.CreateCustomFieldRequest{CustomField: f}))
				head, good, want[f.GetKey()] = head+","+column.heading, good+","+column.cell, column.want
				reasons[column.reason]++
			}
			file := head + "\n" + good + "\n"
			for n, column := range typedColumns {
				file += sheet.row(n+1) + strings.Repeat(",", n+1) + column.bad + strings.Repeat(",", len(typedColumns)-n-1) + "\n"
			}
			rows := int64(len(typedColumns)) + 1
			testkit.Eventually(t, func() error { // the service follows what contact keeps
				i := c.bring(t, &bulkv1.Import{Kind: kind, DryRun: true}, []byte(file))
				if failed := i.GetCounts().GetFailed(); failed != rows-1 {
					return fmt.Errorf("%d rows fail, want %d: %v", failed, rows-1, c.report(t, i))
				}
				return nil
			})
			i := c.bring(t, &bulkv1.Import{Kind: kind}, []byte(file))
			c.expect(t, kind, i, tally{rows, 1, 0, 0, rows - 1})
			if got := c.report(t, i); !maps.Equal(got, reasons) {
				t.Errorf("reasons %v, want %v", got, reasons)
			}
			if got := sheet.stored(c); len(got) != 1 || !cmp.Equal(got[0].AsMap(), want) {
				t.Errorf("stored as %v, want %v", got, want)
			}
			other := c.other()
			other.expect(t, "another tenant", other.bring(t, &bulkv1.Import{Kind: kind}, []byte(strings.ReplaceAll(file, ",Deposit", ",custom_fields.deposit"))), tally{rows, rows})
			kept := sheet.stored(other)
			if !slices.ContainsFunc(kept, func(f *structpb.Struct) bool { return f.GetFields()["deposit"].GetStringValue() == "IDR 150000" }) {
				t.Errorf("without the fields it is stored as %v", kept)
			}
		})
	}
}

// customOf answers the custom fields of records.
func customOf[M interface{ GetCustomFields() *structpb.Struct }](records []M) (all []*structpb.Struct) {
	for _, r := range records {
		all = append(all, r.GetCustomFields())
	}
	return all
}
