package server_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// workbook is one with these rows.
func workbook(t testing.TB, rows ...[]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := sheet.NewWorkbook(&b, "People")
	for _, row := range rows {
		if err == nil {
			err = w.Write(row)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// one looks the contact with an e-mail address up.
func one(t testing.TB, c *testkit.Client, email string) *contactv1.Contact {
	t.Helper()
	found, err := contactv1.NewContactServiceClient(c.Conn).LookupContact(c.Ctx(), &contactv1.LookupContactRequest{
		Identifier: &contactv1.LookupContactRequest_Email{Email: email},
	})
	if err != nil || len(found.GetContacts()) != 1 {
		t.Fatalf("%s: %v %v", email, found, err)
	}
	return found.GetContacts()[0]
}

// A workbook comes in as the same table in CSV does: tried first, told row by row,
// and taken back; over both transports (CON-49, B27).
func TestImportWorkbook(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Both(t, s, []string{"CON-49", "B27"}, func(t *testing.T, c *testkit.Client) {
		ctx, client := c.Ctx(), contactv1.NewImportServiceClient(c.Conn)
		content := workbook(t,
			[]string{"First Name", "Last Name", "Email", "Phone", "Postal Code", "Notes"},
			[]string{"Budi", "Santoso", "budi@example.com", "08123456789", "00123", "=HYPERLINK(\"http://x\")"},
			[]string{"", "", "", "", "", ""},
			[]string{"Siti", "", "no address", "", "", ""},
			[]string{"", "", "", "", "40111", ""})
		for _, trial := range []bool{true, false} {
			i := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts", DryRun: trial}, content)
			if got := counts(i.GetCounts()); got != [5]int64{3, 2, 0, 0, 1} || i.GetFormat() != "xlsx" || i.GetSheet() != "People" || i.GetSheets()[0] != "People" {
				t.Fatalf("trial %v: %v %v%s", trial, got, i, report(ctx, t, client, i))
			}
			rows, err := client.ListImportRows(ctx, &bulkv1.ListImportRowsRequest{Parent: i.GetName(), Outcome: bulkv1.ImportOutcome_IMPORT_OUTCOME_FAILED})
			if err != nil || len(rows.GetRows()) != 1 || rows.GetRows()[0].GetLine() != 5 || rows.GetRows()[0].GetReason() != "NAME_MISSING" {
				t.Errorf("%v %v", rows, err)
			}
			if trial {
				continue
			}
			budi := one(t, c, "budi@example.com")
			if budi.GetNote() != `=HYPERLINK("http://x")` || budi.GetAddresses()[0].GetPostalCode() != "00123" || budi.GetIdentifiers()[1].GetValue() != "+628123456789" {
				t.Errorf("%v", budi)
			}
			undone(t, c, i)
		}
	})
}

// undone takes an import back and looks that nothing of Budi remains, nor was ever to
// be seen by another tenant.
func undone(t *testing.T, c *testkit.Client, i *bulkv1.Import) {
	t.Helper()
	client := contactv1.NewImportServiceClient(c.Conn)
	other := c.Other()
	if _, err := contactv1.NewImportServiceClient(other.Conn).UndoImport(other.Ctx(), &bulkv1.UndoImportRequest{Name: i.GetName()}); errs.Reason(err) != "IMPORT_NOT_FOUND" {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := client.UndoImport(c.Ctx(), &bulkv1.UndoImportRequest{Name: i.GetName()}); err != nil {
		t.Fatal(err)
	}
	if i = await(c.Ctx(), t, client, i.GetName()); i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE {
		t.Errorf("%v", i)
	}
	found, err := contactv1.NewContactServiceClient(c.Conn).LookupContact(c.Ctx(), &contactv1.LookupContactRequest{
		Identifier: &contactv1.LookupContactRequest_Email{Email: "budi@example.com"},
	})
	if err != nil || len(found.GetContacts()) != 0 {
		t.Errorf("%v %v", found, err)
	}
}

// Files that are none, or too much, are refused with one clear reason over both
// transports (B28, B29).
func TestImportForms_refused(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Both(t, s, []string{"B28", "B29"}, func(t *testing.T, c *testkit.Client) {
		client := contactv1.NewImportServiceClient(c.Conn)
		good := workbook(t, []string{"Name"}, []string{"A"})
		cases := map[string]struct {
			spec    *bulkv1.Import
			content []byte
			reason  string
		}{
			"no such sheet": {&bulkv1.Import{Kind: "contacts", Sheet: "Orders"}, good, "SHEET_UNKNOWN"},
			"cut off":       {&bulkv1.Import{Kind: "contacts"}, good[:len(good)/2], "FILE_NOT_TEXT"},
			"nothing in it": {&bulkv1.Import{Kind: "contacts"}, workbook(t), "FILE_EMPTY"},
			"of old":        {&bulkv1.Import{Kind: "contacts"}, []byte{0xd0, 0xcf, 0x11, 0xe0, 1, 2}, "FILE_NOT_TEXT"},
		}
		for name, row := range cases {
			if _, err := upload(c.Ctx(), t, client, row.spec, row.content); errs.Reason(err) != row.reason {
				t.Errorf("%s: %v, want %s", name, err, row.reason)
			}
		}
		cards := "BEGIN:VCARD\nVERSION:5.0\nEND:VCARD\nBEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Us\nEND:VCARD\n" +
			"BEGIN:VCARD\nVERSION:4.0\nTITLE:Nobody\nEND:VCARD\nBEGIN:VCARD\nVERSION:4.0\nFN:Open"
		i := bring(c.Ctx(), t, client, &bulkv1.Import{Kind: "contacts", DryRun: true}, []byte(cards))
		rows, err := client.ListImportRows(c.Ctx(), &bulkv1.ListImportRowsRequest{Parent: i.GetName()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows.GetRows() {
			got = append(got, row.GetReason())
		}
		if diff := cmp.Diff([]string{"CARD_INVALID", "CARD_IS_GROUP", "NAME_MISSING", "CARD_OPEN"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// vCards of real address books come in, each card once, and again without creating
// anything (CON-49, B29).
func TestImportCards_real(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(filepath.Dir(exports(t)), "vcard")
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Both(t, s, []string{"CON-49", "B29"}, func(t *testing.T, c *testkit.Client) {
		c = c.As(s.User(entity.NewID(), "ann", auth.Admin))
		client := contactv1.NewImportServiceClient(c.Conn)
		for file, cards := range map[string]int64{
			"John_Doe_ANDROID.vcf": 6, "John_Doe_GMAIL.vcf": 1, "John_Doe_MS_OUTLOOK.vcf": 1, "gmail-list.vcf": 3, "gmail-single.vcf": 1,
			"gmail-single2.vcf": 1, "outlook-2003.vcf": 1, "rfc2426-example.vcf": 2, "rfc6350-example.vcf": 1,
		} {
			content, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			spec := func() *bulkv1.Import { return &bulkv1.Import{Kind: "contacts", RegionCode: "US"} }
			first := bring(c.Ctx(), t, client, spec(), content)
			if n := first.GetCounts(); n.GetRows() != cards || n.GetFailed() > 0 || n.GetCreated() != cards {
				t.Errorf("%s: %v%s", file, n, report(c.Ctx(), t, client, first))
			}
			if n := bring(c.Ctx(), t, client, spec(), content).GetCounts(); n.GetCreated() > 0 || n.GetUpdated() != cards {
				t.Errorf("%s, again: %v", file, n)
			}
		}
	})
}

// What one card says becomes the contact's, and what has no place is told (B29).
func TestImportCards_details(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.Client(t, s.As(auth.Admin))
	testkit.Prove(t, testkit.GRPC, "B29", "B32")
	card := strings.Join([]string{
		"BEGIN:VCARD", "VERSION:4.0", "UID:urn:x:1", "FN:Dr. Simon Perreault", "N:Perreault;Simon;Jean;;ing. jr,M.Sc.", "BDAY:--0203", "ORG:Viag\\,enie;Lab",
		"LANG;PREF=2:en", "LANG;PREF=1:fr", "ADR;TYPE=work:;Suite D2-630;2875 Laurier;Quebec;QC;G1V 2M2;Canada", "ADR;TYPE=home:;;1 Rue;Paris;;75001;France",
		"TEL;VALUE=uri;TYPE=\"work,voice\";PREF=1:tel:+1-418-656-9254;ext=102", "TEL;TYPE=cell:+1 418 262 6501", "EMAIL;TYPE=work:Simon@Example.com",
		"EMAIL:\"a b\"@x", "URL:javascript:alert(1)", "URL:http://nomis80.org", "CATEGORIES:Friends,Work\\, hard", "NOTE:one\\ntwo", "PHOTO:data:image/png;base64,AAAA",
		"X-SKYPE:simon", "END:VCARD", "",
	}, "\r\n")
	client := contactv1.NewImportServiceClient(c.Conn)
	i := bring(c.Ctx(), t, client, &bulkv1.Import{Kind: "contacts"}, []byte(card))
	rows, err := client.ListImportRows(c.Ctx(), &bulkv1.ListImportRowsRequest{Parent: i.GetName()})
	if err != nil || len(rows.GetRows()) != 1 || rows.GetRows()[0].GetReason() != "VALUE_UNREAD" {
		t.Fatalf("%v %v", rows, err)
	}
	for _, left := range []string{"PHOTO", "X-SKYPE", "URL", "ORG (unit)", "email"} {
		if !strings.Contains(rows.GetRows()[0].GetMessage(), left) {
			t.Errorf("nothing said of %s: %s", left, rows.GetRows()[0].GetMessage())
		}
	}
	got := one(t, c, "simon@example.com")
	want := &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: "Dr. Simon Perreault", GivenName: "Simon Jean", FamilyName: "Perreault",
		OrganisationName: "Viag,enie", LanguageCode: "fr", Note: "one\ntwo", Birthday: &date.Date{Month: 2, Day: 3}, RegionCode: "CA",
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: "Simon@example.com", Label: "work"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: "+14186569254", Extension: "102", Label: "work", Primary: true},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: "+14182626501", Label: "cell"},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_WEB, Value: "http://nomis80.org"},
		},
		Addresses: []*contactv1.Address{
			{Label: "work", Lines: []string{"Suite D2-630", "2875 Laurier"}, Locality: "Quebec", AdministrativeArea: "QC", PostalCode: "G1V 2M2", RegionCode: "CA"},
			{Label: "home", Lines: []string{"1 Rue"}, Locality: "Paris", PostalCode: "75001", RegionCode: "FR"},
		},
		Labels: map[string]string{"Friends": "true", "Work, hard": "true"}, ExternalIds: map[string]string{"vcard": "urn:x:1"},
	}
	said := &contactv1.Contact{
		Kind: got.GetKind(), DisplayName: got.GetDisplayName(), GivenName: got.GetGivenName(), FamilyName: got.GetFamilyName(), OrganisationName: got.GetOrganisationName(),
		LanguageCode: got.GetLanguageCode(), Note: got.GetNote(), Birthday: got.GetBirthday(), RegionCode: got.GetRegionCode(), Identifiers: got.GetIdentifiers(),
		Addresses: got.GetAddresses(), Labels: got.GetLabels(), ExternalIds: got.GetExternalIds(),
	}
	if diff := cmp.Diff(want, said, protocmp.Transform(), protocmp.IgnoreFields(&contactv1.Identifier{}, "flags")); diff != "" {
		t.Error(diff)
	}
}
