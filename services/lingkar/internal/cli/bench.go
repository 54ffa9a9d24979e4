package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/telemetry"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/seed"
)

// What a contact and an event take on the disk, in all databases together, and
// what the database needs beside.
const (
	bytesPerContact = 10_000
	bytesPerEvent   = 4_500
	bytesBeside     = 4 << 30
)

func benchCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure the suite beside its limits", Args: cobra.NoArgs}
	cmd.AddCommand(benchSeedCommand(g))
	return cmd
}

func benchSeedCommand(g *global) *cobra.Command {
	var o seed.Options
	cmd := &cobra.Command{
		Use:   "seed",
		Short: "Make a data directory with a company of any size",
		Long: `Makes a new data directory with so many contacts and about ten events each, as
the services would have written them. Then "lingkar up" runs on it. The directory
appears whole or not at all.`,
		Example: "  lingkar bench seed --contacts 1000000 --data-dir ./big\n  lingkar up --data-dir ./big",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tell := func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
			o.Dir, o.Progress = g.dataDir, tell
			result, err := benchSeed(cmd.Context(), o)
			if err != nil {
				return err
			}
			if g.json() {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(result)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d contacts, %d events, %d rows in %.0f s\n", result.Contacts, result.Events, result.Rows, result.Took.Seconds())
			return nil
		},
	}
	cmd.Flags().IntVar(&o.Contacts, "contacts", 10_000, "how many; rounded up to a hundred")
	cmd.Flags().IntVar(&o.Events, "events", 10, "events of a contact, on average")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "decides names, amounts and who did what")
	return cmd
}

// benchSeed refuses what cannot end well before anything is made.
func benchSeed(ctx context.Context, o seed.Options) (*seed.Result, error) {
	if o.Contacts < 200 || o.Contacts > 50_000_000 {
		return nil, usageError{fmt.Errorf("--contacts takes a number from 200 to 50000000, not %d", o.Contacts)}
	}
	if o.Events < 4 || o.Events > 50 {
		return nil, usageError{fmt.Errorf("--events takes a number from 4 to 50, not %d", o.Events)}
	}
	if err := roomFor(o); err != nil {
		return nil, err
	}
	quiet, err := telemetry.Start(ctx, telemetry.Options{Service: "lingkar", Version: Version, Logs: io.Discard})
	if err != nil {
		return nil, err
	}
	defer quiet.Shutdown(context.WithoutCancel(ctx)) // nothing is exported
	o.Telemetry = quiet
	return seed.Run(ctx, o)
}

// roomFor refuses a disk that is too small.
func roomFor(o seed.Options) error {
	free, err := freeBytes(o.Dir)
	if err != nil {
		return err
	}
	if need := uint64(o.Contacts)*uint64(bytesPerContact+o.Events*bytesPerEvent) + bytesBeside; free < need {
		return fmt.Errorf("%d contacts with %d events each take about %d GB, and the disk of %s has %d GB left", o.Contacts, o.Events, need>>30+1, o.Dir, free>>30)
	}
	return nil
}
