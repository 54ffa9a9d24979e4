package eventlog

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

var (
	meter = otel.Meter("github.com/lingkar-crm/lingkar/pkg/eventlog")

	relayedEvents = counter("lingkar.events.relayed", "Events that the broker acknowledged.")
	appliedEvents = counter("lingkar.events.applied", "Events that a projection applied.")
	parkedEvents  = counter("lingkar.events.parked", "Events that a projection could not apply, and those behind them.")
	catchUps      = counter("lingkar.events.catchups", "Times a projection read a partition from its log instead of the broker.")
	// freshness is what users feel: how late a read model shows a change.
	freshness = seconds("lingkar.projection.lag", "Time from the recording of an event to its appearance in a projection.")
)

// counter makes an instrument. Its name is a constant that is valid, so that
// there is no error to handle.
func counter(name, description string) metric.Int64Counter {
	c, err := meter.Int64Counter(name, metric.WithDescription(description), metric.WithUnit("{event}"))
	if err != nil {
		panic(err)
	}
	return c
}

func seconds(name, description string) metric.Float64Histogram {
	h, err := meter.Float64Histogram(name, metric.WithDescription(description), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60))
	if err != nil {
		panic(err)
	}
	return h
}

func (r *Relay) attributes() metric.AddOption {
	return metric.WithAttributes(attribute.String("area", r.Area))
}

func (r *Runner) attributes(area string) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("projection", r.Name), attribute.String("area", area))
}

// report counts a committed batch, and tells the lag of each area's oldest
// event in it.
func (a *attempt) report(ctx context.Context, items []item) {
	now := time.Now()
	counts := map[string]int64{}
	for _, i := range items {
		area := i.event.GetArea()
		if counts[area] == 0 {
			freshness.Record(ctx, now.Sub(i.event.GetRecordedAt().AsTime()).Seconds(), a.attributes(area))
		}
		counts[area]++
	}
	for area, n := range counts {
		appliedEvents.Add(ctx, n, a.attributes(area))
	}
	for _, p := range a.parked {
		parkedEvents.Add(ctx, 1, a.attributes(p.key.area))
		if p.cause != "" {
			a.Logger.ErrorContext(ctx, "an event cannot be applied and is parked", "projection", a.Name,
				"area", p.key.area, "type", p.event.GetType(), "event", p.event.GetId(), "cause", p.cause)
		}
	}
}
