package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/disclosure"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	toProcessor  = contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR
	toThirdParty = contactv1.RecipientClass_RECIPIENT_CLASS_THIRD_PARTY
)

func disclosuresOf(a *api) contactv1.DisclosureServiceClient {
	return contactv1.NewDisclosureServiceClient(a.Conn)
}

// noted answers the notes in a contact's audit log that tell where its data went.
func noted(t testing.TB, a *api, contact string) (notes []string) {
	t.Helper()
	page := must(disclosuresOf(a).ListAuditEntries(a.Ctx(), &contactv1.ListAuditEntriesRequest{Parent: contact}))(t)
	for _, e := range page.GetAuditEntries() {
		if e.GetNote() != "" {
			notes = append(notes, e.GetNote())
		}
	}
	return notes
}

// A18, CON-45: who forbids it is passed on to no third party, limited to a processor,
// and whole to ourselves; each attempt stands in its audit log, which its tenant's
// heads can read.
func testScreenDisclosure(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"A18", "CON-45"}, func(t *testing.T, a, other *api) {
		ctx, d := a.Ctx(), disclosuresOf(a)
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", NoThirdPartySharing: true}).GetName()
		budi, tono := a.named(t, "Budi").GetName(), a.named(t, "Tono").GetName()
		a.revoke(t, &contactv1.Consent{Contact: tono, Purpose: "third-party-sharing"})
		nobody, foreign := "contacts/"+entity.NewID().String(), other.named(t, "Foreign").GetName()
		all := []string{siti, budi, tono, nobody, foreign}
		screen := func(req *contactv1.ScreenDisclosureRequest) (*contactv1.ScreenDisclosureResponse, []contactv1.WithholdReason) {
			t.Helper()
			req.Output, req.Contacts = "exports/contacts", all
			resp := must(d.ScreenDisclosure(ctx, req))(t)
			var reasons []contactv1.WithholdReason
			for i, one := range resp.GetDisclosures() {
				if one.GetContact() != all[i] || one.GetAllowed() != (one.GetReason() == 0) {
					t.Errorf("disclosure %d is %v", i, one)
				}
				reasons = append(reasons, one.GetReason())
			}
			return resp, reasons
		}
		const let, flag, revoked, unknown = 0, 1, 2, 4
		for class, want := range map[contactv1.RecipientClass][]contactv1.WithholdReason{
			contactv1.RecipientClass_RECIPIENT_CLASS_SUBJECT:     {let, let, let, let, let},
			contactv1.RecipientClass_RECIPIENT_CLASS_FIRST_PARTY: {let, let, let, let, let},
			toThirdParty: {flag, let, revoked, unknown, unknown},
			toProcessor:  {flag, let, revoked, unknown, unknown}, // without a contract on file
		} {
			if resp, reasons := screen(&contactv1.ScreenDisclosureRequest{RecipientClass: class}); !slices.Equal(reasons, want) {
				t.Errorf("%s: %v", class, resp)
			}
		}
		end := s.Clock.Now().Add(time.Hour)
		press := must(d.CreateRecipient(ctx, &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{
			DisplayName: "Printing house", RecipientClass: toProcessor, Contract: "DPA-7", ContractEndTime: timestamppb.New(end),
			Fields: []string{"contacts.display_name", "contacts.addresses"},
		}}))(t)
		resp, reasons := screen(&contactv1.ScreenDisclosureRequest{Recipient: press.GetName()})
		if !slices.Equal(reasons, []contactv1.WithholdReason{let, let, let, unknown, unknown}) || resp.GetRecipientClass() != toProcessor || len(resp.GetFields()) != 2 {
			t.Errorf("to the processor: %v", resp)
		}
		must(rightsOf(a).RestrictContact(ctx, &contactv1.RestrictContactRequest{Name: budi}))(t)
		must(d.DeleteRecipient(ctx, &contactv1.DeleteRecipientRequest{Name: press.GetName()}))(t)
		resp, reasons = screen(&contactv1.ScreenDisclosureRequest{Recipient: press.GetName()})
		if !slices.Equal(reasons, []contactv1.WithholdReason{flag, contactv1.WithholdReason_WITHHOLD_REASON_RESTRICTED, revoked, unknown, unknown}) || resp.GetRecipientClass() != toThirdParty {
			t.Errorf("off the file: %v", resp)
		}
		want := []string{
			"withheld from THIRD_PARTY " + press.GetName() + " by exports/contacts: NO_THIRD_PARTY_SHARING",
			"disclosed to PROCESSOR " + press.GetName() + " by exports/contacts",
			"withheld from THIRD_PARTY by exports/contacts: NO_THIRD_PARTY_SHARING",
			"withheld from THIRD_PARTY by exports/contacts: NO_THIRD_PARTY_SHARING",
		}
		if got := noted(t, a, siti); !slices.Equal(got, want) {
			t.Errorf("the audit log says %q", got)
		}
	})
}

// What leaves for all of its contacts or not at all is noted as disclosed of none where
// one forbids it; so nobody is told of an erasure who got nothing (A18, CON-44).
func testScreenTogether(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"A18", "CON-44"}, func(t *testing.T, a, other *api) {
		ctx, d := a.Ctx(), disclosuresOf(a)
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", NoThirdPartySharing: true}).GetName()
		budi := a.named(t, "Budi").GetName()
		ask := func(a *api, erasure bool, contacts ...string) []contactv1.WithholdReason {
			t.Helper()
			resp := must(disclosuresOf(a).ScreenDisclosure(a.Ctx(), &contactv1.ScreenDisclosureRequest{
				RecipientClass: toThirdParty, Output: "webhooks/x", Contacts: contacts, Together: true, Erasure: erasure,
			}))(t)
			var reasons []contactv1.WithholdReason
			for _, one := range resp.GetDisclosures() {
				reasons = append(reasons, one.GetReason())
			}
			return reasons
		}
		const let, flag, unknown = 0, 1, 4
		if got := ask(a, false, siti, budi); !slices.Equal(got, []contactv1.WithholdReason{flag, let}) {
			t.Errorf("together: %v", got)
		}
		if got := noted(t, a, budi); len(got) != 0 {
			t.Errorf("nothing left, and the audit log says %q", got)
		}
		if got := noted(t, a, siti); len(got) != 1 {
			t.Errorf("the audit log says %q", got)
		}
		ani := a.named(t, "Ani").GetName()
		if got := ask(a, false, ani); !slices.Equal(got, []contactv1.WithholdReason{let}) {
			t.Errorf("alone: %v", got)
		}
		if got := ask(a, true, ani); !slices.Equal(got, []contactv1.WithholdReason{unknown}) {
			t.Errorf("not erased yet: %v", got)
		}
		for _, name := range []string{siti, budi, ani} {
			must(rightsOf(a).EraseContact(ctx, &contactv1.EraseContactRequest{Name: name, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST}))(t)
		}
		for name, want := range map[string]contactv1.WithholdReason{siti: unknown, budi: unknown, ani: let} {
			if got := ask(a, true, name); !slices.Equal(got, []contactv1.WithholdReason{want}) {
				t.Errorf("of the erasure of %s: %v", name, got)
			}
		}
		if got := ask(other, true, ani); !slices.Equal(got, []contactv1.WithholdReason{unknown}) {
			t.Errorf("as another tenant: %v", got)
		}
		resp := must(d.ScreenDisclosure(ctx, &contactv1.ScreenDisclosureRequest{RecipientClass: toThirdParty, Output: "webhooks/xx", Contacts: []string{ani}, Erasure: true}))(t)
		if resp.GetDisclosures()[0].GetAllowed() {
			t.Error("it may leave by an output that sent nothing")
		}
	})
}

// A screening is noted once however often it is repeated, and not at all where it only
// asks; the log is for the heads of the tenant.
func testListAuditEntries(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx, d := a.Ctx(), disclosuresOf(a)
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", NoThirdPartySharing: true}).GetName()
		req := &contactv1.ScreenDisclosureRequest{RecipientClass: toThirdParty, Output: "webhooks/x", Contacts: []string{siti}, ValidateOnly: true}
		must(d.ScreenDisclosure(ctx, req))(t)
		if got := noted(t, a, siti); len(got) != 0 {
			t.Errorf("what only asks is noted: %q", got)
		}
		req.ValidateOnly, req.RequestId = false, "once"
		first, again := must(d.ScreenDisclosure(ctx, req))(t), must(d.ScreenDisclosure(ctx, req))(t)
		if got := noted(t, a, siti); len(got) != 1 || !proto.Equal(first, again) {
			t.Errorf("noted %q; answered %v, then %v", got, first, again)
		}
		list := &contactv1.ListAuditEntriesRequest{Parent: siti, PageSize: 1}
		page := must(d.ListAuditEntries(ctx, list))(t)
		if e := page.GetAuditEntries(); len(e) != 1 || e[0].GetActor() != a.Caller.Subject || e[0].GetRequestId() != "once" || e[0].GetMethod() != contactv1.DisclosureService_ScreenDisclosure_FullMethodName {
			t.Fatalf("the latest is %v", e)
		}
		list.PageToken = page.GetNextPageToken()
		page = must(d.ListAuditEntries(ctx, list))(t)
		if e := page.GetAuditEntries(); len(e) != 1 || !strings.HasSuffix(e[0].GetMethod(), "/CreateContact") || e[0].GetResourceSeq() != 1 || page.GetNextPageToken() != "" {
			t.Errorf("the first is %v", page)
		}
		_, err := disclosuresOf(other).ListAuditEntries(ctx, &contactv1.ListAuditEntriesRequest{Parent: siti})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = disclosuresOf(other).ListAuditEntries(ctx, list)
		refused(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
		for _, role := range []auth.Role{auth.Sales, auth.Agent, auth.Marketer, auth.Analyst} {
			_, err = disclosuresOf(of(a.As(s.User(a.Caller.Tenant, "someone", role)))).ListAuditEntries(ctx, &contactv1.ListAuditEntriesRequest{Parent: siti})
			refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		}
	})
}

func testRecipients(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx, d := a.Ctx(), disclosuresOf(a)
		for field, r := range map[string]*contactv1.Recipient{
			"recipient.contract":        {DisplayName: "x", RecipientClass: toProcessor, Fields: []string{"contacts.display_name"}},
			"recipient.fields":          {DisplayName: "x", RecipientClass: toProcessor, Contract: "7"},
			"recipient.fields[0]":       {DisplayName: "x", RecipientClass: toThirdParty, Fields: []string{"display_name"}},
			"recipient.recipient_class": {DisplayName: "x", RecipientClass: contactv1.RecipientClass_RECIPIENT_CLASS_SUBJECT},
			"recipient.display_name":    {RecipientClass: toThirdParty},
		} {
			_, err := d.CreateRecipient(ctx, &contactv1.CreateRecipientRequest{Recipient: r})
			violates(t, err, field, "")
		}
		made := must(d.CreateRecipient(ctx, &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{DisplayName: "Broker", RecipientClass: toThirdParty}}))(t)
		changed := must(d.UpdateRecipient(ctx, &contactv1.UpdateRecipientRequest{
			Recipient: &contactv1.Recipient{Name: made.GetName(), Description: "leads"}, UpdateMask: mask("description"),
		}))(t)
		if got := must(d.GetRecipient(ctx, &contactv1.GetRecipientRequest{Name: made.GetName()}))(t); !proto.Equal(got, changed) || got.GetDescription() != "leads" {
			t.Errorf("read %v", got)
		}
		if list := must(d.ListRecipients(ctx, &contactv1.ListRecipientsRequest{Filter: `recipient_class = "RECIPIENT_CLASS_THIRD_PARTY"`}))(t).GetRecipients(); len(list) != 1 {
			t.Errorf("listed %v", list)
		}
		theirs := disclosuresOf(other)
		_, err := theirs.GetRecipient(ctx, &contactv1.GetRecipientRequest{Name: made.GetName()})
		refused(t, err, codes.NotFound, "RECIPIENT_NOT_FOUND")
		_, err = theirs.ScreenDisclosure(ctx, &contactv1.ScreenDisclosureRequest{Recipient: made.GetName(), Output: "exports/x", Contacts: []string{other.named(t, "Foreign").GetName()}})
		refused(t, err, codes.NotFound, "RECIPIENT_NOT_FOUND")
		if list := must(theirs.ListRecipients(ctx, &contactv1.ListRecipientsRequest{}))(t).GetRecipients(); len(list) != 0 {
			t.Errorf("another tenant reads %v", list)
		}
		siti := a.named(t, "Siti").GetName()
		for field, req := range map[string]*contactv1.ScreenDisclosureRequest{
			"recipient_class": {Output: "exports/x", Contacts: []string{siti}},
			"recipient":       {Recipient: "recipients/x", Output: "exports/x", Contacts: []string{siti}},
			"output":          {RecipientClass: toThirdParty, Contacts: []string{siti}},
			"contacts":        {RecipientClass: toThirdParty, Output: "exports/x"},
			"contacts[0]":     {RecipientClass: toThirdParty, Output: "exports/x", Contacts: []string{"siti"}},
		} {
			_, err := d.ScreenDisclosure(ctx, req)
			violates(t, err, field, "")
		}
	})
}

// The guard lets out what was decided, prunes what a processor gets, and lets nothing
// out where nobody can be asked.
func testGuard(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-45"}, func(t *testing.T, a, other *api) {
		ctx, d := a.Ctx(), disclosuresOf(a)
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", Note: "likes tea", NoThirdPartySharing: true})
		budi := a.named(t, "Budi")
		records := []proto.Message{siti, budi, &contactv1.Interaction{Name: "interactions/x", Contact: siti.GetName(), Title: "Call"}, &contactv1.RelationshipType{Name: "relationshipTypes/x"}}
		screened := func(to disclosure.Recipient) disclosure.Cleared {
			t.Helper()
			return must(disclosure.Output{Decides: d, Name: "webhooks/x", To: to}.Screen(ctx, records))(t)
		}
		if c := screened(disclosure.ThirdParty); c.Withheld() != 2 || len(c.Records()) != 2 || !proto.Equal(c.Records()[0], budi) {
			t.Errorf("to a third party: %v", c)
		}
		if c := screened(disclosure.FirstParty); c.Withheld() != 0 || !proto.Equal(c.Records()[0], siti) {
			t.Errorf("to ourselves: %v", c)
		}
		press := must(d.CreateRecipient(ctx, &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{
			DisplayName: "Printing house", RecipientClass: toProcessor, Contract: "DPA-7", Fields: []string{"contacts.display_name"},
		}}))(t)
		c := screened(disclosure.Recipient{Name: press.GetName()})
		if got := c.Records()[0]; !proto.Equal(got, &contactv1.Contact{Name: siti.GetName(), DisplayName: "Siti"}) {
			t.Errorf("the processor gets %v", got)
		}
		if got := c.Records()[2]; !proto.Equal(got, &contactv1.Interaction{Name: "interactions/x"}) {
			t.Errorf("the processor gets %v", got)
		}
		if siti.GetNote() == "" {
			t.Error("the record itself was pruned")
		}
		blind := disclosure.Output{Decides: disclosuresOf(of(a.As(auth.Caller{}))), Name: "webhooks/x", To: disclosure.ThirdParty}
		if c, err := blind.Screen(ctx, records); errs.Code(err) != codes.Unauthenticated || len(c.Records()) != 0 {
			t.Errorf("without an answer: %v, %v", c, err)
		}
	})
}
