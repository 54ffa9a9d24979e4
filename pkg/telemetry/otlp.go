package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// startOTLP sends traces and logs to the collector. It answers the handler that
// takes the log records.
func (t *Telemetry) startOTLP(ctx context.Context, o Options, who *resource.Resource) (slog.Handler, error) {
	spans, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(o.OTLP))
	if err != nil {
		return nil, fmt.Errorf("send traces to %s: %w", o.OTLP, err)
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans), sdktrace.WithResource(who),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(o.Sample))))
	t.Tracers = tracers
	t.closers = append(t.closers, tracers.Shutdown)

	records, err := otlploggrpc.New(ctx, otlploggrpc.WithEndpointURL(o.OTLP))
	if err != nil {
		return nil, fmt.Errorf("send logs to %s: %w", o.OTLP, err)
	}
	logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(records)), sdklog.WithResource(who))
	t.closers = append(t.closers, logs.Shutdown)
	return atLeast{o.Level, otelslog.NewHandler(o.Service, otelslog.WithLoggerProvider(logs))}, nil
}
