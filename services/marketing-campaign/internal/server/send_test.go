package server_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
)

// holdSender makes the sender wait, once it has sent a batch and before it sends the
// next, until release is called: it finds the table of its work held.
func holdSender(t *testing.T, s *testkit.Suite) (release func()) {
	t.Helper()
	conn := testkit.Owner(t, "campaign", s.Services["campaign"].Runtime.DB)
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run(fmt.Sprintf(`
		CREATE FUNCTION hold_sender() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF current_user = 'campaign_relay' AND EXISTS (SELECT FROM touch WHERE status = %d) THEN
				PERFORM pg_advisory_xact_lock_shared(1);
			END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER hold_sender BEFORE UPDATE ON campaign_send FOR EACH STATEMENT EXECUTE FUNCTION hold_sender();
		SELECT pg_advisory_lock(1)`, campaignv1.TouchStatus_TOUCH_STATUS_SENT))
	return func() { run("SELECT pg_advisory_unlock(1)") }
}

// When PauseCampaign has answered nothing is sent any more, also by a sender in the
// middle of its work, and ResumeCampaign goes on so that each member is touched
// exactly once.
func TestCampaign_pausesAndGoesOn(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	const people = 120 // three batches
	a.people(t, people, "crowd")
	release := holdSender(t, s)
	k := a.launched(t, retention(a.segment(t, from("crowd")).GetName())).GetName()
	progress := func() *campaignv1.CampaignProgress {
		t.Helper()
		return must[*campaignv1.CampaignProgress](t)(a.GetCampaignProgress(a.Ctx(), &campaignv1.GetCampaignProgressRequest{Name: k + "/progress"}))
	}
	testkit.Eventually(t, func() error {
		if progress().GetSentCount() == 0 {
			return fmt.Errorf("nothing is sent")
		}
		return nil
	})
	must[*campaignv1.Campaign](t)(a.PauseCampaign(a.Ctx(), &campaignv1.PauseCampaignRequest{Name: k}))
	paused := progress()
	if sent := paused.GetSentCount(); paused.GetCompleteTime() != nil || sent >= people {
		t.Fatalf("%d are sent, and the sender was held after its first batch", sent)
	}
	release()
	testkit.Eventually(t, func() error { return givenBack(t, s) })
	if _, err := a.SendTouch(a.Ctx(), &campaignv1.SendTouchRequest{Campaign: k, Contact: a.person(t, "Sari", "")}); errs.Reason(err) != "CAMPAIGN_NOT_RUNNING" {
		t.Errorf("a paused campaign sends: %v", err)
	}
	if later := progress(); later.GetSentCount() != paused.GetSentCount() {
		t.Errorf("paused at %v, and then %v", paused, later)
	}
	must[*campaignv1.Campaign](t)(a.ResumeCampaign(a.Ctx(), &campaignv1.ResumeCampaignRequest{Name: k}))
	if p := a.complete(t, k); p.GetSentCount() != people {
		t.Errorf("complete at %v", p)
	}
	if n := len(a.touches(t, `campaign = "`+k+`" AND status = SENT`)); n != people {
		t.Errorf("%d contacts are touched, want %d", n, people)
	}
}

// givenBack says whether no sender works on a campaign.
func givenBack(t *testing.T, s *testkit.Suite) error {
	t.Helper()
	var busy int
	const count = "SELECT count(*) FROM campaign_send WHERE lease_until > now()"
	if err := s.Services["campaign"].Runtime.DB.System.QueryRow(t.Context(), count).Scan(&busy); err != nil {
		return err
	}
	if busy > 0 {
		return fmt.Errorf("%d campaigns are being sent", busy)
	}
	return nil
}

// What is said to whom is fixed by the launch; what the campaign is called is not.
func TestCampaign_standardMethods(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"MKT-22"}, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "standard-"+c.Transport
		a.person(t, "Sari", source)
		g := a.segment(t, from(source))
		for number, name := range campaignv1.CampaignKind_name {
			if number == 0 {
				continue
			}
			draft := retention(g.GetName())
			draft.Kind = campaignv1.CampaignKind(number)
			k := must[*campaignv1.Campaign](t)(a.CreateCampaign(a.Ctx(), &campaignv1.CreateCampaignRequest{Campaign: draft}))
			page, err := a.ListCampaigns(a.Ctx(), &campaignv1.ListCampaignsRequest{Filter: `segment = "` + g.GetName() + `" AND kind = ` + name})
			if err != nil || len(page.GetCampaigns()) != 1 || !proto.Equal(page.GetCampaigns()[0], k) {
				t.Errorf("%s: listed %v, %v", name, page, err)
			}
		}
		k := must[*campaignv1.Campaign](t)(a.CreateCampaign(a.Ctx(), &campaignv1.CreateCampaignRequest{Campaign: retention(g.GetName())}))
		other := of(a.Other())
		if _, err := other.GetCampaign(a.Ctx(), &campaignv1.GetCampaignRequest{Name: k.GetName()}); errs.Reason(err) != "CAMPAIGN_NOT_FOUND" {
			t.Errorf("the other tenant reads %v", err)
		}
		if page, err := other.ListCampaigns(a.Ctx(), &campaignv1.ListCampaignsRequest{}); err != nil || len(page.GetCampaigns()) != 0 {
			t.Errorf("the other tenant lists %v, %v", page, err)
		}
		rewrite := func(change *campaignv1.Campaign, paths ...string) (*campaignv1.Campaign, error) {
			change.Name = k.GetName()
			return a.UpdateCampaign(a.Ctx(), &campaignv1.UpdateCampaignRequest{Campaign: change, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		}
		if got, err := rewrite(&campaignv1.Campaign{Body: "Hello {{given_name}}"}, "body"); err != nil || got.GetBody() != "Hello {{given_name}}" {
			t.Errorf("rewritten as %v, %v", got, err)
		}
		must[*campaignv1.Campaign](t)(a.LaunchCampaign(a.Ctx(), &campaignv1.LaunchCampaignRequest{Name: k.GetName()}))
		if _, err := rewrite(&campaignv1.Campaign{Body: "Bye"}, "body"); errs.Reason(err) != "CAMPAIGN_LAUNCHED" {
			t.Errorf("a launched campaign is rewritten: %v", err)
		}
		if got, err := rewrite(&campaignv1.Campaign{DisplayName: "Called otherwise"}, "display_name"); err != nil || got.GetDisplayName() != "Called otherwise" {
			t.Errorf("renamed to %v, %v", got, err)
		}
		a.complete(t, k.GetName())
		for contact, touch := range a.touches(t, `campaign = "`+k.GetName()+`"`) {
			if touch.GetBody() != "Hello Sari" {
				t.Errorf("%s got %v", contact, touch)
			}
			if _, err := other.GetTouch(a.Ctx(), &campaignv1.GetTouchRequest{Name: touch.GetName()}); errs.Reason(err) != "TOUCH_NOT_FOUND" {
				t.Errorf("the other tenant reads a touch: %v", err)
			}
		}
		if found := other.touches(t, `campaign = "`+k.GetName()+`"`); len(found) != 0 {
			t.Errorf("the other tenant lists %v", found)
		}
		if _, err := other.GetCampaignProgress(a.Ctx(), &campaignv1.GetCampaignProgressRequest{Name: k.GetName() + "/progress"}); errs.Reason(err) != "CAMPAIGN_NOT_FOUND" {
			t.Errorf("the other tenant reads progress: %v", err)
		}
		if _, err := a.DeleteCampaign(a.Ctx(), &campaignv1.DeleteCampaignRequest{Name: k.GetName()}); errs.Reason(err) != "CAMPAIGN_RUNNING" {
			t.Errorf("a running campaign is deleted: %v", err)
		}
		must[*campaignv1.Campaign](t)(a.FinishCampaign(a.Ctx(), &campaignv1.FinishCampaignRequest{Name: k.GetName()}))
		must[*campaignv1.Campaign](t)(a.DeleteCampaign(a.Ctx(), &campaignv1.DeleteCampaignRequest{Name: k.GetName()}))
		if back, err := a.UndeleteCampaign(a.Ctx(), &campaignv1.UndeleteCampaignRequest{Name: k.GetName()}); err != nil || back.GetDeleteTime() != nil {
			t.Errorf("undeleted as %v, %v", back, err)
		}
	})
}

// Row B24: a touch is sent once and a response recorded once, however often the
// call is repeated.
func TestTouch_requestsAreDoneOnce(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "once-"+c.Transport
		a.person(t, "Budi", source)
		k := a.launched(t, retention(a.segment(t, from(source)).GetName()))
		send := &campaignv1.SendTouchRequest{Campaign: k.GetName(), Contact: a.person(t, "Sari", ""), RequestId: "send-" + c.Transport}
		first := must[*campaignv1.Touch](t)(a.SendTouch(a.Ctx(), send))
		record := &campaignv1.RecordResponseRequest{
			Parent: first.GetName(), RequestId: "record-" + c.Transport,
			Response: &campaignv1.Response{Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED},
		}
		answer := must[*campaignv1.RecordResponseResponse](t)(a.RecordResponse(a.Ctx(), record))
		if again, err := a.SendTouch(a.Ctx(), send); err != nil || !proto.Equal(again, first) {
			t.Errorf("sent again: %v, %v; want %v", again, err, first)
		}
		if again, err := a.RecordResponse(a.Ctx(), record); err != nil || !proto.Equal(again, answer) {
			t.Errorf("recorded again: %v, %v; want %v", again, err, answer)
		}
		send.RequestId = ""
		if _, err := a.SendTouch(a.Ctx(), send); errs.Reason(err) != "TOUCH_EXISTS" {
			t.Errorf("a second touch answers %v", err)
		}
	})
}
