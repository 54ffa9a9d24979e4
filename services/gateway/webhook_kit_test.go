package gateway_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// inside is a gateway whose webhooks may go to this machine.
var inside = gateway.With(gateway.Config{WebhookAllowPrivate: true})

// got is one call that a receiver got.
type got struct {
	at     time.Time
	header http.Header
	body   string
}

func (g got) id() string { return g.header.Get("webhook-id") }

// payload is what the body says.
func (g got) payload(t testing.TB) (p struct {
	Type, Timestamp string
	Data            struct {
		ID, Type, Aggregate string
		Payload             map[string]any
		Interaction         map[string]any
		Sealed              map[string]any
	}
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(g.body), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// signedBy says whether one of the signatures is that of the secret, computed from the
// text of the specification: base64 of HMAC-SHA256 of "id.timestamp.body".
func (g got) signedBy(t testing.TB, secret string) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) != 32 {
		t.Fatalf("the secret %q: %d bytes, %v", secret, len(key), err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", g.id(), g.header.Get("webhook-timestamp"), g.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(g.header.Get("webhook-signature")) {
		if signature == want {
			return true
		}
	}
	return false
}

// receiver is a web server that gets events.
type receiver struct {
	t testing.TB
	*httptest.Server
	// answer answers the n-th call, from 1; nil answers 204.
	answer func(n int, w http.ResponseWriter, r *http.Request)

	mu  sync.Mutex
	all []got
}

func receive(t testing.TB, answer func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	r.all = append(r.all, got{time.Now(), req.Header.Clone(), string(body)})
	n := len(r.all)
	r.mu.Unlock()
	if r.answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r.answer(n, w, req)
}

// heard answers what it got so far.
func (r *receiver) heard() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got{}, r.all...)
}

// waitFor waits for so many calls and answers them.
func (r *receiver) waitFor(n int) []got {
	r.t.Helper()
	testkit.Eventually(r.t, func() error {
		if all := r.heard(); len(all) < n {
			return fmt.Errorf("the receiver got %d calls, want %d", len(all), n)
		}
		return nil
	})
	return r.heard()
}

// hooks are the calls of a client on webhooks.
type hooks struct {
	platformv1.WebhookEndpointServiceClient
	platformv1.WebhookDeliveryServiceClient
	*testkit.Client
	t testing.TB
}

func hooksOf(t testing.TB, c *testkit.Client) hooks {
	return hooks{platformv1.NewWebhookEndpointServiceClient(c.Conn), platformv1.NewWebhookDeliveryServiceClient(c.Conn), c, t}
}

// point makes an endpoint of a class that gets events of the types.
func (h hooks) point(r *receiver, class platformv1.WebhookEndpoint_RecipientClass, types ...string) *platformv1.WebhookEndpoint {
	h.t.Helper()
	made, err := h.CreateWebhookEndpoint(h.Ctx(), &platformv1.CreateWebhookEndpointRequest{WebhookEndpoint: &platformv1.WebhookEndpoint{
		Url: r.URL + "/hook?token=ours", EventTypes: types, RecipientClass: class,
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

// team makes an event that is about no contact.
func (h hooks) team(name string) {
	h.t.Helper()
	if _, err := platformv1.NewTeamServiceClient(h.Conn).CreateTeam(h.Ctx(), &platformv1.CreateTeamRequest{Team: &platformv1.Team{DisplayName: name}}); err != nil {
		h.t.Fatal(err)
	}
}

// deliveries waits until the deliveries of an endpoint stand as told, and answers them in
// that order: that of the states' numbers.
func (h hooks) deliveries(of *platformv1.WebhookEndpoint, want ...platformv1.WebhookDelivery_State) (all []*platformv1.WebhookDelivery) {
	h.t.Helper()
	testkit.Eventually(h.t, func() error {
		resp, err := h.ListWebhookDeliveries(h.Ctx(), &platformv1.ListWebhookDeliveriesRequest{Filter: `endpoint = "` + of.GetName() + `"`})
		if err != nil {
			return err
		}
		all = resp.GetWebhookDeliveries()
		slices.SortStableFunc(all, func(a, b *platformv1.WebhookDelivery) int { return int(a.GetState()) - int(b.GetState()) })
		var states []platformv1.WebhookDelivery_State
		for _, d := range all {
			states = append(states, d.GetState())
		}
		if fmt.Sprint(states) != fmt.Sprint(want) {
			return fmt.Errorf("the deliveries are %v, want %v", states, want)
		}
		return nil
	})
	return all
}

// attempts waits until the one delivery of an endpoint has so many attempts and answers it.
func (h hooks) attempts(of *platformv1.WebhookEndpoint, n int) (one *platformv1.WebhookDelivery) {
	h.t.Helper()
	testkit.Eventually(h.t, func() error {
		resp, err := h.ListWebhookDeliveries(h.Ctx(), &platformv1.ListWebhookDeliveriesRequest{Filter: `endpoint = "` + of.GetName() + `"`})
		if err != nil {
			return err
		}
		if len(resp.GetWebhookDeliveries()) != 1 || len(resp.GetWebhookDeliveries()[0].GetAttempts()) != n {
			return fmt.Errorf("the deliveries are %v, want %d attempts", resp.GetWebhookDeliveries(), n)
		}
		one = resp.GetWebhookDeliveries()[0]
		return nil
	})
	return one
}

const (
	firstParty = platformv1.WebhookEndpoint_RECIPIENT_CLASS_FIRST_PARTY
	processor  = platformv1.WebhookEndpoint_RECIPIENT_CLASS_PROCESSOR
	thirdParty = platformv1.WebhookEndpoint_RECIPIENT_CLASS_THIRD_PARTY

	pending   = platformv1.WebhookDelivery_STATE_PENDING
	delivered = platformv1.WebhookDelivery_STATE_DELIVERED
	failed    = platformv1.WebhookDelivery_STATE_FAILED
	blocked   = platformv1.WebhookDelivery_STATE_BLOCKED
)

// late is longer than the pause after any attempt.
const late = 27 * time.Hour
