package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var propagator = propagation.TraceContext{}

const traceparent = "traceparent"

// Propagator is how traces travel between processes: the W3C trace context.
// Baggage is left out, because callers could put anything in it.
func Propagator() propagation.TextMapPropagator { return propagator }

// Inject answers the W3C traceparent of the current trace, or "" where there is
// none.
func Inject(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagator.Inject(ctx, carrier)
	return carrier[traceparent]
}

// Extract answers a context that continues the trace of a traceparent. One that
// is empty or not valid leaves the context as it is.
func Extract(ctx context.Context, parent string) context.Context {
	if parent == "" {
		return ctx
	}
	return propagator.Extract(ctx, propagation.MapCarrier{traceparent: parent})
}
