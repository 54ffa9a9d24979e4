package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/mutant"
)

// errUncaught says that the drill has a hole.
var errUncaught = errors.New("the drill did not catch every mutant")

// runMutants tries the mutants that are asked for, and tells of each.
func runMutants(cmd *cobra.Command, g *global, which string, seed uint64) error {
	chosen, err := mutant.Choose(which)
	if err != nil {
		return usageError{err}
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := mutant.Root(here)
	if err != nil {
		return err
	}
	outcomes, err := mutant.Try(cmd.Context(), chosen, mutant.Options{
		Root: root, Seed: seed, Possible: possible, Tell: func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) },
	})
	caught, impossible := 0, 0
	for _, o := range outcomes {
		if o.Caught {
			caught++
		}
		if o.Impossible != "" {
			impossible++
		}
	}
	if g.json() {
		err = errors.Join(err, json.NewEncoder(cmd.OutOrStdout()).Encode(outcomes))
	} else {
		fmt.Fprintf(cmd.OutOrStdout(), "%d of %d mutants were caught, %d could not be tried on this machine\n", caught, len(chosen), impossible)
	}
	if err == nil && caught+impossible < len(chosen) {
		err = errUncaught
	}
	return err
}

// possible answers why a fault cannot happen on this machine, or nil.
func possible(id string) error {
	for _, f := range drill.Faults() {
		if f.ID == id && f.Impossible != "" {
			return errors.New(f.Impossible)
		}
	}
	return nil
}

// arm puts a plan of failpoints into the environment of every process.
func arm(cfg *drill.Config, plan string) error {
	if plan == "" {
		return nil
	}
	if !failpoint.Enabled {
		return usageError{errors.New("this program has no failpoints: build it with -tags drill")}
	}
	parsed, err := failpoint.Parse(plan)
	if err != nil {
		return usageError{err}
	}
	cfg.Environment = append(cfg.Environment, failpoint.Environment+"="+parsed.String())
	return nil
}
