package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/services/lingkar/internal/demo"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

func demoCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Load a demo company into a running suite",
		Long: `Loads the coffee roaster Kopi Lestari, its customers and three years of business
into the tenant of the token, through the same calls that everybody uses. Needs
the role admin. A tenant that has it already is left as it is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.loadDemo(cmd.Context(), func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) })
		},
	}
}

func (g *global) loadDemo(ctx context.Context, tell func(string)) error {
	ctx, conn, err := g.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	counts, err := demo.Load(ctx, conn, time.Now(), func(part string) { tell("loading " + part) })
	if err != nil {
		return err
	}
	if counts.AlreadyThere {
		tell("the demo company is there already")
		return nil
	}
	tell(fmt.Sprintf("loaded %d contacts, %d interactions, %d purchases, %d leads, %d tickets, %d campaign touches",
		counts.Contacts, counts.Interactions, counts.Purchases, counts.Leads, counts.Tickets, counts.Touches))
	return nil
}

// loadDemo loads the company into a suite of this process.
func loadDemo(ctx context.Context, s home.State, tell func(string)) error {
	g := &global{server: s.GRPC, token: s.Token}
	return g.loadDemo(ctx, tell)
}
