package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var leadTests = tests{
	"lead is worked on":                       leadIsWorkedOn,
	"lead lists":                              leadLists,
	"lead needs a contact":                    leadNeedsAContact,
	"lead bad input":                          leadBadInput,
	"capture lead finds or makes the contact": captureLeadFindsOrMakesTheContact,
	"capture lead bad input":                  captureLeadBadInput,
	"capture lead leaves nothing behind":      captureLeadLeavesNothingBehind,
}

// nobody is the name of a contact that does not exist.
const nobody = "contacts/01900000-0000-7000-8000-000000000001"

// lead creates a lead of a contact.
func (c *clients) lead(t testing.TB, contact string) *salesv1.Lead {
	t.Helper()
	return must[*salesv1.Lead](t)(c.CreateLead(c.Ctx(), &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{
		Contact: contact, DisplayName: "Wants tea", EstimatedValue: rupiah(1000),
	}}))
}

func leadIsWorkedOn(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		l := c.lead(t, c.person(t, "Ani"))
		if l.GetStatus() != salesv1.LeadStatus_LEAD_STATUS_NEW || l.GetOwner() != c.Caller.Subject || l.GetCaptureTime() == nil {
			t.Errorf("created %v", l)
		}
		_, err := c.ReopenLead(c.Ctx(), &salesv1.ReopenLeadRequest{Name: l.GetName()})
		refused(t, "an open lead reopened (B45)", err, codes.FailedPrecondition, "LEAD_NOT_DISQUALIFIED")
		l = must[*salesv1.Lead](t)(c.AcceptLead(c.Ctx(), &salesv1.AcceptLeadRequest{Name: l.GetName()}))
		_, err = c.AcceptLead(c.Ctx(), &salesv1.AcceptLeadRequest{Name: l.GetName()})
		refused(t, "accepted twice", err, codes.FailedPrecondition, "LEAD_ACCEPTED")
		l = must[*salesv1.Lead](t)(c.DisqualifyLead(c.Ctx(), &salesv1.DisqualifyLeadRequest{Name: l.GetName(), Reason: "no budget"}))
		if l.GetDisqualifyReason() != "no budget" || l.GetCloseTime() == nil {
			t.Errorf("disqualified %v", l)
		}
		_, err = c.ConvertLead(c.Ctx(), &salesv1.ConvertLeadRequest{Name: l.GetName()})
		refused(t, "a closed lead converted (B45)", err, codes.FailedPrecondition, "LEAD_CLOSED")
		l = must[*salesv1.Lead](t)(c.ReopenLead(c.Ctx(), &salesv1.ReopenLeadRequest{Name: l.GetName(), Etag: l.GetEtag()}))
		l = must[*salesv1.Lead](t)(c.QualifyLead(c.Ctx(), &salesv1.QualifyLeadRequest{Name: l.GetName()}))
		if l.GetStatus() != salesv1.LeadStatus_LEAD_STATUS_QUALIFIED || l.GetDisqualifyReason() != "" || l.GetCloseTime() != nil {
			t.Errorf("taken up again and qualified: %v", l)
		}
		l.Note = "Calls on Monday"
		l = must[*salesv1.Lead](t)(c.UpdateLead(c.Ctx(), &salesv1.UpdateLeadRequest{Lead: l, UpdateMask: mask("note")}))
		if l.GetNote() != "Calls on Monday" {
			t.Errorf("updated %v", l)
		}
		leadOfAnother(t, c, l)
	})
}

func leadOfAnother(t *testing.T, c *clients, l *salesv1.Lead) {
	t.Helper()
	o := c.other()
	_, err := o.GetLead(o.Ctx(), &salesv1.GetLeadRequest{Name: l.GetName()})
	refused(t, "another tenant's read", err, codes.NotFound, "LEAD_NOT_FOUND")
	for what, call := range map[string]func() error{
		"accept": func() error {
			_, err := o.AcceptLead(o.Ctx(), &salesv1.AcceptLeadRequest{Name: l.GetName()})
			return err
		},
		"qualify": func() error {
			_, err := o.QualifyLead(o.Ctx(), &salesv1.QualifyLeadRequest{Name: l.GetName()})
			return err
		},
		"convert": func() error {
			_, err := o.ConvertLead(o.Ctx(), &salesv1.ConvertLeadRequest{Name: l.GetName()})
			return err
		},
		"delete": func() error {
			_, err := o.DeleteLead(o.Ctx(), &salesv1.DeleteLeadRequest{Name: l.GetName()})
			return err
		},
	} {
		refused(t, "another tenant's "+what, call(), codes.NotFound, "LEAD_NOT_FOUND")
	}
	list := must[*salesv1.ListLeadsResponse](t)(o.ListLeads(o.Ctx(), &salesv1.ListLeadsRequest{Filter: `contact = "` + l.GetContact() + `"`}))
	if len(list.GetLeads()) != 0 {
		t.Errorf("another tenant lists %v", list.GetLeads())
	}
	_, err = o.CreateLead(o.Ctx(), &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{Contact: l.GetContact()}})
	refused(t, "another tenant's lead of our contact", err, codes.NotFound, "CONTACT_NOT_FOUND")
}

func leadLists(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani, budi := c.person(t, "Ani"), c.person(t, "Budi")
		first, second := c.lead(t, ani), c.lead(t, ani)
		c.lead(t, budi)
		must[*salesv1.Lead](t)(c.QualifyLead(c.Ctx(), &salesv1.QualifyLeadRequest{Name: second.GetName()}))
		of := `contact = "` + ani + `"`
		for filter, want := range map[string][]string{
			of: {second.GetName(), first.GetName()},
			of + ` AND status = LEAD_STATUS_QUALIFIED`:                       {second.GetName()},
			of + ` AND (status = "LEAD_STATUS_NEW" OR owner = "users/none")`: {first.GetName()},
			of + ` AND owner = "users/none"`:                                 {},
		} {
			list := must[*salesv1.ListLeadsResponse](t)(c.ListLeads(c.Ctx(), &salesv1.ListLeadsRequest{Filter: filter})).GetLeads()
			var names []string
			for _, l := range list {
				names = append(names, l.GetName())
			}
			if len(names) != len(want) || len(want) > 0 && names[0] != want[0] {
				t.Errorf("%s: %v, want %v", filter, names, want)
			}
		}
	})
}

func leadNeedsAContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		create := func(contact string) error {
			_, err := c.CreateLead(c.Ctx(), &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{Contact: contact}})
			return err
		}
		refused(t, "of nobody", create(nobody), codes.NotFound, "CONTACT_NOT_FOUND")
		err := create("")
		refused(t, "without a contact", err, codes.InvalidArgument, "FIELD_INVALID")
		blames(t, "without a contact", err, "lead.contact")
		refused(t, "of a lead", create("leads/01900000-0000-7000-8000-000000000001"), codes.InvalidArgument, "FIELD_INVALID")

		ani, budi := c.person(t, "Ani"), c.person(t, "Budi")
		l := c.lead(t, ani)
		l.Contact = budi
		_, err = c.UpdateLead(c.Ctx(), &salesv1.UpdateLeadRequest{Lead: l, UpdateMask: mask("contact")})
		refused(t, "the contact changes", err, codes.InvalidArgument, "FIELD_IMMUTABLE")
		must[*contactv1.Contact](t)(c.contacts.DeleteContact(c.Ctx(), &contactv1.DeleteContactRequest{Name: budi}))
		testkit.Eventually(t, func() error { return wants(create(budi), codes.FailedPrecondition, "CONTACT_DELETED") })
	})
}

func leadBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		ani, product := c.person(t, "Ani"), c.product(t, "LEAD")
		for what, l := range map[string]*salesv1.Lead{
			"in the future":               {CaptureTime: timestamppb.New(time.Now().Add(time.Hour))},
			"channel unknown (B22)":       {Channel: 99},
			"65 labels (B23)":             {Labels: labels(65)},
			"a product twice":             {Products: []string{product.GetName(), product.GetName()}},
			"a product of another kind":   {Products: []string{ani}},
			"control characters (B06)":    {DisplayName: "a\x00b"},
			"negative value (B17)":        {EstimatedValue: rupiah(-1)},
			"a field too long (B07)":      {DisplayName: string(make([]rune, 301))},
			"external system in capitals": {ExternalIds: map[string]string{"SAP": "1"}},
		} {
			l.Contact = ani
			if _, err := c.CreateLead(c.Ctx(), &salesv1.CreateLeadRequest{Lead: l}); codeOf(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := c.CreateLead(c.Ctx(), &salesv1.CreateLeadRequest{Lead: &salesv1.Lead{
			Contact: ani, Products: []string{"products/01900000-0000-7000-8000-000000000001"},
		}})
		refused(t, "a product that does not exist", err, codes.NotFound, "PRODUCT_NOT_FOUND")
	})
}

func labels(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[string(rune('a'+i/26))+string(rune('a'+i%26))] = "x"
	}
	return m
}

func captureLeadFindsOrMakesTheContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		details := &salesv1.ContactDetails{GivenName: "Sari", Email: "sari-" + c.Transport + "@example.com", Phone: "0812 3456 78" + map[string]string{"gRPC": "01", "REST": "02"}[c.Transport]}
		capture := func(d *salesv1.ContactDetails, id string) *salesv1.Lead {
			t.Helper()
			return must[*salesv1.Lead](t)(c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{
				Who: &salesv1.CaptureLeadRequest_ContactDetails{ContactDetails: d}, DisplayName: "Wants tea", Source: "web-form", RequestId: id,
			}))
		}
		preview := must[*salesv1.Lead](t)(c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{
			Who: &salesv1.CaptureLeadRequest_ContactDetails{ContactDetails: details}, ValidateOnly: true,
		}))
		if preview.GetStatus() != salesv1.LeadStatus_LEAD_STATUS_NEW {
			t.Errorf("checked %v", preview)
		}
		l := capture(details, "capture-"+c.Transport)
		if l.GetChannel() != eventv1.Channel_CHANNEL_WEB || l.GetOwner() != "" || l.GetSource() != "web-form" {
			t.Errorf("captured %v", l)
		}
		if again := capture(details, "capture-"+c.Transport); !proto.Equal(l, again) {
			t.Errorf("captured again %v", again)
		}
		made := must[*contactv1.Contact](t)(c.contacts.GetContact(c.Ctx(), &contactv1.GetContactRequest{Name: l.GetContact()}))
		if made.GetGivenName() != "Sari" || len(made.GetIdentifiers()) != 2 {
			t.Errorf("made %v", made)
		}
		byMail := capture(&salesv1.ContactDetails{DisplayName: "S.", Email: details.GetEmail()}, "")
		byPhone := capture(&salesv1.ContactDetails{Email: "other-" + details.GetEmail(), Phone: details.GetPhone(), RegionCode: "ID"}, "")
		for what, other := range map[string]*salesv1.Lead{"e-mail address": byMail, "phone number": byPhone} {
			if other.GetContact() != l.GetContact() || other.GetName() == l.GetName() {
				t.Errorf("by %s: %v, want a new lead of %s", what, other, l.GetContact())
			}
		}
		o := c.other()
		theirs := must[*salesv1.Lead](t)(o.CaptureLead(o.Ctx(), &salesv1.CaptureLeadRequest{
			Who: &salesv1.CaptureLeadRequest_ContactDetails{ContactDetails: details},
		}))
		if theirs.GetContact() == l.GetContact() {
			t.Error("another tenant's lead is of our contact")
		}
	})
}

func captureLeadBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		_, err := c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{DisplayName: "x"})
		if codeOf(err) != codes.InvalidArgument {
			t.Errorf("of nobody (B22): %v", err)
		}
		_, err = c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_ContactDetails{ContactDetails: &salesv1.ContactDetails{}}})
		if codeOf(err) != codes.InvalidArgument {
			t.Errorf("without details: %v", err)
		}
		_, err = c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_ContactDetails{
			ContactDetails: &salesv1.ContactDetails{Email: "no address"},
		}})
		if codeOf(err) != codes.InvalidArgument {
			t.Errorf("an e-mail address that is none: %v", err)
		}
		_, err = c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{
			Who: &salesv1.CaptureLeadRequest_Contact{Contact: c.person(t, "Ani")}, EstimatedValue: rupiah(-1),
		})
		refused(t, "negative (B17)", err, codes.InvalidArgument, "MONEY_INVALID")
		blames(t, "negative (B17)", err, "estimated_value")
		_, err = c.CaptureLead(c.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_Contact{Contact: nobody}})
		refused(t, "of a contact that does not exist", err, codes.NotFound, "CONTACT_NOT_FOUND")
		analyst := c.role(auth.Analyst)
		_, err = analyst.CaptureLead(analyst.Ctx(), &salesv1.CaptureLeadRequest{Who: &salesv1.CaptureLeadRequest_Contact{Contact: nobody}})
		refused(t, "by an analyst", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// A lead that is refused leaves no contact behind, whoever refuses it.
func captureLeadLeavesNothingBehind(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		known := c.person(t, "Ani")
		capture := func(m *salesv1.CaptureLeadRequest) (*salesv1.Lead, error) { return c.CaptureLead(c.Ctx(), m) }
		taken := map[string]string{"form": "capture-" + c.Transport}
		of := &salesv1.CaptureLeadRequest_Contact{Contact: known}
		must[*salesv1.Lead](t)(capture(&salesv1.CaptureLeadRequest{Who: of, ExternalIds: taken}))
		must[*salesv1.Lead](t)(capture(&salesv1.CaptureLeadRequest{Who: of, RequestId: "used-" + c.Transport}))
		before := c.contactCount(t)

		who := func(name string) *salesv1.CaptureLeadRequest_ContactDetails {
			return &salesv1.CaptureLeadRequest_ContactDetails{ContactDetails: &salesv1.ContactDetails{GivenName: name}}
		}
		for what, test := range map[string]struct {
			request *salesv1.CaptureLeadRequest
			code    codes.Code
			reason  string
		}{
			"a product that does not exist":      {&salesv1.CaptureLeadRequest{Products: []string{"products/01900000-0000-7000-8000-000000000001"}}, codes.NotFound, "PRODUCT_NOT_FOUND"},
			"an external id that is taken":       {&salesv1.CaptureLeadRequest{ExternalIds: taken}, codes.AlreadyExists, "EXTERNAL_ID_TAKEN"},
			"a request id of another lead (B24)": {&salesv1.CaptureLeadRequest{RequestId: "used-" + c.Transport}, codes.InvalidArgument, "IDEMPOTENCY_KEY_REUSED"},
			"a product that is none (B16)":       {&salesv1.CaptureLeadRequest{Products: []string{known}}, codes.InvalidArgument, "FIELD_INVALID"},
			"a value that is negative (B17)":     {&salesv1.CaptureLeadRequest{EstimatedValue: rupiah(-1)}, codes.InvalidArgument, "MONEY_INVALID"},
			"one that is only to be checked":     {&salesv1.CaptureLeadRequest{ValidateOnly: true}, codes.OK, ""},
		} {
			test.request.Who = who("Nobody yet")
			_, err := capture(test.request)
			if err := wants(err, test.code, test.reason); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if after := c.contactCount(t); after != before {
				t.Fatalf("%s leaves %d contacts behind", what, after-before)
			}
		}

		once := &salesv1.CaptureLeadRequest{Who: who("Sari"), ExternalIds: map[string]string{"form": "once-" + c.Transport}, RequestId: "once-" + c.Transport}
		first := must[*salesv1.Lead](t)(capture(once))
		if again := must[*salesv1.Lead](t)(capture(once)); !proto.Equal(first, again) || c.contactCount(t) != before+1 {
			t.Errorf("captured again %v, want %v and one contact more", again, first)
		}
	})
}

// contactCount answers how many contacts the caller sees.
func (c *clients) contactCount(t testing.TB) int {
	t.Helper()
	page := must[*contactv1.ListContactsResponse](t)(c.contacts.ListContacts(c.Ctx(), &contactv1.ListContactsRequest{PageSize: 1000}))
	if page.GetNextPageToken() != "" {
		t.Fatal("there are more contacts than one page holds")
	}
	return len(page.GetContacts())
}
