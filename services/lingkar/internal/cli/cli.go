// Package cli is the command line of lingkar: what it can be told and what it
// answers. What goes wrong ends in one clear line on standard error and an exit
// code that is not 0: 2 for a wrong call, 1 for the rest.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

const about = `Lingkar is a headless CRM: five services that publish every interaction as an
event, and one 360-degree view of each customer.

To try it, with nothing else installed but PostgreSQL's programs:

  lingkar up --demo            start everything and load a demo company
  lingkar 360 C-000001         one customer, as every channel knows it
  lingkar import contacts my-export.csv --dry-run

"up" keeps its data in a data directory and serves until Ctrl-C. The other
commands find it by that directory, or take --server and --token.`

// global are the flags of every command.
type global struct {
	dataDir string
	server  string
	token   string
	ca      string
	output  string
}

// json tells whether the answer is for a program.
func (g *global) json() bool { return g.output == "json" }

// usageError is a wrong call.
type usageError struct{ error }

// Run runs the command that args name and answers the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "lingkar: "+explain(err))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func command() *cobra.Command {
	g := &global{}
	root := &cobra.Command{
		Use:           "lingkar",
		Short:         "A headless CRM in one binary",
		Long:          about,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if g.output != "text" && g.output != "json" {
				return usageError{fmt.Errorf("--output is text or json, not %q", g.output)}
			}
			return nil
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&g.dataDir, "data-dir", home.DefaultDir(), "where the data of `up` lies")
	flags.StringVar(&g.server, "server", "", "gRPC address of another suite, such as crm.example.com:9090")
	flags.StringVar(&g.token, "token", "", "API key or access token for --server (or $LINGKAR_TOKEN)")
	flags.StringVar(&g.ca, "ca", defaultAuthority(), "file with the authority of --server's certificate; $LINGKAR_SECRETS/operator/ca.crt where there is one, else the system's are believed")
	flags.StringVarP(&g.output, "output", "o", "text", "text, for people, or json, for programs")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		upCommand(g), demoCommand(g), tenantCommand(g), importCommand(g), exportCommand(g), viewCommand(g),
		doctorCommand(g), healthcheckCommand(g), auditCommand(g), rebuildCommand(g), deadLettersCommand(g),
		setupCommand(g), certsCommand(g), migrateCommand(g), serveCommand(g), drillCommand(g), benchCommand(g), versionCommand(g),
	)
	return root
}

// explain makes one line of an error, with the violations and the reason that an
// error of the suite carries.
func explain(err error) string {
	st, ok := status.FromError(err)
	if !ok {
		return err.Error()
	}
	line := st.Message()
	for _, v := range errs.FieldViolations(err) {
		line += fmt.Sprintf("; %s: %s", v.Field, v.Description)
	}
	if reason := errs.Reason(err); reason != "" {
		line += " (" + reason + ")"
	}
	return strings.ReplaceAll(line, "\n", " ")
}

// exactly refuses another number of arguments in words that help.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %s; see %s --help", cmd.CommandPath(), strings.Join(names, " and "), cmd.CommandPath())}
	}
}
