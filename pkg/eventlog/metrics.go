package eventlog

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

var (
	meter = otel.Meter("github.com/lingkar-crm/lingkar/pkg/eventlog")

	relayed = counter("lingkar.events.relayed", "Events that the broker acknowledged.")
)

// counter makes an instrument. Its name is a constant that is valid, so that
// there is no error to handle.
func counter(name, description string) metric.Int64Counter {
	c, err := meter.Int64Counter(name, metric.WithDescription(description))
	if err != nil {
		panic(err)
	}
	return c
}

func (r *Relay) attributes() metric.AddOption {
	return metric.WithAttributes(attribute.String("area", r.Area))
}
