package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/suite"
)

const stopTimeout = 30 * time.Second

// upFlags are the flags of `up`.
type upFlags struct {
	http, grpc string
	demo       bool
}

func upCommand(g *global) *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything in one process, until Ctrl-C",
		Long: `Starts an embedded PostgreSQL and an embedded JetStream on the data directory,
brings the databases to this version, and runs all services and the gateway.
Prints where REST, the documentation and gRPC are, and a token to try them.

What was acknowledged is on the disk. Ctrl-C stops cleanly; a start after a
crash goes on where it was.`,
		Example: "  lingkar up --demo\n  lingkar up --data-dir ./data --http 127.0.0.1:0 --grpc 127.0.0.1:0 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return up(cmd.Context(), g, f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.http, "http", "127.0.0.1:8080", "where REST and the documentation are served; port 0 takes a free one")
	cmd.Flags().StringVar(&f.grpc, "grpc", "127.0.0.1:9090", "where gRPC is served; port 0 takes a free one")
	cmd.Flags().BoolVar(&f.demo, "demo", false, "load a demo company, unless it is there")
	return cmd
}

// Collecting the heap of all services together, some 40 MB, each time it has
// doubled took an eighth of the processor time of reads; at three times its size
// it takes half of that. The limit keeps the process small all the same.
const (
	garbagePercent = 200
	memoryLimit    = 320 << 20
)

// boundMemory sets how much garbage may wait, unless the environment says.
func boundMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

func up(ctx context.Context, g *global, f upFlags, stdout, stderr io.Writer) error {
	boundMemory()
	h, err := home.Open(g.dataDir)
	if err != nil {
		return err
	}
	if err := h.Lock(); err != nil {
		return err
	}
	defer h.Unlock()
	tell := func(line string) {
		if !g.json() {
			fmt.Fprintln(stderr, line)
		}
	}
	logs, closeLogs, err := openLogs(ctx, h)
	if err != nil {
		return err
	}
	defer closeLogs()
	s, err := suite.Start(ctx, suite.Options{Home: h, HTTP: f.http, GRPC: f.grpc, Telemetry: logs, Progress: tell})
	if err != nil {
		return err
	}
	if err := serve(ctx, g, f, h, s, stdout, tell); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		return errors.Join(err, s.Stop(stopping))
	}
	tell("stopping")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return s.Stop(stopping)
}

// serve tells where the suite is, and returns when it is to stop.
func serve(ctx context.Context, g *global, f upFlags, h *home.Home, s *suite.Suite, stdout io.Writer, tell func(string)) error {
	if err := h.WriteState(s.State); err != nil {
		return err
	}
	if f.demo {
		if err := loadDemo(ctx, s.State, tell); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	if err := announce(stdout, g, s.State); err != nil {
		return err
	}
	debug.FreeOSMemory() // what only the start needed
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Failed():
		return err
	case <-s.Database():
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("PostgreSQL ended by itself; its log is in %s", h.Path("postgres"))
	}
}

// openLogs sends what the services log to a file of the data directory: the
// terminal is for the person who typed up.
func openLogs(ctx context.Context, h *home.Home) (*telemetry.Telemetry, func(), error) {
	path := h.Path("lingkar.log")
	file, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	t, err := telemetry.Start(ctx, telemetry.Options{Service: "lingkar", Version: service.Version(), Logs: file})
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return t, func() {
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = t.Shutdown(flushing)
		file.Close()
	}, nil
}

// announce prints where the suite is: one compact line for a program, a few for a
// person.
func announce(w io.Writer, g *global, s home.State) error {
	if g.json() {
		return json.NewEncoder(w).Encode(struct {
			HTTP   string `json:"http"`
			GRPC   string `json:"grpc"`
			Docs   string `json:"docs"`
			Token  string `json:"token"`
			Tenant string `json:"tenant"`
		}{s.HTTP, s.GRPC, s.Docs, s.Token, s.Tenant})
	}
	_, err := fmt.Fprintf(w, `
Lingkar is up.

  REST   %s
  docs   %s
  gRPC   %s
  token  %s

Try:
  curl -H "Authorization: Bearer %s" %s/v1/customers/C-000001:view
  lingkar 360 C-000001

Ctrl-C stops it; the data stays in %s
`, s.HTTP, s.Docs, s.GRPC, s.Token, s.Token, s.HTTP, g.dataDir)
	return err
}
