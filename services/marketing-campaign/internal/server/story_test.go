package server_test

import (
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// A segment is defined, looked at and materialised; its campaign is launched, each
// member is touched in its own words, one does not wish it, and one answers.
func TestCampaign_fromTheSegmentToTheAnswer(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"MKT-02", "MKT-10", "MKT-22"}, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "story-"+c.Transport
		sari, budi := a.person(t, "Sari", source), a.person(t, "Budi", source)
		named := a.person(t, "Tono", "elsewhere")
		must[*contactv1.Consent](t)(a.RevokeConsent(a.Ctx(), &contactv1.RevokeConsentRequest{
			Consent: &contactv1.Consent{Contact: budi, Purpose: "marketing", Channel: email},
		}))

		preview := must[*campaignv1.PreviewSegmentResponse](t)(a.PreviewSegment(a.Ctx(), &campaignv1.PreviewSegmentRequest{
			Filter: from(source).GetFilter(), Contacts: []string{named, sari}, SampleSize: 2,
		}))
		if preview.GetCount() != 3 || preview.GetCountIsLowerBound() || !slices.Equal(preview.GetSample(), []string{named, sari}) {
			t.Errorf("the preview is %v", preview)
		}
		definition := from(source)
		definition.Contacts = []string{named}
		g := a.segment(t, definition)
		if g.GetMemberCount() != 3 || g.GetVersion() != 1 || g.GetMaterializeTime() == nil {
			t.Fatalf("materialised as %v", g)
		}

		draft := retention(g.GetName())
		draft.Budget = &money.Money{CurrencyCode: "IDR", Units: 1_500_000}
		k := a.launched(t, draft)
		if k.GetStatus() != campaignv1.CampaignStatus_CAMPAIGN_STATUS_RUNNING || k.GetSegmentVersion() != 1 || !proto.Equal(k.GetBudget(), draft.Budget) {
			t.Fatalf("launched as %v", k)
		}
		if p := a.complete(t, k.GetName()); p.GetMemberCount() != 3 || p.GetSentCount() != 2 || p.GetSuppressedCount() != 1 || p.GetPlannedCount() != 0 {
			t.Errorf("complete at %v", p)
		}
		touches := a.touches(t, `campaign = "`+k.GetName()+`"`)
		if got := touches[sari]; got.GetStatus() != sent || got.GetSubject() != "Something for you, Sari" || got.GetBody() != "Dear Sari Dewi,\nstay." || got.GetSendTime() == nil {
			t.Errorf("the touch of Sari is %v", got)
		}
		if got := touches[budi]; got.GetStatus() != suppressed || got.GetSuppressReason() != campaignv1.SuppressReason_SUPPRESS_REASON_CONSENT_REVOKED || got.GetConsent() == "" || got.GetBody() != "" {
			t.Errorf("the touch of Budi is %v", got)
		}
		if touches[named] == nil || len(touches) != 3 {
			t.Errorf("touched %d contacts", len(touches))
		}

		answered := must[*campaignv1.RecordResponseResponse](t)(a.RecordResponse(a.Ctx(), &campaignv1.RecordResponseRequest{
			Parent: touches[sari].GetName(),
			Response: &campaignv1.Response{
				Kind: campaignv1.ResponseKind_RESPONSE_KIND_PURCHASED, Channel: web, Body: "I took two.",
				Value: &money.Money{CurrencyCode: "IDR", Units: 250_000},
			},
		}))
		if got := answered.GetTouch(); got.GetStatus() != campaignv1.TouchStatus_TOUCH_STATUS_ANSWERED || got.GetResponseCount() != 1 || got.GetAnswerTime() == nil {
			t.Errorf("answered as %v", got)
		}
		demandResponses(t, a, k, answered.GetResponse())
		demandTouchEvents(t, s, sari, answered)
		if events := typesOf(eventsOf(t, s, touches[budi].GetName(), 2)); !slices.Equal(events, []string{"TouchPlanned", "TouchSuppressed"}) {
			t.Errorf("of Budi is told %v", events)
		}
		finished := must[*campaignv1.Campaign](t)(a.FinishCampaign(a.Ctx(), &campaignv1.FinishCampaignRequest{Name: k.GetName()}))
		if finished.GetFinishTime() == nil {
			t.Errorf("finished as %v", finished)
		}
		if events := typesOf(eventsOf(t, s, k.GetName(), 3)); !slices.Equal(events, []string{"CampaignCreated", "CampaignLaunched", "CampaignFinished"}) {
			t.Errorf("of the campaign is told %v", events)
		}
	})
}

// demandResponses demands that the response is listed under its touch and among
// those of the campaign, and nothing for the other tenant.
func demandResponses(t *testing.T, a *api, k *campaignv1.Campaign, want *campaignv1.Response) {
	t.Helper()
	touch := want.GetName()[:len("touches/")+36]
	for _, req := range []*campaignv1.ListResponsesRequest{
		{Parent: touch},
		{Parent: "touches/-", Filter: `campaign = "` + k.GetName() + `"`},
		{Parent: "touches/-", Filter: `contact = "` + want.GetContact() + `" AND kind = PURCHASED`},
	} {
		page, err := a.ListResponses(a.Ctx(), req)
		if err != nil || len(page.GetResponses()) != 1 || !proto.Equal(page.GetResponses()[0], want) {
			t.Errorf("%v lists %v, %v", req, page, err)
		}
		page, err = of(a.Other()).ListResponses(a.Ctx(), req)
		if len(page.GetResponses()) != 0 || err != nil && errs.Reason(err) != "TOUCH_NOT_FOUND" {
			t.Errorf("%v lists %v for the other tenant, %v", req, page, err)
		}
	}
}

// demandTouchEvents demands what the touch and its answer leave on the timeline:
// one conversation out and in, personal words sealed.
func demandTouchEvents(t *testing.T, s *testkit.Suite, contact string, answered *campaignv1.RecordResponseResponse) {
	t.Helper()
	name := answered.GetTouch().GetName()
	events := eventsOf(t, s, name, 3)
	if got := typesOf(events); !slices.Equal(got, []string{"TouchPlanned", "TouchSent", "ResponseReceived"}) {
		t.Fatalf("of the touch is told %v", got)
	}
	if events[0].GetInteraction() != nil {
		t.Error("a plan is an interaction")
	}
	for i, want := range []*eventv1.Interaction{
		{Channel: email, Direction: eventv1.Direction_DIRECTION_OUTBOUND, Conversation: name},
		{Channel: web, Direction: eventv1.Direction_DIRECTION_INBOUND, Conversation: name},
	} {
		e := events[i+1]
		if !proto.Equal(e.GetInteraction(), want) || e.GetSealed().GetContact() != contact || e.GetContacts()[0] != contact {
			t.Errorf("%s is %v", e.GetType(), e)
		}
	}
	told := &campaignv1.ResponseReceived{}
	if err := events[2].GetPayload().UnmarshalTo(told); err != nil || told.GetTouch().GetBody() != "" || told.GetResponse().GetBody() != "" {
		t.Errorf("the open part of the answer is %v, %v", told, err)
	}
	if !proto.Equal(told.GetResponse().GetValue(), answered.GetResponse().GetValue()) {
		t.Errorf("the value told is %v", told.GetResponse().GetValue())
	}
}

// What a contact said about marketing, and how it wishes to be reached, decides
// when a touch is sent.
func TestSendTouch_asksForConsent(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, nil, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "consent-"+c.Transport
		silent := a.person(t, "Silent", source)
		open, strict := retention(a.segment(t, from(source)).GetName()), retention("")
		strict.Segment, strict.RequiresConsent = open.GetSegment(), true
		lax, firm := a.launched(t, open).GetName(), a.launched(t, strict).GetName()

		granted := a.person(t, "Granted", "")
		must[*contactv1.Consent](t)(a.GrantConsent(a.Ctx(), &contactv1.GrantConsentRequest{
			Consent: &contactv1.Consent{Contact: granted, Purpose: "marketing"},
		}))
		revoked := a.person(t, "Revoked", "")
		must[*contactv1.Consent](t)(a.RevokeConsent(a.Ctx(), &contactv1.RevokeConsentRequest{
			Consent: &contactv1.Consent{Contact: revoked, Purpose: "marketing"},
		}))
		elsewhere := a.person(t, "Elsewhere", "")
		must[*contactv1.Consent](t)(a.RevokeConsent(a.Ctx(), &contactv1.RevokeConsentRequest{
			Consent: &contactv1.Consent{Contact: elsewhere, Purpose: "marketing", Channel: phone},
		}))
		gone := a.person(t, "Gone", "")
		must[*contactv1.Contact](t)(a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: gone}))
		caller := must[*contactv1.Contact](t)(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Caller", Preference: &contactv1.ContactPreference{Channel: phone},
		}})).GetName()
		another := a.person(t, "Another", "")

		type reason = campaignv1.SuppressReason
		for _, row := range []struct {
			campaign, contact string
			want              reason
		}{
			{lax, granted, 0},
			{lax, another, 0},
			{lax, elsewhere, 0},
			{lax, revoked, campaignv1.SuppressReason_SUPPRESS_REASON_CONSENT_REVOKED},
			{lax, gone, campaignv1.SuppressReason_SUPPRESS_REASON_CONTACT_DELETED},
			{lax, caller, campaignv1.SuppressReason_SUPPRESS_REASON_OTHER_CHANNEL_PREFERRED},
			{firm, granted, 0},
			{firm, another, campaignv1.SuppressReason_SUPPRESS_REASON_CONSENT_MISSING},
			{firm, revoked, campaignv1.SuppressReason_SUPPRESS_REASON_CONSENT_REVOKED},
		} {
			k, err := a.SendTouch(a.Ctx(), &campaignv1.SendTouchRequest{Campaign: row.campaign, Contact: row.contact})
			if err != nil || k.GetSuppressReason() != row.want || (k.GetStatus() == sent) != (row.want == 0) {
				t.Errorf("%v: %v, %v", row, k, err)
			}
		}
		a.complete(t, firm)
		if got := a.touches(t, `campaign = "`+firm+`" AND status = SUPPRESSED`)[silent]; got.GetSuppressReason() != campaignv1.SuppressReason_SUPPRESS_REASON_CONSENT_MISSING {
			t.Errorf("the silent member's touch is %v", got)
		}
	})
}
