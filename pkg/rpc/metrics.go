package rpc

import (
	"context"

	"go.opentelemetry.io/otel/metric"
)

// counters are what an operator is alerted by: calls answered "internal error"
// because nobody mapped their cause, calls that panicked, and calls turned away.
type counters struct{ unmapped, panics, overloads metric.Int64Counter }

func newCounters(meters metric.MeterProvider) counters {
	meter := meters.Meter("github.com/lingkar-crm/lingkar/pkg/rpc")
	return counters{
		unmapped:  counter(meter, "lingkar.rpc.unmapped", "Calls answered INTERNAL because nobody mapped their error."),
		panics:    counter(meter, "lingkar.rpc.panics", "Calls that panicked."),
		overloads: counter(meter, "lingkar.rpc.overloads", "Calls turned away because the process was at its capacity, by class."),
	}
}

// counter makes an instrument. Its name is a constant that is valid, so that there
// is no error to handle. It is shown from the start, so that the first event is a
// change already.
func counter(meter metric.Meter, name, description string) metric.Int64Counter {
	c, err := meter.Int64Counter(name, metric.WithDescription(description), metric.WithUnit("{call}"))
	if err != nil {
		panic(err)
	}
	c.Add(context.Background(), 0)
	return c
}
