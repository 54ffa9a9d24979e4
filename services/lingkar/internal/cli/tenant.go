package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// tenantFlags are the flags of `tenant create`.
type tenantFlags struct {
	secrets, currency, zone string
	roles                   []string
}

func tenantCommand(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "tenant", Short: "Make the companies that the suite serves"}
	cmd.AddCommand(createTenantCommand(g))
	return cmd
}

func createTenantCommand(g *global) *cobra.Command {
	var f tenantFlags
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a tenant and its first API key",
		Long: `Makes a tenant and its first API key, whose secret is printed once and never
again. Works on the database itself: before the first key there is nobody who
could ask for one over the door. Finds it by the data directory of a running
"up", or by --secrets for services that run apart.`,
		Args: exactly("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			made, err := g.createTenant(cmd.Context(), f, args[0])
			if err != nil {
				return err
			}
			if g.json() {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"tenant": made.Tenant, "key": made.Key, "token": made.Secret})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "tenant  %s\ntoken   %s\n\nKeep the token: nobody can find it out later.\n", made.Tenant, made.Secret)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.secrets, "secrets", os.Getenv("LINGKAR_SECRETS"), "the directory that `lingkar setup` made")
	flags.StringVar(&f.currency, "currency", "IDR", "the currency it reports in, ISO 4217")
	flags.StringVar(&f.zone, "time-zone", "Asia/Jakarta", "the IANA time zone of its days")
	flags.StringSliceVar(&f.roles, "role", []string{string(auth.Admin)}, "a role of the first key")
	return cmd
}

func (g *global) createTenant(ctx context.Context, f tenantFlags, name string) (gateway.Bootstrapped, error) {
	urls, err := g.platformDatabase(f.secrets)
	if err != nil {
		return gateway.Bootstrapped{}, err
	}
	db, err := postgres.Open(ctx, urls.App, urls.System, postgres.Options{})
	if err != nil {
		return gateway.Bootstrapped{}, err
	}
	defer db.Close()
	roles := make([]auth.Role, len(f.roles))
	for i, r := range f.roles {
		roles[i] = auth.Role(r)
	}
	return gateway.CreateTenant(ctx, db, &platformv1.Tenant{DisplayName: name, CurrencyCode: f.currency, TimeZone: f.zone}, roles...)
}

// platformDatabase answers how to reach the database of tenants and keys.
func (g *global) platformDatabase(dir string) (home.Database, error) {
	if dir == "" {
		state, err := g.running()
		return state.Platform, err
	}
	var urls home.Database
	for file, into := range map[string]*string{secrets.AppURL: &urls.App, secrets.SystemURL: &urls.System} {
		content, err := os.ReadFile(filepath.Join(dir, "gateway", file))
		if err != nil {
			return urls, fmt.Errorf("%s holds no secrets of the gateway: %w", dir, err)
		}
		*into = strings.TrimSpace(string(content))
	}
	return urls, nil
}
