// Package gate bounds what comes through the front door: how fast each tenant may
// call, and how many calls are passed on at a time. It refuses before anything is
// done for a call but knowing its caller, so that a refusal is cheap.
//
// The rate is of this process: a gateway of several processes lets through as many
// times as much. What is refused may be tried again after the time in RetryInfo, or
// in the header Retry-After.
package gate

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/time/rate"

	"github.com/lingkar-crm/lingkar/pkg/admission"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// remembered is how many tenants' rates are kept; one that was forgotten starts with
// a full bucket.
const remembered = 8192

var errRate = errs.Quota("TENANT_RATE_EXCEEDED", "your tenant calls faster than it may", time.Second)

// Gate lets calls in. Make it by New.
type Gate struct {
	places  *admission.Limiter
	rate    rate.Limit
	burst   int
	buckets *lru.Cache[uuid.UUID, *rate.Limiter]
	refused metric.Int64Counter
}

// New makes a gate: so many calls at a time, as in admission.New, and so many a
// second for each tenant, with as many at once. A rate of 0 is none at all.
func New(places, perSecond int, meters metric.MeterProvider) (*Gate, error) {
	buckets, err := lru.New[uuid.UUID, *rate.Limiter](remembered)
	if err != nil {
		return nil, err
	}
	refused, err := meters.Meter("github.com/lingkar-crm/lingkar/services/gateway").Int64Counter("lingkar.gateway.refusals",
		metric.WithDescription("Calls turned away at the front door, by reason."), metric.WithUnit("{call}"))
	if err != nil {
		return nil, err
	}
	return &Gate{places: admission.New(places), rate: rate.Limit(perSecond), burst: perSecond, buckets: buckets, refused: refused}, nil
}

// Admit lets the context's caller in, or answers why not. Leave must be called when
// the call has ended. A lasting call, such as a stream or an upload, takes no place:
// its number is bounded where it is served.
func (g *Gate) Admit(ctx context.Context, method string, lasting bool) (leave func(), err error) {
	caller := auth.From(ctx)
	if err := g.spend(caller.Tenant); err != nil {
		g.count(ctx, "rate")
		return nil, err
	}
	if lasting {
		return func() {}, nil
	}
	if err := g.places.Enter(ctx, admission.ClassOf(caller, method), caller.Tenant); err != nil {
		if errors.Is(err, admission.ErrOverloaded) {
			g.count(ctx, "overload")
		}
		return nil, err
	}
	return func() { g.places.Leave(caller.Tenant) }, nil
}

// spend takes one call from the tenant's bucket. Of two that come first at once, one
// may count for a bucket that is dropped.
func (g *Gate) spend(tenant uuid.UUID) error {
	if g.rate == 0 {
		return nil
	}
	bucket, ok := g.buckets.Get(tenant)
	if !ok {
		bucket = rate.NewLimiter(g.rate, g.burst)
		g.buckets.Add(tenant, bucket)
	}
	if !bucket.Allow() {
		return errRate.With("tenant", tenant.String())
	}
	return nil
}

func (g *Gate) count(ctx context.Context, reason string) {
	g.refused.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
}
