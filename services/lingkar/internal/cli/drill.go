package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

func drillCommand(g *global) *cobra.Command {
	var cfg drill.Config
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break a suite on purpose, under load, and check that it kept its promises",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Progress = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
			return runDrill(cmd, g, cfg)
		},
	}
	flags := cmd.Flags()
	flags.Uint64Var(&cfg.Seed, "seed", rand.Uint64(), "decides workload and faults")
	flags.DurationVar(&cfg.Duration, "long", time.Minute, "how long faults are applied")
	flags.StringSliceVar(&cfg.Faults, "faults", nil, "the faults to apply, such as F01,F05; all where none is named")
	flags.IntVar(&cfg.Replicas, "replicas", 1, "processes of each service")
	flags.IntVar(&cfg.Clients, "clients", 8, "callers")
	flags.StringVar(&cfg.Dir, "dir", "", "where ledger, logs and data lie; a new directory")
	flags.BoolVar(&cfg.Keep, "keep", false, "keep them after a run without a finding too")
	cfg.Hold, cfg.Rest = 2*time.Second, 1500*time.Millisecond
	cmd.AddCommand(drillBroker())
	return cmd
}

// errBroken says that a drill found something.
var errBroken = errors.New("the drill found a promise that was not kept")

func runDrill(cmd *cobra.Command, g *global, cfg drill.Config) error {
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

// drillBroker is what the broker's process of a drill runs.
func drillBroker() *cobra.Command {
	return &cobra.Command{
		Use: "broker DIR PORT SECRETS", Short: "Serve JetStream on loopback for a drill", Hidden: true, Args: exactly("a directory", "a port", "a directory of secrets"),
		RunE: func(cmd *cobra.Command, args []string) error {
			port, err := strconv.Atoi(args[1])
			if err != nil {
				return usageError{err}
			}
			return cluster.ServeBroker(cmd.Context(), args[0], port, secrets.Tree{Dir: args[2]})
		},
	}
}
