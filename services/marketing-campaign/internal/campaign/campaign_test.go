package campaign_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
)

var now = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

func draft(t interface{ Fatal(...any) }) *campaign.Campaign {
	c := &campaign.Campaign{Kind: campaign.Retention}
	if err := c.Write(campaign.Content{Segment: uuid.New(), Channel: 3, Subject: "Stay", Body: "Dear {{given_name}}"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// audience answers the campaign's segment with one member.
func audience(c *campaign.Campaign) *segment.Segment {
	s := &segment.Segment{Version: 3, State: segment.Ready, MemberCount: 1}
	s.ID = c.Segment
	return s
}

func TestLaunch_needsAnAudience(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*segment.Segment)
		reason string
	}{
		"nobody in it":      {func(s *segment.Segment) { s.MemberCount = 0 }, "SEGMENT_EMPTY"},
		"not ready":         {func(s *segment.Segment) { s.State = segment.Materializing }, "SEGMENT_NOT_READY"},
		"deleted":           {func(s *segment.Segment) { s.DeleteTime = &now }, "SEGMENT_NOT_READY"},
		"of another moment": {func(s *segment.Segment) { s.ID = uuid.New() }, "CAMPAIGN_CHANGED"},
	} {
		k := draft(t)
		s := audience(k)
		c.change(s)
		if _, err := k.Launch(s, now); errs.Reason(err) != c.reason || k.Status != campaign.Draft {
			t.Errorf("%s: answered %v, status %d", name, err, k.Status)
		}
	}
	k := draft(t)
	if _, err := k.Launch(audience(k), now); err != nil || k.SegmentVersion != 3 {
		t.Errorf("launched with version %d, %v", k.SegmentVersion, err)
	}
}

func TestWrite_isFixedByLaunch(t *testing.T) {
	t.Parallel()
	c := draft(t)
	other := c.Content
	other.Body = "something else"
	if err := c.Write(other); err != nil {
		t.Errorf("a draft cannot be rewritten: %v", err)
	}
	if _, err := c.Launch(audience(c), now); err != nil {
		t.Fatal(err)
	}
	if err := c.Write(c.Content); err != nil {
		t.Errorf("writing the same again is refused: %v", err)
	}
	for _, change := range []func(*campaign.Content){
		func(x *campaign.Content) { x.Segment = uuid.New() },
		func(x *campaign.Content) { x.Channel = 2 },
		func(x *campaign.Content) { x.Subject = "Go" },
		func(x *campaign.Content) { x.Body = "Dear all" },
		func(x *campaign.Content) { x.RequiresConsent = true },
	} {
		content := c.Content
		change(&content)
		if err := c.Write(content); errs.Reason(err) != "CAMPAIGN_LAUNCHED" {
			t.Errorf("rewriting a launched one answers %v", err)
		}
	}
}

func TestTexts_namesTheFields(t *testing.T) {
	t.Parallel()
	_, wrong := campaign.Content{Subject: "{{env}}", Body: "{{range}}"}.Texts()
	if len(wrong) != 2 || wrong[0].Field != "subject" || wrong[1].Field != "body" || wrong[0].Reason != "TEMPLATE_INVALID" {
		t.Errorf("violations are %+v", wrong)
	}
	if _, wrong := draft(t).Texts(); wrong != nil {
		t.Errorf("a good text has violations %+v", wrong)
	}
}

// reasons is why a verb is refused in a status: the specification, written as a
// table (B45).
var reasons = map[campaign.Status]map[string]string{
	campaign.Draft:    {"Pause": "CAMPAIGN_NOT_RUNNING", "Resume": "CAMPAIGN_NOT_PAUSED", "Finish": "CAMPAIGN_NOT_LAUNCHED"},
	campaign.Running:  {"Launch": "CAMPAIGN_LAUNCHED", "Resume": "CAMPAIGN_NOT_PAUSED", "Delete": "CAMPAIGN_RUNNING"},
	campaign.Paused:   {"Launch": "CAMPAIGN_LAUNCHED", "Pause": "CAMPAIGN_NOT_RUNNING"},
	campaign.Finished: {"Launch": "CAMPAIGN_FINISHED", "Pause": "CAMPAIGN_FINISHED", "Resume": "CAMPAIGN_FINISHED", "Finish": "CAMPAIGN_FINISHED"},
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := draft(t)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			before, offered := c.Status, c.Actions()
			verb := rapid.SampledFrom([]string{"Launch", "Pause", "Resume", "Finish", "Delete"}).Draw(t, "verb")
			err := do(c, verb)
			if got := errs.Reason(err); got != reasons[before][verb] {
				t.Fatalf("%s in status %d answers %q, want %q", verb, before, got, reasons[before][verb])
			}
			if (err == nil) != slices.Contains(offered, verb+"Campaign") {
				t.Fatalf("%s in status %d answers %v, offered are %v", verb, before, err, offered)
			}
			if (c.Sending() == nil) != (c.Status == campaign.Running) {
				t.Fatalf("sending in status %d: %v", c.Status, c.Sending())
			}
		}
	})
}

func do(c *campaign.Campaign, verb string) (err error) {
	switch verb {
	case "Launch":
		_, err = c.Launch(audience(c), now)
	case "Pause":
		_, err = c.Pause()
	case "Resume":
		_, err = c.Resume()
	case "Finish":
		_, err = c.Finish(now)
	case "Delete":
		err = c.Remove()
	}
	return err
}
