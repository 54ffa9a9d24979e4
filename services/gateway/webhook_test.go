package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// The life of an endpoint: its secret is told once, and in no event; its URL in events is
// that of the host.
func TestWebhookEndpoints_live(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, nil, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		live := listen(t, suite, suite.As(auth.Admin), url.Values{"type": {"lingkar.platform.v1.WebhookEndpointCreated"}}, "")
		asked := &platformv1.CreateWebhookEndpointRequest{RequestId: "make-" + c.Transport, WebhookEndpoint: &platformv1.WebhookEndpoint{
			Url: "https://crm.example.com/hook?token=theirs", EventTypes: []string{"lingkar.sales.v1.OrderConfirmed"}, Description: "ERP",
		}}
		made := must(h.CreateWebhookEndpoint(c.Ctx(), asked))(t)
		if !strings.HasPrefix(made.GetSecret(), "whsec_") || !strings.HasSuffix(made.GetSecret(), made.GetSecretSuffix()) ||
			made.GetState() != platformv1.WebhookEndpoint_STATE_ACTIVE || made.GetRecipientClass() != thirdParty {
			t.Fatalf("made %v", made)
		}
		if heard := live.next(); heard.kind != "lingkar.platform.v1.WebhookEndpointCreated" || strings.Contains(fmt.Sprint(heard), "token") || strings.Contains(fmt.Sprint(heard), made.GetSecret()) {
			t.Errorf("the event tells %+v", heard)
		}
		if again := must(h.CreateWebhookEndpoint(c.Ctx(), asked))(t); again.GetName() != made.GetName() || again.GetSecret() != "" {
			t.Errorf("the repeated request answers %v", again)
		}
		if read := must(h.GetWebhookEndpoint(c.Ctx(), &platformv1.GetWebhookEndpointRequest{Name: made.GetName()}))(t); read.GetSecret() != "" || read.GetUrl() != asked.GetWebhookEndpoint().GetUrl() {
			t.Errorf("read %v", read)
		}
		changed := must(h.UpdateWebhookEndpoint(c.Ctx(), &platformv1.UpdateWebhookEndpointRequest{
			WebhookEndpoint: &platformv1.WebhookEndpoint{Name: made.GetName(), Description: "ERP of Bandung"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
		}))(t)
		if changed.GetDescription() != "ERP of Bandung" || changed.GetSecret() != "" || changed.GetSecretSuffix() != made.GetSecretSuffix() {
			t.Errorf("changed into %v", changed)
		}
		paused := must(h.PauseWebhookEndpoint(c.Ctx(), &platformv1.PauseWebhookEndpointRequest{Name: made.GetName()}))(t)
		if paused.GetState() != platformv1.WebhookEndpoint_STATE_PAUSED || !slices.Contains(paused.GetAllowedActions(), "ResumeWebhookEndpoint") || slices.Contains(paused.GetAllowedActions(), "TestWebhookEndpoint") {
			t.Errorf("paused into %v", paused)
		}
		_, err := h.PauseWebhookEndpoint(c.Ctx(), &platformv1.PauseWebhookEndpointRequest{Name: made.GetName()})
		want(t, err, codes.FailedPrecondition, "WEBHOOK_NOT_ACTIVE")
		_, err = h.TestWebhookEndpoint(c.Ctx(), &platformv1.TestWebhookEndpointRequest{Name: made.GetName()})
		want(t, err, codes.FailedPrecondition, "WEBHOOK_NOT_ACTIVE")
		must(h.ResumeWebhookEndpoint(c.Ctx(), &platformv1.ResumeWebhookEndpointRequest{Name: made.GetName()}))(t)
		_, err = h.ResumeWebhookEndpoint(c.Ctx(), &platformv1.ResumeWebhookEndpointRequest{Name: made.GetName()})
		want(t, err, codes.FailedPrecondition, "WEBHOOK_ACTIVE")
		rotated := must(h.RotateWebhookEndpointSecret(c.Ctx(), &platformv1.RotateWebhookEndpointSecretRequest{Name: made.GetName()}))(t)
		if rotated.GetSecret() == made.GetSecret() || !strings.HasPrefix(rotated.GetSecret(), "whsec_") || rotated.GetPreviousSecretExpireTime() == nil {
			t.Errorf("rotated into %v", rotated)
		}
		_, err = h.RotateWebhookEndpointSecret(c.Ctx(), &platformv1.RotateWebhookEndpointSecretRequest{Name: made.GetName(), Etag: made.GetEtag()})
		want(t, err, codes.Aborted, "ETAG_MISMATCH")
		other := hooksOf(t, c.Other())
		_, err = other.GetWebhookEndpoint(c.Ctx(), &platformv1.GetWebhookEndpointRequest{Name: made.GetName()})
		want(t, err, codes.NotFound, "WEBHOOK_ENDPOINT_NOT_FOUND")
		if list := must(other.ListWebhookEndpoints(c.Ctx(), &platformv1.ListWebhookEndpointsRequest{}))(t); len(list.GetWebhookEndpoints()) != 0 {
			t.Errorf("the other tenant lists %v", list)
		}
		_, err = hooksOf(t, c.As(suite.As(auth.Manager))).ListWebhookEndpoints(c.Ctx(), &platformv1.ListWebhookEndpointsRequest{})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		must(h.DeleteWebhookEndpoint(c.Ctx(), &platformv1.DeleteWebhookEndpointRequest{Name: made.GetName()}))(t)
		must(h.UndeleteWebhookEndpoint(c.Ctx(), &platformv1.UndeleteWebhookEndpointRequest{Name: made.GetName()}))(t)
		list := must(h.ListWebhookEndpoints(c.Ctx(), &platformv1.ListWebhookEndpointsRequest{Filter: "state = ACTIVE AND recipient_class = THIRD_PARTY", OrderBy: "create_time desc", PageSize: 1}))(t)
		if len(list.GetWebhookEndpoints()) != 1 || list.GetWebhookEndpoints()[0].GetName() != made.GetName() {
			t.Errorf("the list is %v", list)
		}
	})
}

// B38: what a URL shows is refused; so are types that do not exist.
func TestWebhookEndpoints_refuse(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, nil, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		try := func(e *platformv1.WebhookEndpoint) error {
			_, err := h.CreateWebhookEndpoint(c.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: e})
			return err
		}
		for _, bad := range []string{"http://crm.example.com/", "https://127.0.0.1/", "https://[::ffff:7f00:1]/", "https://2130706433/", "https://169.254.169.254/latest/meta-data/",
			"https://u:p@crm.example.com/", "https://crm.example.com:6379/", "https://localhost/", "https://①②⑦.⓪.⓪.①/"} {
			want(t, try(&platformv1.WebhookEndpoint{Url: bad}), codes.InvalidArgument, "URL_NOT_ALLOWED")
		}
		const fine = "https://crm.example.com/"
		err := try(&platformv1.WebhookEndpoint{Url: fine, EventTypes: []string{"lingkar.sales.v1.OrderConfirmed", "lingkar.sales.v1.OrderEaten"}})
		want(t, err, codes.InvalidArgument, "EVENT_TYPE_UNKNOWN")
		if !strings.Contains(fmt.Sprintf("%+v", status.Convert(err).Details()), "of lingkar.sales.v1 are LeadAccepted, ") {
			t.Errorf("it does not tell what there is: %v", status.Convert(err).Details())
		}
		want(t, try(&platformv1.WebhookEndpoint{Url: fine, RecipientClass: processor}), codes.InvalidArgument, "FIELD_INVALID")
		want(t, try(&platformv1.WebhookEndpoint{Url: fine, RecipientClass: 1}), codes.InvalidArgument, "FIELD_INVALID")
		want(t, try(&platformv1.WebhookEndpoint{Url: fine, Recipient: "contacts/x"}), codes.InvalidArgument, "FIELD_INVALID")
	})
}

// Standard Webhooks: what is sent is signed, and says what happened; an endpoint gets what
// it asked for and of its own tenant.
func TestWebhooks_areSent(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	testkit.Both(t, suite, nil, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		all, some, theirs := receive(t, nil), receive(t, nil), receive(t, nil)
		everything := h.point(all, firstParty)
		h.point(some, firstParty, "lingkar.platform.v1.TeamDeleted")
		hooksOf(t, c.Other()).point(theirs, firstParty)
		h.team("signed over " + c.Transport)
		var calls []got
		testkit.Eventually(t, func() error {
			calls = slices.DeleteFunc(all.heard(), func(g got) bool { return g.payload(t).Type != teamCreated })
			if len(calls) != 1 {
				return fmt.Errorf("got %d calls about teams", len(calls))
			}
			return nil
		})
		call, p := calls[0], calls[0].payload(t)
		if !call.signedBy(t, everything.GetSecret()) {
			t.Errorf("the signature %q does not verify", call.header.Get("webhook-signature"))
		}
		at, err := strconv.ParseInt(call.header.Get("webhook-timestamp"), 10, 64)
		if age := suite.Clock.Now().Sub(time.Unix(at, 0)); err != nil || age < -time.Second || age > time.Minute {
			t.Errorf("it is %s old: %v", age, err)
		}
		if p.Data.ID != call.id() || p.Data.Type != p.Type || p.Timestamp == "" || call.header.Get("Content-Type") != "application/json" {
			t.Errorf("it says %s", call.body)
		}
		if team := p.Data.Payload["team"].(map[string]any); team["displayName"] != "signed over "+c.Transport {
			t.Errorf("the payload is %v", p.Data.Payload)
		}
		if n := len(some.heard()) + len(theirs.heard()); n != 0 {
			t.Errorf("%d calls to who did not ask, or is another tenant's", n)
		}
		var name string
		testkit.Eventually(t, func() error { // it is noted after the answer
			list, err := h.ListWebhookDeliveries(c.Ctx(), &platformv1.ListWebhookDeliveriesRequest{Filter: `endpoint = "` + everything.GetName() + `" AND state = DELIVERED`, OrderBy: "create_time"})
			if err != nil {
				return err
			}
			i := slices.IndexFunc(list.GetWebhookDeliveries(), func(d *platformv1.WebhookDelivery) bool { return d.GetEvent() == call.id() })
			if i < 0 || len(list.GetWebhookDeliveries()[i].GetAttempts()) != 1 || list.GetWebhookDeliveries()[i].GetAttempts()[0].GetStatusCode() != 204 {
				return fmt.Errorf("the log of deliveries is %v", list)
			}
			name = list.GetWebhookDeliveries()[i].GetName()
			return nil
		})
		_, err = hooksOf(t, c.Other()).GetWebhookDelivery(c.Ctx(), &platformv1.GetWebhookDeliveryRequest{Name: name})
		want(t, err, codes.NotFound, "WEBHOOK_DELIVERY_NOT_FOUND")
		_, err = hooksOf(t, c.Other()).RedeliverWebhookDelivery(c.Ctx(), &platformv1.RedeliverWebhookDeliveryRequest{Name: name})
		want(t, err, codes.NotFound, "WEBHOOK_DELIVERY_NOT_FOUND")
		if list := must(hooksOf(t, c.Other()).ListWebhookDeliveries(c.Ctx(), &platformv1.ListWebhookDeliveriesRequest{}))(t); strings.Contains(list.String(), everything.GetName()) {
			t.Errorf("the other tenant lists %v", list)
		}
	})
}

// A test event goes to its endpoint alone, whatever that asked for.
func TestWebhooks_test(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	testkit.Both(t, suite, nil, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		one, another := receive(t, nil), receive(t, nil)
		tried := h.point(one, thirdParty, "lingkar.sales.v1.OrderConfirmed")
		h.point(another, thirdParty, "lingkar.platform.v1.WebhookEndpointTested")
		must(h.TestWebhookEndpoint(c.Ctx(), &platformv1.TestWebhookEndpointRequest{Name: tried.GetName()}))(t)
		if p := one.waitFor(1)[0].payload(t); p.Type != "lingkar.platform.v1.WebhookEndpointTested" || p.Data.Aggregate != tried.GetName() || strings.Contains(one.heard()[0].body, "token=") {
			t.Errorf("got %s", one.heard()[0].body)
		}
		h.deliveries(tried, delivered)
		if n := len(another.heard()); n != 0 {
			t.Errorf("another endpoint got %d calls", n)
		}
	})
}

// F48: what is not accepted is tried again, later each time, under the same id; where
// nothing is accepted for the whole span the endpoint is given up on, which is told.
func TestWebhooks_tryAgain(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	suite.Clock.Set(suite.Clock.Now()) // no attempt is due by itself
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	r := receive(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(strings.Repeat("x\x00", 3000)))
	})
	watcher := receive(t, nil)
	h.point(watcher, thirdParty, "lingkar.platform.v1.WebhookEndpointDisabled")
	e := h.point(r, thirdParty, teamCreated)
	h.team("Never accepted")
	for n := 1; n <= 10; n++ {
		d := h.attempts(e, n)
		if wait := d.GetNextAttemptTime().AsTime().Sub(suite.Clock.Now()); d.GetState() != pending || wait < 0 || wait > late {
			t.Errorf("after %d attempts: %s, next in %s", n, d.GetState(), wait)
		}
		suite.Clock.Advance(late)
	}
	d := h.attempts(e, 11)
	if a := d.GetAttempts()[0]; d.GetState() != failed || a.GetStatusCode() != 500 || a.GetAnswer() != strings.Repeat("x", 512) {
		t.Errorf("in the end %v", d)
	}
	ids := map[string]bool{}
	for _, call := range r.heard() {
		ids[call.id()] = true
		if !call.signedBy(t, e.GetSecret()) {
			t.Error("an attempt is not signed for its own time")
		}
	}
	if len(ids) != 1 || len(r.heard()) != 11 {
		t.Errorf("%d calls under the ids %v", len(r.heard()), ids)
	}
	testkit.Eventually(t, func() error {
		found, err := h.GetWebhookEndpoint(h.Ctx(), &platformv1.GetWebhookEndpointRequest{Name: e.GetName()})
		if err == nil && (found.GetState() != platformv1.WebhookEndpoint_STATE_DISABLED || found.GetStateReason() == "") {
			err = fmt.Errorf("the endpoint is %v", found)
		}
		return err
	})
	if p := watcher.waitFor(1)[0].payload(t); p.Data.Aggregate != e.GetName() {
		t.Errorf("another endpoint is told %v", p)
	}
}

// A receiver that has too much to do is left alone for as long as it asks, by seconds or by
// a date, though not beyond the longest pause; what it asks otherwise changes nothing.
func TestWebhooks_retryAfter(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	suite.Clock.Set(suite.Clock.Now())
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	now := suite.Clock.Now()
	for name, c := range map[string]struct {
		status   int
		field    string
		min, max time.Duration
	}{
		"seconds":         {http.StatusTooManyRequests, "3600", time.Hour, time.Hour},
		"a date":          {http.StatusServiceUnavailable, now.Add(2 * time.Hour).Format(http.TimeFormat), 2*time.Hour - time.Second, 2 * time.Hour},
		"too long":        {http.StatusServiceUnavailable, "9999999", 24 * time.Hour, 24 * time.Hour},
		"shorter":         {http.StatusTooManyRequests, "1", 5 * time.Second, 6 * time.Second},
		"another failure": {http.StatusInternalServerError, "3600", 5 * time.Second, 6 * time.Second},
	} {
		e := h.point(receive(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.field)
			w.WriteHeader(c.status)
		}), thirdParty, teamCreated)
		h.team("Asked by " + name)
		d := h.attempts(e, 1)
		if wait := d.GetNextAttemptTime().AsTime().Sub(now); wait < c.min || wait > c.max {
			t.Errorf("%s: the next attempt is due after %s", name, wait)
		}
		must(h.DeleteWebhookEndpoint(h.Ctx(), &platformv1.DeleteWebhookEndpointRequest{Name: e.GetName()}))(t)
	}
}

// F48: 410 ends it at once. What the endpoint missed is sent by a replay after it was
// resumed; one delivery can be sent again by itself.
func TestWebhooks_goneAndReplayed(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	testkit.Both(t, suite, nil, func(t *testing.T, c *testkit.Client) {
		h := hooksOf(t, c)
		r := receive(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			if n == 1 {
				w.WriteHeader(http.StatusGone)
			}
		})
		began := suite.Clock.Now()
		e := h.point(r, thirdParty, teamCreated)
		h.team("Gone over " + c.Transport)
		h.deliveries(e, failed)
		testkit.Eventually(t, func() error {
			found, err := h.GetWebhookEndpoint(h.Ctx(), &platformv1.GetWebhookEndpointRequest{Name: e.GetName()})
			if err == nil && !strings.Contains(found.GetStateReason(), "410") {
				err = fmt.Errorf("the endpoint is %v", found)
			}
			return err
		})
		h.team("Missed over " + c.Transport)
		ask := &platformv1.ReplayWebhookDeliveriesRequest{Endpoint: e.GetName(), StartTime: timestamppb.New(began), EndTime: timestamppb.New(suite.Clock.Now().Add(time.Minute)), ValidateOnly: true}
		testkit.Eventually(t, func() error { // until what was missed is kept
			resp, err := h.ReplayWebhookDeliveries(h.Ctx(), ask)
			if err == nil && resp.GetDeliveryCount() != 2 {
				err = fmt.Errorf("%d would be sent again", resp.GetDeliveryCount())
			}
			return err
		})
		must(h.ResumeWebhookEndpoint(c.Ctx(), &platformv1.ResumeWebhookEndpointRequest{Name: e.GetName()}))(t)
		if n := len(r.heard()); n != 1 {
			t.Errorf("%d calls before the replay", n)
		}
		ask.ValidateOnly, ask.RequestId = false, "replay-"+c.Transport
		for range 2 { // a repeated request sends nothing twice
			if resp := must(h.ReplayWebhookDeliveries(c.Ctx(), ask))(t); resp.GetDeliveryCount() != 2 {
				t.Errorf("%d are sent again", resp.GetDeliveryCount())
			}
		}
		list := h.deliveries(e, delivered, delivered)
		calls := r.heard()
		if len(calls) != 3 || calls[0].id() == calls[1].id() && calls[0].id() == calls[2].id() {
			t.Errorf("%d calls after the replay", len(calls))
		}
		again := must(h.RedeliverWebhookDelivery(c.Ctx(), &platformv1.RedeliverWebhookDeliveryRequest{Name: list[0].GetName()}))(t)
		if again.GetState() != pending {
			t.Errorf("sent again: %v", again)
		}
		if last := r.waitFor(4)[3]; last.id() != again.GetEvent() {
			t.Errorf("sent %s again, want %s", last.id(), again.GetEvent())
		}
		h.deliveries(e, delivered, delivered)
		ask.RequestId, ask.IncludeDelivered, ask.ValidateOnly = "", true, true
		if resp := must(h.ReplayWebhookDeliveries(c.Ctx(), ask))(t); resp.GetDeliveryCount() != 2 {
			t.Errorf("%d would be sent once more", resp.GetDeliveryCount())
		}
		ask.EndTime = ask.GetStartTime()
		_, err := h.ReplayWebhookDeliveries(c.Ctx(), ask)
		want(t, err, codes.InvalidArgument, "FIELD_INVALID")
		_, err = hooksOf(t, c.Other()).ReplayWebhookDeliveries(c.Ctx(), &platformv1.ReplayWebhookDeliveriesRequest{
			Endpoint: e.GetName(), StartTime: timestamppb.New(began), EndTime: timestamppb.New(suite.Clock.Now()),
		})
		want(t, err, codes.NotFound, "WEBHOOK_ENDPOINT_NOT_FOUND")
	})
}

// For a day after a rotation what is sent verifies by both secrets, then by the new one.
func TestWebhooks_rotation(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	r := receive(t, nil)
	e := h.point(r, thirdParty, teamCreated)
	rotated := must(h.RotateWebhookEndpointSecret(h.Ctx(), &platformv1.RotateWebhookEndpointSecretRequest{Name: e.GetName()}))(t)
	h.team("Both")
	if call := r.waitFor(1)[0]; !call.signedBy(t, e.GetSecret()) || !call.signedBy(t, rotated.GetSecret()) {
		t.Errorf("signed %q", call.header.Get("webhook-signature"))
	}
	suite.Clock.Advance(24*time.Hour + time.Second)
	h.team("New")
	if call := r.waitFor(2)[1]; call.signedBy(t, e.GetSecret()) || !call.signedBy(t, rotated.GetSecret()) {
		t.Errorf("a day later signed %q", call.header.Get("webhook-signature"))
	}
	if found := must(h.GetWebhookEndpoint(h.Ctx(), &platformv1.GetWebhookEndpointRequest{Name: e.GetName()}))(t); found.GetPreviousSecretExpireTime() != nil {
		t.Errorf("it is %v", found)
	}
}

// F48: one endpoint that hangs, one that never ends its answer and one that sends
// elsewhere hold nobody else; what is kept of an answer is short.
func TestWebhooks_badReceivers(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	hangs := receive(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	endless := receive(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		for chunk := []byte(strings.Repeat("0", 1<<16)); r.Context().Err() == nil; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	good := receive(t, nil)
	elsewhere := receive(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, good.URL, http.StatusPermanentRedirect)
	})
	h.point(hangs, thirdParty, teamCreated)
	long, away, fine := h.point(endless, thirdParty, teamCreated), h.point(elsewhere, thirdParty, teamCreated), h.point(good, thirdParty, teamCreated)
	for i := range 8 {
		h.team(fmt.Sprint("Team ", i))
	}
	eight := slices.Repeat([]platformv1.WebhookDelivery_State{delivered}, 8)
	h.deliveries(fine, eight...)
	if d := h.deliveries(long, eight...)[0]; d.GetAttempts()[0].GetAnswer() != strings.Repeat("0", 1024) {
		t.Errorf("of an endless answer %d bytes are kept", len(d.GetAttempts()[0].GetAnswer()))
	}
	d := h.deliveries(away, slices.Repeat([]platformv1.WebhookDelivery_State{pending}, 8)...)[0]
	testkit.Eventually(t, func() (err error) {
		if d, err = h.GetWebhookDelivery(h.Ctx(), &platformv1.GetWebhookDeliveryRequest{Name: d.GetName()}); err == nil && len(d.GetAttempts()) == 0 {
			err = fmt.Errorf("no attempt of %v", d)
		}
		return err
	})
	if a := d.GetAttempts()[0]; a.GetFailure() != "REDIRECTED" || a.GetStatusCode() != http.StatusPermanentRedirect || len(good.heard()) != 8 {
		t.Errorf("redirected: %v, and %d calls where it led to", a, len(good.heard()))
	}
	first, together := hangs.waitFor(1)[0], 0
	for _, call := range hangs.heard() {
		if call.at.Sub(first.at) < 5*time.Second { // none is given up on before fifteen
			together++
		}
	}
	if together > 4 {
		t.Errorf("%d calls are under way to who hangs", together)
	}
}

// However many gateways run, each event is sent once.
func TestWebhooks_ofTwoGateways(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	suite.Replica(t, inside, 0)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	r := receive(t, nil)
	e := h.point(r, thirdParty, teamCreated)
	const n = 40
	for i := range n {
		h.team(fmt.Sprint("Team ", i))
	}
	h.deliveries(e, slices.Repeat([]platformv1.WebhookDelivery_State{delivered}, n)...)
	ids := map[string]bool{}
	for _, call := range r.heard() {
		ids[call.id()] = true
	}
	if len(ids) != n || len(r.heard()) != n {
		t.Errorf("%d calls about %d events, want %d", len(r.heard()), len(ids), n)
	}
}

// A gateway that ends between sending and noting it loses nothing: another one sends
// again, under the same id.
func TestWebhooks_afterACrash(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	release := make(chan struct{})
	r := receive(t, func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 1 {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	})
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	h.point(r, thirdParty, teamCreated)
	h.team("Sent twice")
	r.waitFor(1)
	if err := suite.Services["platform"].Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	close(release)
	suite.Replica(t, inside, 0)
	time.Sleep(time.Second) // the other's claim still holds
	if n := len(r.heard()); n != 1 {
		t.Errorf("%d calls while another gateway may be at it", n)
	}
	suite.Clock.Advance(61 * time.Second)
	if calls := r.waitFor(2); calls[0].id() != calls[1].id() || calls[1].payload(t).Type != teamCreated {
		t.Errorf("sent %s and %s", calls[0].id(), calls[1].id())
	}
}

// What became of events is kept for thirty days.
func TestWebhooks_areForgotten(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	e := h.point(receive(t, nil), thirdParty, teamCreated)
	h.team("Old")
	h.deliveries(e, delivered)
	suite.Clock.Advance(29 * 24 * time.Hour)
	h.team("Newer")
	h.deliveries(e, delivered, delivered)
	suite.Clock.Advance(2 * 24 * time.Hour)
	suite.Replica(t, inside, 0) // it looks when it starts
	h.deliveries(e, delivered)
}

// Operators decide whether webhooks may stay inside. Where they may not, an endpoint that
// was made while they might is refused at each attempt (B38).
func TestWebhooks_guardedAtDial(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	r := receive(t, nil)
	e := must(h.CreateWebhookEndpoint(h.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{
		Url: "https://crm.example.com/", EventTypes: []string{teamCreated},
	}}))(t)
	owner := testkit.Owner(t, "platform", suite.Services["platform"].Runtime.DB)
	defer owner.Close(context.WithoutCancel(t.Context()))
	if _, err := owner.Exec(t.Context(), "UPDATE webhook_endpoint SET url = $1", r.URL); err != nil {
		t.Fatal(err)
	}
	h.team("Inside")
	if d := h.attempts(e, 1); d.GetAttempts()[0].GetFailure() != "ADDRESS_NOT_ALLOWED" || d.GetState() != pending {
		t.Errorf("the delivery is %v", d)
	}
	if n := len(r.heard()); n != 0 {
		t.Errorf("%d calls inside", n)
	}
}
