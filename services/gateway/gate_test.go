package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// A tenant that calls faster than it may is told so and when to come back, over both
// transports; another tenant does not notice (API4).
func TestGate_ratePerTenant(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.With(gateway.Config{TenantRate: 2}), contact.Definition)
	list := func(c auth.Caller) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, suite.HTTP+"/v1/contacts", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+suite.Token(c))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	loud, refused := suite.As(auth.Admin), false
	for range 20 {
		resp := list(loud)
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests {
			refused = true
			if resp.Header.Get("Retry-After") != "1" || !strings.Contains(string(body), "TENANT_RATE_EXCEEDED") {
				t.Errorf("it says %s with Retry-After %q", body, resp.Header.Get("Retry-After"))
			}
		}
	}
	if !refused {
		t.Error("twenty calls at once are within a rate of two")
	}
	var err error
	for range 20 {
		if _, err = contactv1.NewContactServiceClient(front(suite, loud)).ListContacts(t.Context(), &contactv1.ListContactsRequest{}); err != nil {
			break
		}
	}
	want(t, err, codes.ResourceExhausted, "TENANT_RATE_EXCEEDED")
	var quota, retry bool
	for _, d := range status.Convert(err).Details() {
		switch d.(type) {
		case *errdetails.QuotaFailure:
			quota = true
		case *errdetails.RetryInfo:
			retry = true
		}
	}
	if !quota || !retry {
		t.Errorf("the details lack a quota or when to try again: %v (%s)", status.Convert(err).Details(), errs.Reason(err))
	}
	quiet := list(suite.AsOther(auth.Admin))
	quiet.Body.Close()
	if quiet.StatusCode != http.StatusOK {
		t.Errorf("the other tenant gets %d", quiet.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}
