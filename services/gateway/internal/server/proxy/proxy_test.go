package proxy

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/httprule"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Row B05: a deadline of years is thirty seconds, and none is ten; streams last.
func TestBounded(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, test := range []struct {
		method string
		asked  time.Duration
		want   time.Duration
	}{
		{"/lingkar.contact.v1.ContactService/GetContact", 0, defaultDeadline},
		{"/lingkar.contact.v1.ContactService/GetContact", year, longestDeadline},
		{"/lingkar.contact.v1.ContactService/GetContact", time.Second, time.Second},
		{"/lingkar.contact.v1.ImportService/UploadImport", 0, 0},
		{"/lingkar.analytics.v1.EventStoreService/WatchEvents", 0, 0},
	} {
		method, err := httprule.Method(test.method)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.Background(), context.CancelFunc(func() {})
		if test.asked > 0 {
			ctx, cancel = context.WithTimeout(ctx, test.asked)
		}
		limited, stop := bounded(ctx, method)
		end, ok := limited.Deadline()
		if left := time.Until(end); ok != (test.want > 0) || ok && (left > test.want || left < test.want-time.Second) {
			t.Errorf("%s asked for %s: %s left, %v", test.method, test.asked, left, ok)
		}
		stop()
		cancel()
	}
}

func TestOutgoing_passesOnlyWhatIsListed(t *testing.T) {
	t.Parallel()
	ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs(
		rpc.IdempotencyHeader, "key", call.MinPositionHeader, "7", call.CausationHeader, "forged",
		"authorization", "Bearer x", "x-forwarded-for", "10.0.0.1", call.CorrelationHeader, "not\x00one"))
	out := outgoing(ctx)
	if first(out, rpc.IdempotencyHeader) != "key" || first(out, call.MinPositionHeader) != "7" || len(out) != 3 {
		t.Errorf("passed %v", out)
	}
	if id := first(out, call.CorrelationHeader); id == "" || id == "not\x00one" {
		t.Errorf("the correlation is %q", id)
	}
	if again := outgoing(context.Background()); first(again, rpc.IdempotencyHeader) == "" {
		t.Error("a call without a key cannot be repeated")
	}
}
