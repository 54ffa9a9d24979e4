package testkit

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// longestLog is how much of the services' log a failed test shows: the end of it.
const longestLog = 128 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

// Write implements io.Writer.
func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if over := l.kept.Len() + len(p) - longestLog; over > 0 {
		l.kept.Next(over)
	}
	return l.kept.Write(p)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}

// collectLogs keeps the services' log, and shows it if the test fails.
func collectLogs(t testing.TB) *telemetry.Telemetry {
	t.Helper()
	lines := &tail{}
	logs, err := telemetry.Start(context.Background(), telemetry.Options{Service: "test", Level: slog.LevelInfo, Logs: lines})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the services logged:\n" + lines.String())
		}
		if err := logs.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return logs
}
