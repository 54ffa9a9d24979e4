package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

func serveCommand(*global) *cobra.Command {
	return &cobra.Command{
		Use:   "serve SERVICE",
		Short: "Run one service, as its own program would",
		Long: `Runs one service until Ctrl-C, with the settings of its environment: the same
as the service's own program, from this one binary.`,
		Args: exactly("the name of a service"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, d := range fleet.All() {
				if d.Name == args[0] {
					return service.Run(cmd.Context(), d)
				}
			}
			return usageError{fmt.Errorf("there is no service %q: choose of %s", args[0], strings.Join(fleet.Names(), ", "))}
		},
	}
}
