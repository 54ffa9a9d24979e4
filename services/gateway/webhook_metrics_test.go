package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// metric answers what Prometheus would read: the value of a series with such a label; -1
// where there is none.
func metric(t testing.TB, s *testkit.Suite, name, label string) float64 {
	t.Helper()
	answer := httptest.NewRecorder()
	s.Telemetry.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, label) {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	return -1
}

// Operators see what becomes of deliveries, how long receivers take, what waits and who
// was given up on (F48).
func TestWebhooks_areMeasured(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, inside)
	suite.Clock.Set(suite.Clock.Now()) // nothing is due again by itself
	h := hooksOf(t, suite.Client(t, suite.As(auth.Admin)))
	answers := func(status int) *receiver {
		return receive(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	fine, failing, gone := answers(http.StatusNoContent), answers(http.StatusBadGateway), answers(http.StatusGone)
	for _, r := range []*receiver{fine, failing, gone} {
		h.point(r, thirdParty, teamCreated)
	}
	h.team("Measured")
	wants := func(want map[[2]string]float64) {
		t.Helper()
		testkit.Eventually(t, func() error {
			for series, value := range want {
				if got := metric(t, suite, series[0], series[1]); got != value {
					return fmt.Errorf("%v is %v, want %v", series, got, value)
				}
			}
			return nil
		})
	}
	wants(map[[2]string]float64{
		{"lingkar_webhooks_deliveries_total", `outcome="delivered"`}:           1,
		{"lingkar_webhooks_deliveries_total", `outcome="failed_attempt"`}:      1,
		{"lingkar_webhooks_deliveries_total", `outcome="given_up"`}:            1,
		{"lingkar_webhooks_attempt_seconds_count", `outcome="failed_attempt"`}: 1,
		{"lingkar_webhooks_disabled", ""}:                                      1,
		{"lingkar_webhooks_due", ""}:                                           0,
		{"lingkar_webhooks_due_age_seconds", ""}:                               0,
	})

	hangs := receive(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	slow := h.point(hangs, thirdParty, teamCreated)
	const waiting = 24 // four at a time, a quarter of a minute each
	for n := range waiting {
		h.team(fmt.Sprint("Team ", n))
	}
	h.deliveries(slow, slices.Repeat([]platformv1.WebhookDelivery_State{pending}, waiting)...)
	suite.Clock.Advance(3 * time.Second) // less than the pause after a first attempt
	testkit.Eventually(t, func() error {
		due, age := metric(t, suite, "lingkar_webhooks_due", ""), metric(t, suite, "lingkar_webhooks_due_age_seconds", "")
		if due < 1 || due > waiting || age != 3 {
			return fmt.Errorf("%v are due, the oldest for %v s", due, age)
		}
		return nil
	})
	must(h.PauseWebhookEndpoint(h.Ctx(), &platformv1.PauseWebhookEndpointRequest{Name: slow.GetName()}))(t)
	wants(map[[2]string]float64{{"lingkar_webhooks_due", ""}: 0, {"lingkar_webhooks_due_age_seconds", ""}: 0})
}
