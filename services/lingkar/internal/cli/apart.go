package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// The commands of this file are for a suite whose services run apart, as under
// docker compose.

func setupCommand(*global) *cobra.Command {
	var tree secrets.Tree
	cmd := &cobra.Command{
		Use:   "setup --dir DIR --postgres HOST:PORT",
		Short: "Make the secrets and certificates of services that run apart",
		Long: `Makes a directory of secret files for each service: passwords, keys and
certificates. What is there already stays; a certificate that is due is renewed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			issued, err := tree.Make(time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "secrets are in %s; %s issued\n", tree.Dir, counted(len(issued), "certificate"))
			return nil
		},
	}
	cmd.Flags().StringVar(&tree.Dir, "dir", "", "where to put them")
	cmd.Flags().StringVar(&tree.Postgres, "postgres", "postgres:5432", "where PostgreSQL will be")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

func certsCommand(*global) *cobra.Command {
	var dir string
	var hosts []string
	cmd := &cobra.Command{
		Use:   "certs --dir DIR",
		Short: "Issue certificates for mTLS between services",
		Long: `Makes an authority in the directory, where there is none, and a certificate for
each service that has none or whose certificate is due. Running services take a
renewed certificate without a restart. Keep ca.key away from them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			issued, err := certs.IssueAll(dir, fleet.Names(), func(name string) []string { return append([]string{name, "localhost"}, hosts...) }, time.Now())
			if err != nil {
				return err
			}
			for _, name := range issued {
				fmt.Fprintln(cmd.OutOrStdout(), "issued", name)
			}
			if len(issued) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing is due")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "where the certificates are kept")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "a further name or address at which the services are reached")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

func migrateCommand(*global) *cobra.Command {
	var tree secrets.Tree
	var natsURL string
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Make the databases of services that run apart, and bring them to this version",
		Long: `Makes the database and the roles of each service where they are missing, and
brings each to the newest version, and the stream of the broker too where --nats
names one. It may be run at any time and by several at once; data is never
touched. "up" does this by itself.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tell := func(name string) { fmt.Fprintln(cmd.OutOrStdout(), "migrated", name) }
			if err := migrateAll(cmd.Context(), tree, tell); err != nil || natsURL == "" {
				return err
			}
			if err := updateStream(cmd.Context(), tree, natsURL); err != nil {
				return err
			}
			tell("nats")
			return nil
		},
	}
	cmd.Flags().StringVar(&natsURL, "nats", "", "the broker, such as nats://nats:4222")
	cmd.Flags().StringVar(&tree.Dir, "secrets", os.Getenv("LINGKAR_SECRETS"), "the directory that `lingkar setup` made")
	return cmd
}

// updateStream brings the stream to this version, which at the broker only its
// operator may.
func updateStream(ctx context.Context, tree secrets.Tree, natsURL string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	seed, err := tree.OperatorSeed()
	if err != nil {
		return err
	}
	options, err := broker.As(mesh.Operator, seed)
	if err != nil {
		return err
	}
	conn, err := nats.Connect(natsURL, append(options, nats.RetryOnFailedConnect(false))...)
	if err != nil {
		return fmt.Errorf("connect to the broker %s: %w", natsURL, err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	_, err = eventlog.UpdateStream(ctx, js)
	return err
}

func migrateAll(ctx context.Context, tree secrets.Tree, tell func(string)) error {
	adminURL, passwords, err := tree.Provision()
	if err != nil {
		return err
	}
	for _, d := range fleet.All() {
		urls, err := postgres.Provision(ctx, adminURL, fleet.Database(d.Area), d.Area, passwords[d.Area])
		if err != nil {
			return fmt.Errorf("make the database of %s: %w", d.Name, err)
		}
		if err := service.Migrate(ctx, d, urls.Owner); err != nil {
			return err
		}
		for name := range d.Databases {
			further, err := postgres.Provision(ctx, adminURL, name, name, passwords[name])
			if err != nil {
				return fmt.Errorf("make the database of %s: %w", name, err)
			}
			if err := service.MigrateFurther(ctx, d, name, further.Owner); err != nil {
				return err
			}
		}
		tell(d.Name)
	}
	return nil
}
