package server_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// exports is where real exports of other systems lie.
func exports(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "..", "shared", "data", "import_formats")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("../shared/data is absent: this test imports real exports from it")
	}
	return dir
}

// upload uploads a file in small pieces.
func upload(ctx context.Context, t testing.TB, client contactv1.ImportServiceClient, spec *bulkv1.Import, content []byte) (*bulkv1.Import, error) {
	t.Helper()
	stream, err := client.UploadImport(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Import{Import: spec}}) // the answer tells what was wrong
	piece := max(1000, len(content)/100)
	for start := 0; start < len(content); start += piece {
		_ = stream.Send(&bulkv1.UploadImportRequest{Part: &bulkv1.UploadImportRequest_Chunk{Chunk: content[start:min(start+piece, len(content))]}})
	}
	return stream.CloseAndRecv()
}

// bring uploads and runs a file, and answers the import when it has ended.
func bring(ctx context.Context, t *testing.T, client contactv1.ImportServiceClient, spec *bulkv1.Import, content []byte) *bulkv1.Import {
	t.Helper()
	i, err := upload(ctx, t, client, spec, content)
	if err != nil {
		t.Fatal(err)
	}
	if i, err = client.RunImport(ctx, &bulkv1.RunImportRequest{Name: i.GetName()}); err != nil {
		t.Fatal(err)
	}
	return await(ctx, t, client, i.GetName())
}

func await(ctx context.Context, t testing.TB, client contactv1.ImportServiceClient, name string) *bulkv1.Import {
	t.Helper()
	for range 6000 {
		i, err := client.GetImport(ctx, &bulkv1.GetImportRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if s := i.GetState(); s != bulkv1.ImportState_IMPORT_STATE_RUNNING && s != bulkv1.ImportState_IMPORT_STATE_UNDOING {
			return i
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the import did not end")
	return nil
}

func counts(c *bulkv1.ImportCounts) [5]int64 {
	return [5]int64{c.GetRows(), c.GetCreated(), c.GetUpdated(), c.GetSkipped(), c.GetFailed()}
}

// TestImportRealExports brings the exports of real systems in, and again: the
// second time nothing is created.
func TestImportRealExports(t *testing.T) {
	t.Parallel()
	dir := exports(t)
	s := start(t)
	cases := []struct {
		file, region string
		want         [5]int64 // rows, created, updated, skipped, failed
	}{
		{"google_contacts_old.csv", "FR", [5]int64{4, 4, 0, 0, 0}},
		{"google_contacts_new_bom.csv", "FR", [5]int64{3, 2, 1, 0, 0}},
		{"outlook_utf8.csv", "DE", [5]int64{2, 2, 0, 0, 0}},
		{"hubspot_contacts.csv", "", [5]int64{5, 3, 1, 1, 0}},
		{"hubspot_companies.csv", "", [5]int64{3, 2, 1, 0, 0}},
		{"salesforce_dataexport_Account.csv", "US", [5]int64{1, 1, 0, 0, 0}},
		{"linkedin_Connections.csv", "", [5]int64{4, 3, 0, 1, 0}},
		{"mailchimp_members.csv", "", [5]int64{2, 1, 1, 0, 0}},
	}
	testkit.Both(t, s, []string{"CON-49"}, func(t *testing.T, c *testkit.Client) {
		client := contactv1.NewImportServiceClient(c.Conn)
		for _, f := range cases {
			content, err := os.ReadFile(filepath.Join(dir, f.file))
			if err != nil {
				t.Fatal(err)
			}
			spec := func() *bulkv1.Import {
				return &bulkv1.Import{Kind: "contacts", FileName: f.file, RegionCode: f.region}
			}
			trial := spec()
			trial.DryRun = true
			first := bring(c.Ctx(), t, client, trial, content)
			if got := counts(first.GetCounts()); got != f.want {
				t.Errorf("%s, trial: %v, want %v%s", f.file, got, f.want, report(c.Ctx(), t, client, first))
			}
			second := bring(c.Ctx(), t, client, spec(), content)
			if got := counts(second.GetCounts()); got != f.want {
				t.Errorf("%s: %v, want %v%s", f.file, got, f.want, report(c.Ctx(), t, client, second))
			}
			again := bring(c.Ctx(), t, client, spec(), content)
			if got := again.GetCounts(); got.GetCreated() != 0 || got.GetRows() != f.want[0] {
				t.Errorf("%s, again: %v", f.file, got)
			}
		}
	})
}

func report(ctx context.Context, t *testing.T, client contactv1.ImportServiceClient, i *bulkv1.Import) string {
	t.Helper()
	rows, err := client.ListImportRows(ctx, &bulkv1.ListImportRowsRequest{Parent: i.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(rows.GetRows(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return "\n" + i.GetError() + string(raw)
}

// TestImportDetails checks what came out of one row, field by field.
func TestImportDetails(t *testing.T) {
	t.Parallel()
	dir := exports(t)
	s := start(t)
	c := s.Client(t, s.As(auth.Admin))
	ctx, conn := c.Ctx(), c.Conn
	content, err := os.ReadFile(filepath.Join(dir, "google_contacts_old.csv"))
	if err != nil {
		t.Fatal(err)
	}
	bring(ctx, t, contactv1.NewImportServiceClient(conn), &bulkv1.Import{Kind: "contacts", RegionCode: "FR"}, content)
	found, err := contactv1.NewContactServiceClient(conn).LookupContact(ctx, &contactv1.LookupContactRequest{
		Identifier: &contactv1.LookupContactRequest_Email{Email: "zoe.lambert@example.com"},
	})
	if err != nil || len(found.GetContacts()) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	got := found.GetContacts()[0]
	want := &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Zoé", FamilyName: "Lambert", DisplayName: "Zoé Lambert",
		OrganisationName: "Boulangerie Ünïcode & Fils", JobTitle: "Directrice, achats",
		Labels: map[string]string{"Prospects": "true", "myContacts": "true"},
	}
	only := func(c *contactv1.Contact) *contactv1.Contact {
		return &contactv1.Contact{
			Kind: c.GetKind(), GivenName: c.GetGivenName(), FamilyName: c.GetFamilyName(), DisplayName: c.GetDisplayName(),
			OrganisationName: c.GetOrganisationName(), JobTitle: c.GetJobTitle(), Labels: c.GetLabels(),
		}
	}
	if diff := cmp.Diff(want, only(got), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	var values []string
	for _, id := range got.GetIdentifiers() {
		values = append(values, id.GetValue())
	}
	wantValues := []string{"zoe.lambert@example.com", "z.lambert@example.org", "+33612345678", "+33142685300", "+33142685301"}
	if diff := cmp.Diff(wantValues, values); diff != "" {
		t.Error(diff)
	}
}

// TestImportRefused expects a clear reason for what cannot be imported (B26), and
// that another tenant sees nothing of an import.
func TestImportRefused(t *testing.T) {
	t.Parallel()
	testkit.Prove(t, testkit.GRPC, "B26")
	s := start(t)
	c := s.Client(t, s.As(auth.Admin))
	ctx, client := c.Ctx(), contactv1.NewImportServiceClient(c.Conn)
	cases := map[string]struct {
		spec    *bulkv1.Import
		content string
		reason  string
	}{
		"zero bytes":     {&bulkv1.Import{Kind: "contacts"}, "", "FILE_EMPTY"},
		"a workbook":     {&bulkv1.Import{Kind: "contacts"}, "PK\x03\x04", "FILE_NOT_TEXT"},
		"other kind":     {&bulkv1.Import{Kind: "leads"}, "Name\nA\n", "KIND_UNKNOWN"},
		"nothing known":  {&bulkv1.Import{Kind: "contacts"}, "foo,bar\n1,2\n", "FIELD_MISSING"},
		"unknown column": {&bulkv1.Import{Kind: "contacts", Columns: []*bulkv1.ImportColumn{{Header: "x", Field: "email"}}}, "Name\nA\n", "COLUMN_UNKNOWN"},
		"unknown field":  {&bulkv1.Import{Kind: "contacts", Columns: []*bulkv1.ImportColumn{{Header: "Name", Field: "x"}}}, "Name\nA\n", "FIELD_UNKNOWN"},
	}
	for name, row := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := upload(ctx, t, client, row.spec, []byte(row.content))
			if errs.Reason(err) != row.reason {
				t.Errorf("%v, want %s", err, row.reason)
			}
		})
	}
	i, err := upload(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte("Name\nA\n"))
	if err != nil {
		t.Fatal(err)
	}
	other := c.Other()
	_, err = contactv1.NewImportServiceClient(other.Conn).GetImport(other.Ctx(), &bulkv1.GetImportRequest{Name: i.GetName()})
	if errs.Reason(err) != "IMPORT_NOT_FOUND" {
		t.Errorf("another tenant: %v", err)
	}
}

// CON-27 and CON-49: columns are told custom fields by their keys and by what these are
// called, in any language; cells are read by their types, and a row that does not fit
// fails by name.
func TestImport_customFields(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, _ := fresh(t, s)
	client := contactv1.NewImportServiceClient(a.Conn)
	plan := field("plan", "CHOICE")
	plan.DisplayNames, plan.Options = map[string]string{"en": "Tariff", "id": "Paket"}, []*contactv1.CustomFieldOption{
		{Value: "PRE", DisplayNames: map[string]string{"en": "Prepaid", "id": "Prabayar"}}, {Value: "POST"},
	}
	for _, f := range []*contactv1.CustomField{plan, field("joined_on", "DATE"), field("spend", "MONEY"), field("seats", "INTEGER"), field("vip", "BOOL")} {
		a.add(t, f)
	}
	file := "name,email,Paket,joined on,spend,custom_fields.seats,VIP\n" +
		"Ani,ani@example.com,prabayar,31.01.2026,IDR 150000,7,ya\n" +
		"Budi,budi@example.com,POST,,,,\n" +
		"Cici,cici@example.com,gold,2026-01-31,,,\n" +
		"Dodi,dodi@example.com,,,,many,\n"
	i := bring(a.Ctx(), t, client, &bulkv1.Import{Kind: "contacts", FileName: "list.csv"}, []byte(file))
	if got := counts(i.GetCounts()); got != [5]int64{4, 2, 0, 0, 2} {
		t.Errorf("counts %v: %v", got, i)
	}
	rows := must(client.ListImportRows(a.Ctx(), &bulkv1.ListImportRowsRequest{Parent: i.GetName()}))(t)
	for line, reason := range map[int64]string{4: "OPTION_UNKNOWN", 5: "FIELD_INVALID"} {
		for _, r := range rows.GetRows() {
			if int64(r.GetLine()) == line && r.GetReason() != reason {
				t.Errorf("line %d failed as %s: %s", line, r.GetReason(), r.GetMessage())
			}
		}
	}
	found := must(a.LookupContact(a.Ctx(), &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Email{Email: "ani@example.com"}}))(t)
	want := custom(t, map[string]any{
		"plan": "PRE", "joined_on": "2026-01-31", "spend": map[string]any{"currencyCode": "IDR", "units": "150000"}, "seats": 7, "vip": true,
	})
	if diff := cmp.Diff(want, found.GetContacts()[0].GetCustomFields(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}
