package webhooks

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

// measuring bounds reading the queue for one look at the metrics.
const measuring = 2 * time.Second

// The outcomes by which deliveries are counted.
const (
	outcomeDelivered = "delivered"
	// outcomeFailed is an attempt that another one follows, outcomeGivenUp the last one.
	outcomeFailed  = "failed_attempt"
	outcomeGivenUp = "given_up"
	outcomeBlocked = "blocked"
	// outcomePostponed is one that could not be asked about, or not be read.
	outcomePostponed = "postponed"
)

// instruments count what becomes of deliveries, and time the attempts. What waits is read
// from the tables when somebody looks, so that each gateway tells of all.
type instruments struct {
	deliveries     metric.Int64Counter
	attempts       metric.Float64Histogram
	due, abandoned metric.Int64ObservableGauge
	age            metric.Float64ObservableGauge
}

// measure makes the instruments. The registration is to be ended with the dispatcher.
func (d *Dispatcher) measure() (metric.Registration, error) {
	meter := d.Meters.Meter("github.com/lingkar-crm/lingkar/services/gateway/webhooks")
	i := &d.instruments
	var failed [5]error
	i.deliveries, failed[0] = meter.Int64Counter("lingkar.webhooks.deliveries",
		metric.WithDescription("Turns of webhook deliveries, by outcome."), metric.WithUnit("{delivery}"))
	i.attempts, failed[1] = meter.Float64Histogram("lingkar.webhooks.attempt",
		metric.WithDescription("How long receivers take to answer, or are waited for, by outcome."), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15))
	i.due, failed[2] = meter.Int64ObservableGauge("lingkar.webhooks.due",
		metric.WithDescription("Webhook deliveries that are due and not claimed, up to 1,000 of each endpoint."), metric.WithUnit("{delivery}"))
	i.age, failed[3] = meter.Float64ObservableGauge("lingkar.webhooks.due.age",
		metric.WithDescription("For how long the oldest of them has been due."), metric.WithUnit("s"))
	i.abandoned, failed[4] = meter.Int64ObservableGauge("lingkar.webhooks.disabled",
		metric.WithDescription("Webhook endpoints that were given up on."), metric.WithUnit("{endpoint}"))
	if err := errors.Join(failed[:]...); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(d.observe, i.due, i.age, i.abandoned)
}

// observe tells what waits.
func (d *Dispatcher) observe(ctx context.Context, o metric.Observer) error {
	ctx, cancel := context.WithTimeout(ctx, measuring)
	defer cancel()
	q, err := store.WebhookQueue(ctx, d.DB, d.Now())
	if err != nil {
		return err
	}
	o.ObserveInt64(d.instruments.due, q.Due)
	o.ObserveFloat64(d.instruments.age, q.Age.Seconds())
	o.ObserveInt64(d.instruments.abandoned, q.Disabled)
	return nil
}

// count counts the outcome of a turn, with the time of its attempt where one was made.
func (d *Dispatcher) count(ctx context.Context, o store.Outcome) {
	outcome := outcomePostponed
	switch {
	case o.State == webhook.Delivered:
		outcome = outcomeDelivered
	case o.State == webhook.Blocked:
		outcome = outcomeBlocked
	case o.State == webhook.Failed:
		outcome = outcomeGivenUp
	case o.Attempt != nil:
		outcome = outcomeFailed
	}
	by := metric.WithAttributes(attribute.String("outcome", outcome))
	d.instruments.deliveries.Add(ctx, 1, by)
	if o.Attempt != nil {
		d.instruments.attempts.Record(ctx, o.Attempt.Duration.Seconds(), by)
	}
}
