package receiver_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/receiver"
)

// tenant is whose inbox the tests send to.
const tenant = "tenants/019ad0c4-0000-7000-8000-000000000001"

// key is the secret of its endpoint.
var key = []byte("0123456789abcdef0123456789abcdef")

// door stands for the gateway: it makes the endpoint that it is asked for.
type door struct {
	grpc.ClientConnInterface
	url string
}

// Invoke implements grpc.ClientConnInterface.
func (d *door) Invoke(_ context.Context, _ string, req, reply any, _ ...grpc.CallOption) error {
	d.url = req.(*platformv1.CreateWebhookEndpointRequest).GetWebhookEndpoint().GetUrl()
	reply.(*platformv1.WebhookEndpoint).Secret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	return nil
}

// start starts a receiver with one inbox, and answers where that is.
func start(t *testing.T) (*receiver.Receiver, *receiver.Inbox, string) {
	t.Helper()
	r, err := receiver.Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &door{}
	if err := r.Subscribe(t.Context(), d, tenant); err != nil {
		t.Fatal(err)
	}
	return r, r.Inboxes()[0], d.url
}

// message is a webhook, and how it is spoiled.
type message struct {
	id, tenant, kind, sealed string
	key                      []byte
	at                       time.Time
}

func fresh() message {
	return message{id: entity.NewID().String(), tenant: tenant, kind: receiver.Types[0], key: key, at: time.Now()}
}

// post sends it, and answers the status; 0 where the call was cut off.
func (m message) post(t *testing.T, url string) int {
	t.Helper()
	body := fmt.Sprintf(`{"type":%q,"timestamp":"2026-11-22T18:40:00Z","data":{"id":%q,"tenant":%q,"type":%[1]q%[4]s}}`, m.kind, m.id, m.tenant, m.sealed)
	mac := hmac.New(sha256.New, m.key)
	fmt.Fprintf(mac, "%s.%d.%s", m.id, m.at.Unix(), body)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("webhook-id", m.id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(m.at.Unix(), 10))
	req.Header.Set("webhook-signature", "v1,x v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Some calls are not accepted, the same event never more than twice, and all are once the
// receiver is healed, with those that hang cut off.
func TestReceiver_refusesByChance(t *testing.T) {
	t.Parallel()
	r, inbox, url := start(t)
	const events = 400
	ended := make(chan int, events)
	for range events {
		go func() {
			m, tries := fresh(), 1
			for ; m.post(t, url) != http.StatusNoContent && tries < 9; tries++ {
			}
			ended <- tries
		}()
	}
	testkit.Eventually(t, func() error { // those that hang end when it is healed
		if c := r.Counts(); c.Accepted+c.Hung < events {
			return fmt.Errorf("of %d events: %+v", events, c)
		}
		return nil
	})
	if c := r.Counts(); c.Refused == 0 || c.Cut == 0 {
		t.Errorf("nothing was refused: %+v", c)
	}
	r.Heal()
	most := 0
	for range events {
		most = max(most, <-ended)
	}
	if most > 3 {
		t.Errorf("an event was accepted at attempt %d", most)
	}
	if n, wrong := len(r.Accepted(inbox)), r.Wrong(); n != events || len(wrong) > 0 {
		t.Errorf("%d events were accepted, and wrong were %v", n, wrong)
	}
	m := fresh()
	for range 2 {
		if status := m.post(t, url); status != http.StatusNoContent {
			t.Errorf("healed, it answers %d", status)
		}
	}
	if n := len(r.Accepted(inbox)[m.id]); n != 2 {
		t.Errorf("an event that came twice was accepted %d times", n)
	}
}

// What must never come is refused and told.
func TestReceiver_tellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r, inbox, url := start(t)
	r.Heal()
	for want, spoil := range map[string]func(*message){
		"a wrong signature":              func(m *message) { m.key = []byte("another") },
		"a wrong timestamp":              func(m *message) { m.at = time.Now().Add(-time.Hour) },
		"an event of tenants/other":      func(m *message) { m.tenant = "tenants/other" },
		"a type that it did not ask for": func(m *message) { m.kind = "lingkar.sales.v1.LeadCaptured" },
		"a sealed part":                  func(m *message) { m.sealed = `,"sealed":{"key":"a"}` },
		"no event":                       func(m *message) { m.sealed = `,"nothing":1` },
	} {
		before := len(r.Wrong())
		m := fresh()
		spoil(&m)
		status := m.post(t, url)
		wrong := r.Wrong()
		if status != http.StatusInternalServerError || len(wrong) != before+1 || want != "no event" && !strings.Contains(wrong[before], want) {
			t.Errorf("%s: answered %d, told %v", want, status, wrong)
		}
	}
	if n := len(r.Accepted(inbox)); n != 0 {
		t.Errorf("%d events were accepted", n)
	}
}
