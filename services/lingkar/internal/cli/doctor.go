package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/spf13/cobra"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/pkg/service"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// finding is what one check found: all is well where mend is empty.
type finding struct {
	Check string `json:"check"`
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"`
}

func doctorCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong and how to mend it",
		Long: `Looks at this machine and, where one is up, at the suite. Every line says what
was looked at and what was found; a line with ✗ also says how to mend it. The
exit code is 1 when anything is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 20*time.Second)
			defer cancel()
			wrong := 0
			for _, f := range g.examine(ctx) {
				mark := "✓"
				if f.Mend != "" {
					mark = "✗"
					wrong++
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %-14s %s\n", mark, f.Check, f.Found)
				if f.Mend != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "  %-14s → %s\n", "", f.Mend)
				}
			}
			if wrong > 0 {
				return fmt.Errorf("%d of these need mending", wrong)
			}
			return nil
		},
	}
}

func (g *global) examine(ctx context.Context) []finding {
	if g.server != "" {
		return append([]finding{}, g.examineSuite(ctx)...)
	}
	all := []finding{examineProgram(ctx), examineDisk(g.dataDir)}
	if home.Running(g.dataDir) {
		return append(append(all, g.examineSuite(ctx)...), examinePrivate(ctx, g.dataDir)...)
	}
	all = append(all, finding{Check: "suite", Found: "none is up on " + g.dataDir + "; `lingkar up` starts one"})
	return append(all, examinePort("127.0.0.1:8080", "--http"), examinePort("127.0.0.1:9090", "--grpc"))
}

// examineProgram looks for PostgreSQL's programs.
func examineProgram(ctx context.Context) finding {
	f := finding{Check: "PostgreSQL"}
	found, err := pgserver.Find(ctx, 0)
	var missing *pgserver.NotFoundError
	switch {
	case errors.As(err, &missing):
		f.Found, f.Mend = "no PostgreSQL is installed", err.Error()
	case err != nil:
		f.Found, f.Mend = err.Error(), "set LINGKAR_PG_BIN to the directory of initdb and postgres"
	default:
		f.Found = fmt.Sprintf("version %d in %s", found.Version, found.Dir)
	}
	return f
}

// lowDisk is how little room makes a warning: JetStream alone may take 4 GiB.
const lowDisk = 5 << 30

func examineDisk(dir string) finding {
	f := finding{Check: "disk"}
	free, err := freeBytes(dir)
	switch {
	case err != nil:
		f.Found = "not looked at: " + err.Error()
	case free < lowDisk:
		f.Found = fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), dir)
		f.Mend = "make room, or name a directory on another disk with --data-dir"
	default:
		f.Found = fmt.Sprintf("%.0f GiB free for %s", float64(free)/(1<<30), dir)
	}
	return f
}

func examinePort(address, flag string) finding {
	f := finding{Check: "port", Found: address + " is free"}
	l, err := net.Listen("tcp", address)
	if err != nil {
		f.Found = address + " is in use"
		f.Mend = "stop what uses it, or start with " + flag + " 127.0.0.1:0"
		return f
	}
	l.Close()
	return f
}

// examineSuite asks a running suite how it is.
func (g *global) examineSuite(ctx context.Context) []finding {
	ctx, conn, err := g.connect(ctx)
	if err != nil {
		return []finding{{Check: "suite", Found: err.Error(), Mend: "wait until it has started, or see the log in the data directory"}}
	}
	defer conn.Close()
	health := finding{Check: "suite", Found: "serving"}
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		health.Found, health.Mend = explain(err), "see the log in the data directory, and start it again"
		return []finding{health}
	}
	if answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		health.Found, health.Mend = "up, but not ready", "see whether PostgreSQL answers; its log is in the data directory"
	}
	return append([]finding{health}, examineEvents(ctx, analyticsv1.NewEventStoreServiceClient(conn))...)
}

// examinePrivate asks each service at its private listener whether it can do its
// work, and so tells where that is.
func examinePrivate(ctx context.Context, dir string) []finding {
	state, err := home.ReadState(dir)
	if err != nil {
		return nil // that it cannot be read was found above
	}
	var all []finding
	for _, name := range slices.Sorted(maps.Keys(state.Private)) {
		address := state.Private[name]
		f := finding{Check: "private", Found: name + ": http://" + address}
		if err := service.Ready(ctx, address); err != nil {
			f.Found, f.Mend = name+": "+err.Error(), "see the log in the data directory"
		}
		all = append(all, f)
	}
	return all
}

// staleLag is how many events may be under way without a warning.
const staleLag = 10_000

// examineEvents looks at how far the views are behind, and at what was put aside.
func examineEvents(ctx context.Context, client analyticsv1.EventStoreServiceClient) []finding {
	fresh, err := client.GetFreshness(ctx, &analyticsv1.GetFreshnessRequest{})
	if err != nil {
		return []finding{{Check: "events", Found: explain(err), Mend: "use the token of an operator or administrator, and see that analytics is up"}}
	}
	var all []finding
	for _, area := range fresh.GetAreas() {
		f := finding{Check: "events", Found: fmt.Sprintf("%s: %d not applied yet", area.GetArea(), area.GetLag())}
		switch {
		case area.GetError() != nil:
			f.Found, f.Mend = area.GetArea()+": "+area.GetError().GetMessage(), "see that the service of this area is up"
		case area.GetLag() > staleLag:
			f.Mend = "see the log of analytics; a relay that cannot reach JetStream says so there"
		}
		all = append(all, f)
	}
	aside := finding{Check: "dead letters", Found: fmt.Sprintf("%d", fresh.GetDeadLetterCount())}
	if fresh.GetDeadLetterCount() > 0 {
		aside.Mend = "see `lingkar deadletters list` for the cause; mend it, then `lingkar deadletters retry`"
	}
	return append(all, aside)
}
