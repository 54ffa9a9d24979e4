package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// errBroken says that a drill found something.
var errBroken = errors.New("the drill found a promise that was not kept")

// mutantPatience is how long the drill of a mutant waits for what may never come.
const mutantPatience = 20 * time.Second

// drillFlags are the flags of `drill`.
type drillFlags struct {
	drill.Config
	short, list bool
	long, soak  time.Duration
	// brief is how long faults are applied in the drill of a mutant.
	brief               time.Duration
	failpoints, mutants string
}

func drillCommand(g *global) *cobra.Command {
	var f drillFlags
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break a suite on purpose, under load, and check that it kept its promises",
		Long: `Starts PostgreSQL, JetStream and every service as processes of their own, lets
clients work while faults are injected by chance, heals, and compares what the
clients were told with what is there. Touches nothing that runs already. What it
did and found is printed; on a finding, or with --keep, ledger, logs and data stay.`,
		Example: "  lingkar drill\n  lingkar drill --long 30m --replicas 2\n  lingkar drill --faults F05,F12 --seed 7\n  lingkar drill --soak 10m",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDrill(cmd, g, f) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.short, "short", false, "about a minute of faults; so it is without --long and --soak")
	flags.DurationVar(&f.long, "long", 0, "how long faults are applied, such as 30m; each lasts longer")
	flags.DurationVar(&f.soak, "soak", 0, "how long load is applied without faults, to see whether anything grows")
	flags.BoolVar(&f.list, "list", false, "list the faults and whether they are possible here")
	flags.Uint64Var(&f.Seed, "seed", rand.Uint64(), "decides what clients do and which faults happen")
	flags.StringSliceVar(&f.Faults, "faults", nil, "the faults to apply, such as F01,F05; all where none is named")
	flags.IntVar(&f.Replicas, "replicas", 1, "processes of each service, 1 to 4")
	flags.IntVar(&f.Clients, "clients", 8, "clients at work, 1 to 200")
	flags.StringVar(&f.Dir, "dir", "", "a new directory for ledger, logs and data; in the place for temporary files where not given")
	flags.BoolVar(&f.Keep, "keep", false, "keep them after a run without a finding too")
	flags.StringVar(&f.failpoints, "failpoints", "", "what happens at which failpoints of every process, such as relay.after_publish=exit@3 (go build -tags drill)")
	flags.StringVar(&f.mutants, "mutants", "", "drill programs with faults put into them on purpose, and expect each to be found: all, ci, or names")
	flags.DurationVar(&f.brief, "brief", 0, "how long faults are applied in the drill of a mutant")
	flags.StringSliceVar(&f.Enough, "enough", nil, "the invariants of which one that is broken ends the drill of a mutant")
	for _, name := range []string{"brief", "enough"} {
		_ = flags.MarkHidden(name) // it is there
	}
	cmd.MarkFlagsMutuallyExclusive("short", "long", "soak", "mutants", "brief")
	cmd.AddCommand(drillBroker())
	return cmd
}

// config makes of the flags what a drill is told.
func (f *drillFlags) config() (drill.Config, error) {
	cfg := f.Config
	switch {
	case f.long < 0 || f.soak < 0:
		return cfg, usageError{errors.New("--long and --soak are longer than nothing")}
	case f.long > 0:
		cfg.Duration, cfg.Hold, cfg.Rest = f.long, 5*time.Second, 5*time.Second
	case f.soak > 0 && len(f.Faults) > 0:
		return cfg, usageError{errors.New("--soak goes without faults")}
	case f.soak > 0:
		cfg.Duration, cfg.Soak = f.soak, true
	default:
		cfg.Duration = 50 * time.Second
		if f.brief > 0 {
			cfg.Duration, cfg.Patience = f.brief, mutantPatience
		}
		cfg.Hold, cfg.Rest = 2*time.Second, 1500*time.Millisecond
	}
	if cfg.Replicas < 1 || cfg.Replicas > 4 {
		return cfg, usageError{fmt.Errorf("--replicas is 1 to 4, not %d", cfg.Replicas)}
	}
	if cfg.Clients < 1 || cfg.Clients > 200 {
		return cfg, usageError{fmt.Errorf("--clients is 1 to 200, not %d", cfg.Clients)}
	}
	err := arm(&cfg, f.failpoints)
	return cfg, err
}

func runDrill(cmd *cobra.Command, g *global, f drillFlags) error {
	if f.list {
		return listFaults(cmd.OutOrStdout())
	}
	if f.mutants != "" {
		return runMutants(cmd, g, f.mutants, f.Seed)
	}
	cfg, err := f.config()
	if err != nil {
		return err
	}
	if !g.json() {
		cfg.Progress = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	}
	report, err := drill.Run(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if g.json() {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	} else {
		err = report.Write(cmd.OutOrStdout())
	}
	if err == nil && !report.Holds() {
		err = errBroken
	}
	return err
}

func listFaults(w io.Writer) error {
	for _, f := range drill.Faults() {
		line := fmt.Sprintf("%-5s %s", f.ID, f.Title)
		if f.Impossible != "" {
			line += " (not here: " + f.Impossible + ")"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// drillBroker is what the broker's process of a drill runs.
func drillBroker() *cobra.Command {
	return &cobra.Command{
		Use: "broker DIR PORT SECRETS", Short: "Serve JetStream on loopback for a drill", Hidden: true,
		Args: exactly("a directory", "a port", "a directory of secrets"),
		RunE: func(cmd *cobra.Command, args []string) error {
			port, err := strconv.Atoi(args[1])
			if err != nil {
				return usageError{err}
			}
			return cluster.ServeBroker(cmd.Context(), args[0], port, secrets.Tree{Dir: args[2]})
		},
	}
}
