package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

const (
	contactCreated = "lingkar.contact.v1.ContactCreated"
	contactErased  = "lingkar.contact.v1.ContactErased"
)

// person makes a contact with a note, and answers it.
func (h hooks) person(c *contactv1.Contact) *contactv1.Contact {
	h.t.Helper()
	c.Kind, c.Note = contactv1.ContactKind_CONTACT_KIND_PERSON, "likes tea"
	made, err := contactv1.NewContactServiceClient(h.Conn).CreateContact(h.Ctx(), &contactv1.CreateContactRequest{AllowDuplicates: true, Contact: c})
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

// noted answers what a contact's audit log says of where its data went.
func (h hooks) noted(of string) (notes []string) {
	h.t.Helper()
	page, err := contactv1.NewDisclosureServiceClient(h.Conn).ListAuditEntries(h.Ctx(), &contactv1.ListAuditEntriesRequest{Parent: of})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, e := range page.GetAuditEntries() {
		if e.GetNote() != "" {
			notes = append(notes, e.GetNote())
		}
	}
	return notes
}

// A18, CON-45: who forbids it is passed on to no third party, which is audited; a third
// party gets nothing personal of anybody, a processor what its contract names, and we
// get all.
func TestWebhooks_keepFromThirdParties(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	testkit.Both(t, suite, []string{"A18", "CON-45"}, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		press := must(contactv1.NewDisclosureServiceClient(c.Conn).CreateRecipient(c.Ctx(), &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{
			DisplayName: "Printing house", RecipientClass: contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR, Contract: "DPA-7", Fields: []string{"contacts.display_name"},
		}}))(t)
		ours, prints, theirs, foreign := receive(t, nil), receive(t, nil), receive(t, nil), receive(t, nil)
		h.point(ours, firstParty, contactCreated)
		outside := h.point(theirs, thirdParty, contactCreated)
		hooksOf(t, c.Other()).point(foreign, firstParty, contactCreated)
		must(h.CreateWebhookEndpoint(c.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{
			Url: prints.URL, EventTypes: []string{contactCreated}, RecipientClass: processor, Recipient: press.GetName(),
		}}))(t)
		siti := h.person(&contactv1.Contact{DisplayName: "Siti Rahayu", NoThirdPartySharing: true}).GetName()
		budi := h.person(&contactv1.Contact{DisplayName: "Budi Santoso"}).GetName()

		for _, call := range ours.waitFor(2) {
			if !strings.Contains(call.body, "likes tea") || strings.Contains(call.body, `"sealed"`) {
				t.Errorf("we get %s", call.body)
			}
		}
		for _, call := range prints.waitFor(2) {
			p := call.payload(t).Data
			fields := p.Payload["contact"].(map[string]any)
			if name := fields["displayName"]; len(fields) != 2 || fields["name"] != p.Aggregate || name != "Siti Rahayu" && name != "Budi Santoso" {
				t.Errorf("the processor gets %v", fields)
			}
		}
		list := h.deliveries(outside, delivered, blocked)
		if list[1].GetBlockReason() != "NO_THIRD_PARTY_SHARING" || len(list[1].GetAttempts()) != 0 || list[0].GetBlockReason() != "" {
			t.Errorf("the deliveries are %v", list)
		}
		calls := theirs.heard()
		if len(calls) != 1 || calls[0].payload(t).Data.Aggregate != budi || strings.Contains(calls[0].body, "Budi") ||
			strings.Contains(calls[0].body, "tea") || strings.Contains(calls[0].body, siti) || calls[0].payload(t).Data.Sealed != nil {
			t.Errorf("the third party got %v", calls)
		}
		withheld := "withheld from THIRD_PARTY by " + outside.GetName() + ": NO_THIRD_PARTY_SHARING"
		if notes := h.noted(siti); !slices.Contains(notes, withheld) || !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "disclosed to PROCESSOR "+press.GetName()) }) {
			t.Errorf("the audit log says %q", notes)
		}
		if notes := h.noted(budi); !slices.Contains(notes, "disclosed to THIRD_PARTY by "+outside.GetName()) {
			t.Errorf("the audit log says %q", notes)
		}
		must(h.RedeliverWebhookDelivery(c.Ctx(), &platformv1.RedeliverWebhookDeliveryRequest{Name: list[1].GetName()}))(t)
		testkit.Eventually(t, func() error { // it is asked about again
			if notes := h.noted(siti); len(slices.DeleteFunc(notes, func(n string) bool { return n != withheld })) != 2 {
				return fmt.Errorf("the audit log says %q", notes)
			}
			return nil
		})
		if n := len(theirs.heard()); n != 1 {
			t.Errorf("the third party got %d calls", n)
		}
		if n := len(foreign.heard()); n != 0 {
			t.Errorf("another tenant got %d calls", n)
		}
	})
}

// A flag that is set between two attempts wins; so does a restriction, and the end of a
// contract (A18).
func TestWebhooks_askAtEachAttempt(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	suite.Clock.Set(suite.Clock.Now()) // no attempt is due by itself
	testkit.Prove(t, testkit.GRPC, "A18")
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	refuses := func(n int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	theirs, prints := receive(t, refuses), receive(t, refuses)
	press := must(contactv1.NewDisclosureServiceClient(h.Conn).CreateRecipient(h.Ctx(), &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{
		DisplayName: "Printing house", RecipientClass: contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR, Contract: "DPA-7", Fields: []string{"contacts.display_name"},
		ContractEndTime: timestamppb.New(suite.Clock.Now().Add(time.Hour)),
	}}))(t)
	outside := h.point(theirs, thirdParty, contactCreated)
	bound := must(h.CreateWebhookEndpoint(h.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{
		Url: prints.URL, EventTypes: []string{contactCreated}, RecipientClass: processor, Recipient: press.GetName(),
	}}))(t)
	siti := h.person(&contactv1.Contact{DisplayName: "Siti Rahayu"})
	h.attempts(outside, 1)
	h.attempts(bound, 1)
	must(contactv1.NewContactServiceClient(h.Conn).UpdateContact(h.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti.GetName(), NoThirdPartySharing: true}}))(t)
	suite.Clock.Advance(10 * time.Second)
	if d := h.deliveries(outside, blocked)[0]; d.GetBlockReason() != "NO_THIRD_PARTY_SHARING" || len(d.GetAttempts()) != 1 {
		t.Errorf("after the flag was set: %v", d)
	}
	if last := prints.waitFor(2)[1]; !strings.Contains(last.body, "Siti") {
		t.Errorf("the processor got %s", last.body)
	}
	h.attempts(bound, 2)
	suite.Clock.Advance(2 * time.Hour) // the contract has ended: it is a third party
	if d := h.deliveries(bound, blocked)[0]; d.GetBlockReason() != "NO_THIRD_PARTY_SHARING" || len(d.GetAttempts()) != 2 {
		t.Errorf("after the contract ended: %v", d)
	}
	budi := h.person(&contactv1.Contact{DisplayName: "Budi Santoso"})
	list := h.deliveries(outside, pending, blocked)
	testkit.Eventually(t, func() error { // an attempt under way would note its time after the clock's move
		d, err := h.GetWebhookDelivery(h.Ctx(), &platformv1.GetWebhookDeliveryRequest{Name: list[0].GetName()})
		if err == nil && len(d.GetAttempts()) != 1 {
			err = fmt.Errorf("the delivery is %v, want one attempt", d)
		}
		return err
	})
	must(contactv1.NewPrivacyServiceClient(h.Conn).RestrictContact(h.Ctx(), &contactv1.RestrictContactRequest{Name: budi.GetName()}))(t)
	suite.Clock.Advance(10 * time.Second)
	h.deliveries(outside, blocked, blocked)
	if d := must(h.GetWebhookDelivery(h.Ctx(), &platformv1.GetWebhookDeliveryRequest{Name: list[0].GetName()}))(t); d.GetBlockReason() != "RESTRICTED" {
		t.Errorf("after the restriction: %v", d)
	}
}

// What cannot be asked about does not leave, and waits.
func TestWebhooks_failClosed(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	r := receive(t, nil)
	e := h.point(r, thirdParty, contactCreated)
	must(h.PauseWebhookEndpoint(h.Ctx(), &platformv1.PauseWebhookEndpointRequest{Name: e.GetName()}))(t)
	h.person(&contactv1.Contact{DisplayName: "Budi Santoso"})
	d := h.deliveries(e, pending)[0]
	if err := suite.Services["contact"].Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	must(h.ResumeWebhookEndpoint(h.Ctx(), &platformv1.ResumeWebhookEndpointRequest{Name: e.GetName()}))(t)
	testkit.Eventually(t, func() error {
		now, err := h.GetWebhookDelivery(h.Ctx(), &platformv1.GetWebhookDeliveryRequest{Name: d.GetName()})
		if err == nil && !now.GetUpdateTime().AsTime().After(d.GetUpdateTime().AsTime()) {
			err = fmt.Errorf("it was not looked at: %v", now)
		}
		if err == nil && (now.GetState() != pending || len(now.GetAttempts()) != 0 || !now.GetNextAttemptTime().AsTime().After(suite.Clock.Now())) {
			t.Errorf("the delivery is %v", now)
		}
		return err
	})
	if n := len(r.heard()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// An erased person is in no delivery any more: neither in what receivers answered, nor in
// what is sent again (I12).
func TestWebhooks_forgetTheErased(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	testkit.Prove(t, testkit.GRPC, "CON-44")
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	r := receive(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("thank you for Siti Rahayu"))
	})
	e := h.point(r, firstParty, contactCreated)
	siti := h.person(&contactv1.Contact{DisplayName: "Siti Rahayu"})
	if d := h.attempts(e, 1); !strings.Contains(d.GetAttempts()[0].GetAnswer(), "Siti") || !strings.Contains(r.heard()[0].body, "Siti") {
		t.Fatalf("the test has lost its sight: %v", d)
	}
	h.erase(siti.GetName())
	var d *platformv1.WebhookDelivery
	testkit.Eventually(t, func() error {
		if d = h.deliveries(e, delivered)[0]; len(d.GetAttempts()) != 1 || d.GetAttempts()[0].GetAnswer() != "" || d.GetAttempts()[0].GetStatusCode() != 200 {
			return fmt.Errorf("the delivery is %v", d)
		}
		return nil
	})
	must(h.RedeliverWebhookDelivery(h.Ctx(), &platformv1.RedeliverWebhookDeliveryRequest{Name: d.GetName()}))(t)
	if again := r.waitFor(2)[1]; strings.Contains(again.body, "Siti") || strings.Contains(again.body, "tea") || again.payload(t).Data.Aggregate != siti.GetName() {
		t.Errorf("sent again: %s", again.body)
	}
}

// erase erases a contact.
func (h hooks) erase(name string) {
	h.t.Helper()
	if _, err := contactv1.NewPrivacyServiceClient(h.Conn).EraseContact(h.Ctx(), &contactv1.EraseContactRequest{Name: name, Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST}); err != nil {
		h.t.Fatal(err)
	}
}

// about answers the bodies of the calls of a type, by the resource that they are about.
func (r *receiver) about(kind string) map[string]string {
	all := map[string]string{}
	for _, call := range r.heard() {
		if p := call.payload(r.t); p.Type == kind {
			all[p.Data.Aggregate] = call.body
		}
	}
	return all
}

// Those outside who got something of a contact hear that it was erased, and nothing but
// its name, whatever it forbade meanwhile; those who got nothing hear nothing (CON-44,
// CON-45; GDPR, article 19).
func TestWebhooks_tellRecipientsOfErasures(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	testkit.Both(t, suite, []string{"CON-44", "CON-45"}, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		press := must(contactv1.NewDisclosureServiceClient(c.Conn).CreateRecipient(c.Ctx(), &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{
			DisplayName: "Printing house", RecipientClass: contactv1.RecipientClass_RECIPIENT_CLASS_PROCESSOR, Contract: "DPA-7", Fields: []string{"contacts.display_name", "contacts.kind"},
		}}))(t)
		under := func(r *receiver) *platformv1.WebhookEndpoint {
			return must(h.CreateWebhookEndpoint(c.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{
				Url: r.URL, EventTypes: []string{contactCreated, contactErased}, RecipientClass: processor, Recipient: press.GetName(),
			}}))(t)
		}
		ours, prints, theirs := receive(t, nil), receive(t, nil), receive(t, nil)
		own, bound, outside := h.point(ours, firstParty, contactErased), under(prints), h.point(theirs, thirdParty, contactCreated, contactErased)
		siti := h.person(&contactv1.Contact{DisplayName: "Siti Rahayu", NoThirdPartySharing: true}).GetName()
		budi := h.person(&contactv1.Contact{DisplayName: "Budi Santoso"}).GetName()
		h.deliveries(bound, delivered, delivered)
		h.deliveries(outside, delivered, blocked)
		late, again, foreign := receive(t, nil), receive(t, nil), receive(t, nil)
		newcomer, second := h.point(late, thirdParty, contactErased), under(again)
		hooksOf(t, c.Other()).point(foreign, thirdParty, contactErased)
		must(contactv1.NewContactServiceClient(h.Conn).UpdateContact(h.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: budi, NoThirdPartySharing: true}}))(t)

		h.erase(siti)
		h.erase(budi)
		h.deliveries(own, delivered, delivered)
		h.deliveries(bound, delivered, delivered, delivered, delivered)
		h.deliveries(second, delivered, delivered) // another endpoint of who got something
		h.deliveries(outside, delivered, delivered, blocked, blocked)
		for _, d := range h.deliveries(newcomer, blocked, blocked) {
			if d.GetBlockReason() != "CONTACT_UNKNOWN" {
				t.Errorf("who got nothing: %v", d)
			}
		}
		for r, want := range map[*receiver][]string{ours: {siti, budi}, prints: {siti, budi}, again: {siti, budi}, theirs: {budi}, late: nil, foreign: nil} {
			told := r.about(contactErased)
			if len(told) != len(want) {
				t.Errorf("told %v, want %v", told, want)
			}
			for _, name := range want {
				if told[name] == "" {
					t.Errorf("nobody told of %s: %v", name, told)
				}
			}
		}
		for _, call := range append(append(prints.heard(), theirs.heard()...), again.heard()...) {
			p := call.payload(t)
			if p.Type != contactErased {
				continue
			}
			left, _ := p.Data.Payload["contact"].(map[string]any)
			if len(left) != 1 || left["name"] != p.Data.Aggregate || p.Data.Payload["reason"] != nil || p.Data.Sealed != nil {
				t.Errorf("more is told than the name: %s", call.body)
			}
		}
		if notes := h.noted(budi); !slices.Contains(notes, "told THIRD_PARTY by "+outside.GetName()+" of the erasure") ||
			!slices.Contains(notes, "withheld from THIRD_PARTY by "+newcomer.GetName()+": CONTACT_UNKNOWN") {
			t.Errorf("the audit log says %q", notes)
		}
	})
}

// A field that a rule keeps from somebody goes to no receiver (CON-29, CON-44).
func TestWebhooks_leaveOutWhatARuleHides(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	must(platformv1.NewFieldRuleServiceClient(h.Conn).CreateFieldRule(h.Ctx(), &platformv1.CreateFieldRuleRequest{
		FieldRule: &platformv1.FieldRule{ResourceType: "lingkar.dev/Contact", Field: "note", Reason: "Notes are the managers'.", Readers: []string{"roles/manager"}},
	}))(t)
	r := receive(t, nil)
	h.point(r, firstParty, contactCreated)
	for n := 1; ; n++ {
		h.person(&contactv1.Contact{DisplayName: "Ani"})
		last := r.waitFor(n)[n-1]
		if !strings.Contains(last.body, "Ani") {
			t.Fatalf("we get %s", last.body)
		}
		if !strings.Contains(last.body, "tea") {
			return
		}
		if n == 60 { // a rule holds within ten seconds
			t.Fatal("the note is sent")
		}
	}
}

// A recipient must be on file, and one that is to be a processor under a contract.
func TestWebhookEndpoints_recipients(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, inside)
	testkit.Both(t, suite, []string{"CON-45"}, func(t *testing.T, c *testkit.Client) {
		h, d := hooksOf(t, c), contactv1.NewDisclosureServiceClient(c.Conn)
		third := must(d.CreateRecipient(c.Ctx(), &contactv1.CreateRecipientRequest{Recipient: &contactv1.Recipient{
			DisplayName: "Broker", RecipientClass: contactv1.RecipientClass_RECIPIENT_CLASS_THIRD_PARTY,
		}}))(t)
		e := &platformv1.WebhookEndpoint{Url: "https://crm.example.com/", RecipientClass: processor, Recipient: third.GetName()}
		try := func() error {
			_, err := h.CreateWebhookEndpoint(c.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: e})
			return err
		}
		want(t, try(), codes.InvalidArgument, "RECIPIENT_NO_PROCESSOR")
		e.Recipient = "recipients/" + entity.NewID().String()
		want(t, try(), codes.NotFound, "RECIPIENT_NOT_FOUND")
		e.RecipientClass, e.Recipient = thirdParty, third.GetName()
		if err := try(); err != nil {
			t.Error(err)
		}
		plain := must(h.CreateWebhookEndpoint(c.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{Url: "https://crm.example.com/"}}))(t)
		_, err := h.UpdateWebhookEndpoint(c.Ctx(), &platformv1.UpdateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{
			Name: plain.GetName(), RecipientClass: processor, Recipient: third.GetName(),
		}})
		want(t, err, codes.InvalidArgument, "RECIPIENT_NO_PROCESSOR")
		must(d.DeleteRecipient(c.Ctx(), &contactv1.DeleteRecipientRequest{Name: third.GetName()}))(t)
		want(t, try(), codes.InvalidArgument, "RECIPIENT_DELETED")
	})
}
