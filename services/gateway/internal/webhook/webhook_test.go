package webhook_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// The test vector of the reference libraries of Standard Webhooks.
func TestSign(t *testing.T) {
	t.Parallel()
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := webhook.Sign([][]byte{secret, []byte("another")}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if first, second, two := strings.Cut(got, " "); first != want || !two || second == want || !strings.HasPrefix(second, "v1,") {
		t.Errorf("signed %q, want %q and another", got, want)
	}
}

// F48: a delivery is tried for two days at least, each time later.
func TestWait(t *testing.T) {
	t.Parallel()
	var all, before time.Duration
	tries := int32(1)
	for ; ; tries++ {
		wait, again := webhook.Wait(tries, 0)
		if !again {
			break
		}
		late, _ := webhook.Wait(tries, 1)
		if wait < before || late <= wait || late > wait+wait/10 {
			t.Errorf("after %d attempts: %s to %s", tries, wait, late)
		}
		all, before = all+wait, wait
	}
	if all < 48*time.Hour || all != webhook.Span() {
		t.Errorf("%d attempts in %s, and the span is %s", tries, all, webhook.Span())
	}
	if _, again := webhook.Wait(0, 0); again {
		t.Error("a wait before the first attempt")
	}
}

// RFC 9110, section 10.2.3: seconds or one of three forms of a date; nothing else, never
// longer than the longest pause, and a date that has passed asks for nothing.
func TestAsked(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "0": 0, "86401": 24 * time.Hour, "99999999999999999999999": 24 * time.Hour,
		"Sun, 22 Nov 2026 20:10:00 GMT": 10 * time.Minute, "Sunday, 22-Nov-26 20:10:00 GMT": 10 * time.Minute, "Sun Nov 22 20:10:00 2026": 10 * time.Minute,
		"Sun, 22 Nov 2026 19:00:00 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": 24 * time.Hour,
		"": 0, "-1": 0, "+60": 0, "1.5": 0, "1_000": 0, "soon": 0, "2026-11-22T20:10:00Z": 0,
	} {
		if got := webhook.Asked(text, now); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestEndpoint_host(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://a.example.com/hook?token=secret": "https://a.example.com", "https://a.example.com?token=x": "https://a.example.com", "https://a.example.com:8443": "https://a.example.com:8443",
	} {
		if got := (&webhook.Endpoint{URL: url}).Host(); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
