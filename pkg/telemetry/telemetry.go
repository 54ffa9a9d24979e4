// Package telemetry is where logs, traces and metrics of a process go.
//
// Logs are JSON lines with the ids of the trace they belong to. Metrics are
// served to Prometheus by Handler. Where an OTLP endpoint is configured, traces
// are sampled and sent there, and the logs too; without one no span is made, so
// that telemetry costs next to nothing. Inject and Extract carry a trace through
// the outbox and the broker as a string.
//
// Nothing here looks at messages: what is personal does not reach a log unless
// its writer puts it there.
package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	prometheusexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	nometer "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	notrace "go.opentelemetry.io/otel/trace/noop"
)

// Options say what a process wants of telemetry.
type Options struct {
	// Service and Version name the process.
	Service, Version string
	// OTLP is the address of a collector that takes OTLP over gRPC, such as
	// "http://collector:4317"; empty leaves traces out.
	OTLP string
	// Sample is the share of traces that begin here which are kept, 0 to 1.
	// Traces that a caller began follow the caller.
	Sample float64
	// Level is the least that is logged.
	Level slog.Level
	// Logs takes the log lines; nil stands for standard error.
	Logs io.Writer
}

// Telemetry is the logs, traces and metrics of one process.
type Telemetry struct {
	// Logger writes the process's log.
	Logger *slog.Logger
	// Tracers and Meters are handed to what is instrumented.
	Tracers trace.TracerProvider
	Meters  metric.MeterProvider

	registry *prometheus.Registry
	closers  []func(context.Context) error
}

// Off logs warnings and worse to standard error, and does nothing else. It is
// what a Runtime without telemetry has.
func Off() *Telemetry {
	return &Telemetry{
		Logger:   slog.New(traced{slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})}),
		Tracers:  notrace.NewTracerProvider(),
		Meters:   nometer.NewMeterProvider(),
		registry: prometheus.NewRegistry(),
	}
}

// Start makes the telemetry of a process. A collector that cannot be reached is
// no error: what it misses is dropped.
func Start(ctx context.Context, o Options) (*Telemetry, error) {
	t := &Telemetry{Tracers: notrace.NewTracerProvider(), registry: prometheus.NewRegistry()}
	who := resource.NewSchemaless(
		attribute.String("service.name", o.Service), attribute.String("service.version", o.Version))
	if err := t.startMetrics(who); err != nil {
		return nil, err
	}
	if o.Logs == nil {
		o.Logs = os.Stderr
	}
	handlers := fanout{slog.NewJSONHandler(o.Logs, &slog.HandlerOptions{Level: o.Level})}
	if o.OTLP != "" {
		handler, err := t.startOTLP(ctx, o, who)
		if err != nil {
			return nil, errors.Join(err, t.Shutdown(ctx))
		}
		handlers = append(handlers, handler)
	}
	t.Logger = slog.New(traced{handlers}).With("service", o.Service)
	return t, nil
}

func (t *Telemetry) startMetrics(who *resource.Resource) error {
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := prometheusexporter.New(prometheusexporter.WithRegisterer(t.registry))
	if err != nil {
		return err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(who))
	t.Meters = meters
	t.closers = append(t.closers, meters.Shutdown)
	return nil
}

// Install makes the telemetry that of the whole process, for libraries that look
// for it in otel and slog. Only a main does that.
func (t *Telemetry) Install() {
	otel.SetTracerProvider(t.Tracers)
	otel.SetMeterProvider(t.Meters)
	otel.SetTextMapPropagator(propagator)
	slog.SetDefault(t.Logger)
}

// Handler serves the metrics to Prometheus.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// Shutdown sends what is waiting and ends the exporters.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	var failed error
	for _, closer := range t.closers {
		failed = errors.Join(failed, closer(ctx))
	}
	t.closers = nil
	return failed
}
