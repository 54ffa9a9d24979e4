package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestInjectExtract(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if got := telemetry.Inject(ctx); got != "" {
		t.Errorf("without a trace: %q", got)
	}
	if got := telemetry.Inject(telemetry.Extract(ctx, parent)); got != parent {
		t.Errorf("got %q", got)
	}
	for _, bad := range []string{"", "garbage", "00-00000000000000000000000000000000-b7ad6b7169203331-01", parent + parent} {
		if got := telemetry.Inject(telemetry.Extract(ctx, bad)); got != "" {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	tel, err := telemetry.Start(context.Background(), telemetry.Options{Service: "contact", Level: slog.LevelInfo, Logs: &lines})
	if err != nil {
		t.Fatal(err)
	}
	tel.Logger.Debug("too fine")
	tel.Logger.With("area", "x").WithGroup("g").InfoContext(telemetry.Extract(context.Background(), parent), "line\nbreak \x1b[31m", "k", "v")
	var line map[string]any
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, lines.String())
	}
	g, _ := line["g"].(map[string]any)
	if line["service"] != "contact" || line["area"] != "x" || g["k"] != "v" || g["trace_id"] != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got %v", line)
	}
	if strings.Count(lines.String(), "\n") != 1 || strings.Contains(lines.String(), "\x1b") {
		t.Errorf("a message can forge a line: %q", lines.String())
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.Start(context.Background(), telemetry.Options{Service: "contact", Logs: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	counter, err := tel.Meters.Meter("test").Int64Counter("lingkar.things")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(context.Background(), 3)
	rec := httptest.NewRecorder()
	tel.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if body := rec.Body.String(); !strings.Contains(body, "lingkar_things_total") || !strings.Contains(body, "go_goroutines") {
		t.Errorf("the metrics lack ours or Go's:\n%.500s", body)
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOff_makesNoSpans(t *testing.T) {
	t.Parallel()
	_, span := telemetry.Off().Tracers.Tracer("x").Start(context.Background(), "y")
	if span.IsRecording() || span.SpanContext().IsValid() {
		t.Error("a span is made although nobody takes it")
	}
}

// collector takes OTLP.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []string
	logs  []string
}

func (c *collector) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range req.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			for _, span := range s.GetSpans() {
				c.spans = append(c.spans, span.GetName())
			}
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

// logCollector is the same for logs: both services name their method Export.
type logCollector struct {
	collogs.UnimplementedLogsServiceServer
	*collector
}

func (c logCollector) Export(_ context.Context, req *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range req.GetResourceLogs() {
		for _, s := range r.GetScopeLogs() {
			for _, l := range s.GetLogRecords() {
				c.logs = append(c.logs, l.GetBody().GetStringValue())
			}
		}
	}
	return &collogs.ExportLogsServiceResponse{}, nil
}

func TestOTLP(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{}
	server := grpc.NewServer()
	coltrace.RegisterTraceServiceServer(server, c)
	collogs.RegisterLogsServiceServer(server, logCollector{collector: c})
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	tel, err := telemetry.Start(ctx, telemetry.Options{
		Service: "contact", Version: "1", OTLP: "http://" + l.Addr().String(), Sample: 1, Level: slog.LevelInfo, Logs: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	spanCtx, span := tel.Tracers.Tracer("test").Start(ctx, "work")
	tel.Logger.DebugContext(spanCtx, "too fine")
	tel.Logger.InfoContext(spanCtx, "said")
	span.End()
	if !trace.SpanContextFromContext(spanCtx).IsSampled() {
		t.Error("the span is not sampled")
	}
	if err := tel.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) != 1 || c.spans[0] != "work" || len(c.logs) != 1 || c.logs[0] != "said" {
		t.Errorf("the collector got the spans %v and the logs %v", c.spans, c.logs)
	}
}
