package server_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// exported answers all parts of what is held on a contact.
func exported(t testing.TB, a *api, contact string, format contactv1.DataFormat) (parts []string, last *contactv1.ExportContactDataResponse) {
	t.Helper()
	req := &contactv1.ExportContactDataRequest{Name: contact, Format: format}
	for {
		last = must(rightsOf(a).ExportContactData(a.Ctx(), req))(t)
		parts = append(parts, string(last.GetContent()))
		if req.PageToken = last.GetNextPageToken(); req.PageToken == "" {
			return parts, last
		}
	}
}

// CON-44: a person gets all that the contact area holds on it, to read and to take
// along; that it was given stands in the audit log.
func testExportContactData(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti := a.create(t, &contactv1.Contact{
			Kind: person, DisplayName: "Siti; Aminah, S.E.", GivenName: "Siti", FamilyName: "Aminah", Note: "=first\nsecond", Birthday: &date.Date{Month: 2, Day: 9},
			Identifiers: []*contactv1.Identifier{
				{Kind: email, Value: "siti@example.com", Primary: true}, {Kind: phone, Value: "+628123456789", Extension: "7"},
			},
			Addresses: []*contactv1.Address{{Lines: []string{"Jl. Melati 1"}, Locality: "Bandung", RegionCode: "ID"}},
		})
		a.grant(t, &contactv1.Consent{Contact: siti.GetName(), Purpose: "marketing", Evidence: "form 7"})
		long := strings.Repeat("a long letter ", 60_000)
		for n := range 6 {
			must(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
				Contact: siti.GetName(), Channel: byPhone, Direction: 1, Title: fmt.Sprintf("call %d", n), Body: long,
			}}))(t)
		}
		list, last := exported(t, a, siti.GetName(), contactv1.DataFormat_DATA_FORMAT_JSON)
		var talks, documents int
		for n, text := range list {
			data := &contactv1.ContactData{}
			if err := protojson.Unmarshal([]byte(text), data); err != nil {
				t.Fatal(err)
			}
			talks, documents = talks+len(data.GetInteractions()), documents+len(data.GetDocuments())
			if first := n == 0; (data.GetContact().GetNote() == siti.GetNote()) != first || (len(data.GetConsents()) == 1) != first {
				t.Errorf("part %d holds %v, %v", n, data.GetContact(), data.GetConsents())
			}
			for _, d := range data.GetDocuments() {
				if d.GetText() != long {
					t.Errorf("a document of %d bytes", len(d.GetText()))
				}
			}
		}
		if talks != 6 || documents != 6 || len(list) < 2 || last.GetMediaType() != "application/json" || !last.GetParts()[0].GetComplete() || last.GetParts()[1].GetComplete() {
			t.Errorf("%d parts, %d talks, %d documents, %v", len(list), talks, documents, last.GetParts())
		}
		list, _ = exported(t, a, siti.GetName(), contactv1.DataFormat_DATA_FORMAT_CSV)
		rows, err := csv.NewReader(strings.NewReader(list[0])).ReadAll()
		if err != nil || !strings.Contains(list[0], siti.GetName()+",identifiers[0].value,siti@example.com\r\n") || !strings.Contains(list[0], ",note,\"'=first") {
			t.Errorf("%d rows, %v: %.300s", len(rows), err, list[0])
		}
		cards, _ := exported(t, a, siti.GetName(), contactv1.DataFormat_DATA_FORMAT_VCARD)
		for _, line := range []string{
			"BEGIN:VCARD\r\nVERSION:4.0\r\n", "FN:Siti\\; Aminah\\, S.E.\r\n", "N:Aminah;Siti;;;\r\n", "BDAY:--0209\r\n", "EMAIL;PREF=1:siti@example.com\r\n",
			"TEL;VALUE=uri:tel:+628123456789;ext=7\r\n", "ADR:;;Jl. Melati 1;Bandung;;;ID\r\n", "NOTE:=first\\nsecond\r\n", "END:VCARD\r\n",
		} {
			if !strings.Contains(cards[0], line) {
				t.Errorf("%q is not in %q", line, cards[0])
			}
		}
		if notes := noted(t, a, siti.GetName()); len(notes) == 0 || !strings.HasPrefix(notes[0], "disclosed to SUBJECT") {
			t.Errorf("the audit log says %q", notes)
		}
		req := &contactv1.ExportContactDataRequest{Name: siti.GetName(), Format: contactv1.DataFormat_DATA_FORMAT_JSON}
		_, err = rightsOf(other).ExportContactData(ctx, req)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = rightsOf(of(a.As(s.User(a.Caller.Tenant, "agnes", auth.Agent)))).ExportContactData(ctx, req)
		refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		_, err = rightsOf(a).ExportContactData(ctx, &contactv1.ExportContactDataRequest{Name: siti.GetName()})
		violates(t, err, "format", "")
		req.PageToken = "x"
		_, err = rightsOf(a).ExportContactData(ctx, req)
		refused(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
	})
}

// CON-44: what a person's roles bring with them, what sources told of it, its custom
// fields and what was found right of it are handed over, too.
func testExportContactData_roles(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44", "CON-24"}, func(t *testing.T, a, _ *api) {
		ctx := a.Ctx()
		tax := field("tax_number", "TEXT")
		tax.Unique, tax.Indexed = true, true
		a.add(t, tax)
		siti := a.create(t, &contactv1.Contact{
			Kind: person, DisplayName: "Siti", Identifiers: []*contactv1.Identifier{{Kind: email, Value: "siti@example.com"}},
			CustomFields: custom(t, map[string]any{"tax_number": "NPWP-7"}),
		})
		must(a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: siti.GetName(), Role: &contactv1.Role{
			Kind: employee, Employee: &contactv1.EmployeeProfile{JobTitle: "Tester of teas"},
		}}))(t)
		must(a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: &contactv1.Fact{
			Contact: siti.GetName(), Source: "visit", Content: &contactv1.Fact_MarketNote{MarketNote: &contactv1.MarketNote{Kind: 1, Topic: "Green tea"}},
		}}))(t)
		must(contactv1.NewQualityServiceClient(a.Conn).VerifyField(ctx, &contactv1.VerifyFieldRequest{
			Name: siti.GetName(), Field: "email", Method: contactv1.VerificationMethod_VERIFICATION_METHOD_DOCUMENT,
		}))(t)
		for format, words := range map[contactv1.DataFormat][]string{
			contactv1.DataFormat_DATA_FORMAT_JSON: {"NPWP-7", "Tester of teas", "Green tea", "VERIFICATION_METHOD_DOCUMENT"},
			contactv1.DataFormat_DATA_FORMAT_CSV:  {"NPWP-7", "Tester of teas", "Green tea", "fieldVerifications/1,field,email"},
		} {
			testkit.Eventually(t, func() error { // what was verified follows the log
				list, _ := exported(t, a, siti.GetName(), format)
				for _, word := range words {
					if !strings.Contains(list[0], word) {
						return fmt.Errorf("%s: %q is missing in %.2000s", format, word, list[0])
					}
				}
				return nil
			})
		}
	})
}

// CON-46, CON-47: when, where and on which channel a contact is best reached comes from
// what it prefers, its own history and that of others.
func testGetContactTiming(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-46", "CON-47"}, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		siti := a.create(t, &contactv1.Contact{
			Kind: person, DisplayName: "Siti", LanguageCode: "id", Preference: &contactv1.ContactPreference{TimeZone: "Asia/Jakarta"},
			Addresses: []*contactv1.Address{{Locality: "Bandung"}},
		})
		timing := func(a *api) (*contactv1.ContactTiming, error) {
			return rightsOf(a).GetContactTiming(ctx, &contactv1.GetContactTimingRequest{Name: siti.GetName() + "/timing"})
		}
		if got := must(timing(a))(t); got.GetObservationCount() != 0 || len(got.GetBestTimes()) != 3 || got.GetBestPlace() != "Bandung" || got.GetBestChannel() != 0 || got.GetLanguageCode() != "id" {
			t.Errorf("of whom nothing is known: %v", got)
		}
		friday := time.Date(2026, 6, 5, 12, 30, 0, 0, time.UTC) // 19:30 in Jakarta
		for week := range 15 {
			for _, direction := range []eventv1.Direction{1, 3} { // what is said among ourselves tells nothing
				must(a.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
					Contact: siti.GetName(), Channel: byChat, Direction: direction, Title: "chat", OccurredAt: timestamppb.New(friday.AddDate(0, 0, 7*week)),
				}}))(t)
			}
		}
		got := must(timing(a))(t)
		if best := got.GetBestTimes()[0]; best.GetDayOfWeek() != 5 || best.GetStartHour() > 19 || best.GetStartHour()+best.GetHours() <= 19 || best.GetLift() < 10 || best.GetObservationCount() != 15 {
			t.Errorf("the best time is %v", best)
		}
		if got.GetObservationCount() != 15 || got.GetBaseObservationCount() != 30 || got.GetBestChannel() != byChat || got.GetTimeZone() != "Asia/Jakarta" {
			t.Errorf("the timing is %v", got)
		}
		must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti.GetName(), Preference: &contactv1.ContactPreference{
			TimeZone: "Asia/Jakarta", Hours: "09:00-12:00", Channel: byPhone, Place: "Her office",
		}}, UpdateMask: mask("preference")}))(t)
		got = must(timing(a))(t)
		for _, span := range got.GetBestTimes() {
			if span.GetStartHour() < 9 || span.GetStartHour()+span.GetHours() > 12 {
				t.Errorf("outside the hours she prefers: %v", span)
			}
		}
		if got.GetBestChannel() != byPhone || got.GetBestPlace() != "Her office" || got.GetPreference().GetHours() != "09:00-12:00" {
			t.Errorf("what she prefers does not count: %v", got)
		}
		_, err := timing(other)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = r.GetContactTiming(ctx, &contactv1.GetContactTimingRequest{Name: siti.GetName()})
		if a.Transport == testkit.GRPC {
			violates(t, err, "name", "")
		}
	})
}
