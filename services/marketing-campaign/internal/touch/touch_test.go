package touch_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

const (
	phone int32 = 2
	email int32 = 3
)

var now = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

func planned() *touch.Touch {
	t, _ := touch.Plan(uuid.New(), uuid.New(), email, "users/ani", "")
	return t
}

func TestDecide(t *testing.T) {
	t.Parallel()
	proof := uuid.New()
	for name, c := range map[string]struct {
		q    touch.Case
		want touch.Reason
	}{
		"never said anything":             {touch.Case{Channel: email}, 0},
		"agreed":                          {touch.Case{Standing: touch.Granted, Channel: email}, 0},
		"consent is required":             {touch.Case{RequiresConsent: true, Channel: email}, touch.ConsentMissing},
		"consent is required and given":   {touch.Case{Standing: touch.Granted, RequiresConsent: true, Channel: email}, 0},
		"refused":                         {touch.Case{Standing: touch.Refused, Channel: email}, touch.ConsentRevoked},
		"refused before what it prefers":  {touch.Case{Standing: touch.Refused, Channel: email, Preferred: phone}, touch.ConsentRevoked},
		"prefers the campaign's channel":  {touch.Case{Channel: email, Preferred: email}, 0},
		"prefers another, though granted": {touch.Case{Standing: touch.Granted, Channel: email, Preferred: phone}, touch.OtherChannelPreferred},
		"deleted":                         {touch.Case{Standing: touch.Gone, Channel: email}, touch.ContactDeleted},
	} {
		c.q.Proof = &proof
		if v := touch.Decide(c.q); v.Reason != c.want || v.Consent != &proof {
			t.Errorf("%s: decided %+v, want reason %d", name, v, c.want)
		}
	}
}

func TestSend_happensOnce(t *testing.T) {
	t.Parallel()
	k := planned()
	if events := k.Send(touch.Message{Body: "hello"}, touch.Verdict{}, now); len(events) != 1 || k.Status != touch.Sent || k.Body != "hello" {
		t.Fatalf("sent as %+v", k)
	}
	if events := k.Send(touch.Message{Body: "again"}, touch.Verdict{Reason: touch.ConsentRevoked}, now); events != nil || k.Body != "hello" || k.Status != touch.Sent {
		t.Errorf("sent again as %+v", k)
	}
	w := planned()
	if events := w.Send(touch.Message{Body: "hello"}, touch.Verdict{Reason: touch.ConsentRevoked}, now); len(events) != 1 || w.Status != touch.Suppressed || w.Body != "" || w.SendTime != nil {
		t.Errorf("withheld as %+v", w)
	}
	if events := w.Send(touch.Message{Body: "hello"}, touch.Verdict{}, now); events != nil {
		t.Error("a withheld touch was sent")
	}
}

func TestRespond(t *testing.T) {
	t.Parallel()
	k := planned()
	if _, err := k.Respond(touch.Response{Kind: touch.Interested}, now); errs.Reason(err) != "TOUCH_NOT_SENT" {
		t.Errorf("a response to nothing answers %v", err)
	}
	k.Send(touch.Message{Body: "hello"}, touch.Verdict{}, now)
	for at, reason := range map[time.Time]string{
		now.Add(-time.Second):   "TIME_BEFORE_TOUCH",
		now.Add(10 * time.Hour): "TIME_IN_FUTURE",
	} {
		if _, err := k.Respond(touch.Response{Kind: touch.Interested, RespondTime: at}, now.Add(time.Hour)); errs.Reason(err) != reason {
			t.Errorf("a response at %v answers %v, want %s", at, err, reason)
		}
	}
	if k.Status != touch.Sent || k.ResponseCount != 0 || len(k.Heard()) != 0 {
		t.Fatalf("refused responses left %+v", k)
	}
	later, earlier := now.Add(2*time.Hour), now.Add(time.Hour)
	for _, at := range []time.Time{later, earlier} {
		if _, err := k.Respond(touch.Response{Kind: touch.Purchased, RespondTime: at}, later); err != nil {
			t.Fatal(err)
		}
	}
	if k.Status != touch.Answered || k.ResponseCount != 2 || !k.AnswerTime.Equal(earlier) || len(k.Heard()) != 2 || k.Heard()[0].Channel != email {
		t.Errorf("answered as %+v", k)
	}
}
