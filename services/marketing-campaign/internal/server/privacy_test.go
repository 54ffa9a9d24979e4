package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// CON-47: who named the hours in which it may be called is called then, also by a
// campaign; who named none is called at once.
func TestCampaign_waitsForTheHours(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Clock.Set(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)) // 16:00 in Jakarta
	testkit.Prove(t, testkit.GRPC, "CON-47")
	a := of(s.Client(t, s.As(auth.Admin)))
	evening := must[*contactv1.Contact](t)(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Sari", Source: "hours",
		Preference: &contactv1.ContactPreference{Hours: "18:00-20:00", TimeZone: "Asia/Jakarta"},
	}})).GetName()
	anytime := a.person(t, "Budi", "hours")
	draft := retention(a.segment(t, from("hours")).GetName())
	draft.Channel = eventv1.Channel_CHANNEL_PHONE
	k := a.launched(t, draft).GetName()
	ofCampaign := `campaign = "` + k + `"`
	testkit.Eventually(t, func() error {
		if got := a.touches(t, ofCampaign); got[anytime].GetStatus() != sent || got[evening] == nil {
			return fmt.Errorf("touched %v", got)
		}
		return nil
	})
	testkit.Eventually(t, func() error { return resting(t, s) })
	if got := a.touches(t, ofCampaign)[evening]; got.GetStatus() != campaignv1.TouchStatus_TOUCH_STATUS_PLANNED {
		t.Errorf("at 16:00 it is %v", got)
	}
	p := must[*campaignv1.CampaignProgress](t)(a.GetCampaignProgress(a.Ctx(), &campaignv1.GetCampaignProgressRequest{Name: k + "/progress"}))
	if p.GetCompleteTime() != nil {
		t.Errorf("complete at %v", p)
	}
	a.person(t, "Tono", "elsewhere")
	other := retention(a.segment(t, from("elsewhere")).GetName())
	other.Channel = eventv1.Channel_CHANNEL_PHONE
	byHand := a.launched(t, other).GetName()
	if _, err := a.SendTouch(a.Ctx(), &campaignv1.SendTouchRequest{Campaign: byHand, Contact: evening}); errs.Reason(err) != "QUIET_HOURS" {
		t.Errorf("by hand: %v", err)
	}
	s.Clock.Set(time.Date(2026, 11, 21, 11, 30, 0, 0, time.UTC))
	if p := a.complete(t, k); p.GetSentCount() != 2 {
		t.Errorf("at 18:30: %v", p)
	}
}

// resting says whether a campaign that is not complete is left alone for a while.
func resting(t *testing.T, s *testkit.Suite) error {
	t.Helper()
	var n int
	const count = `SELECT count(*) FROM touch WHERE wait_until IS NOT NULL`
	if err := s.Services["campaign"].Runtime.DB.System.QueryRow(t.Context(), count).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("no touch waits for its hour")
	}
	return nil
}

// CON-44: a restricted contact is in no segment, and is touched by no campaign that
// had it in one before.
func TestCampaign_leavesRestrictedContactsAlone(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"CON-44"}, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "restricted-"+c.Transport
		privacy := contactv1.NewPrivacyServiceClient(c.Conn)
		sari, budi, tono := a.person(t, "Sari", source), a.person(t, "Budi", source), a.person(t, "Tono", "elsewhere")
		restrict := func(name string) {
			t.Helper()
			must[*contactv1.Contact](t)(privacy.RestrictContact(a.Ctx(), &contactv1.RestrictContactRequest{Name: name}))
		}
		restrict(budi)
		restrict(tono)
		definition := from(source)
		definition.Contacts = []string{tono}
		preview := must[*campaignv1.PreviewSegmentResponse](t)(a.PreviewSegment(a.Ctx(), &campaignv1.PreviewSegmentRequest{
			Filter: definition.GetFilter(), Contacts: definition.GetContacts(),
		}))
		g := a.segment(t, definition)
		if preview.GetCount() != 1 || g.GetMemberCount() != 1 {
			t.Errorf("previewed %d, found %d", preview.GetCount(), g.GetMemberCount())
		}
		restrict(sari)
		k := a.launched(t, retention(g.GetName())).GetName()
		a.complete(t, k)
		if got := a.touches(t, `campaign = "`+k+`"`)[sari]; got.GetSuppressReason() != campaignv1.SuppressReason_SUPPRESS_REASON_PROCESSING_RESTRICTED {
			t.Errorf("touched %v", got)
		}
	})
}
