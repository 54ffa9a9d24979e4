package suite

import (
	"context"
	"encoding/hex"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// provision makes the database and the roles of each area, and those of the
// sealing keys, with passwords kept in the data directory.
func provision(ctx context.Context, h *home.Home, adminURL string) (map[string]postgres.URLs, error) {
	areas := map[string]string{fleet.Keys: fleet.Keys}
	for _, d := range fleet.All() {
		areas[d.Area] = fleet.Database(d.Area)
	}
	var mu sync.Mutex
	all := map[string]postgres.URLs{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2) // CREATE DATABASE takes turns on its template
	for role, name := range areas {
		group.Go(func() error {
			p, err := passwords(h, role)
			if err != nil {
				return err
			}
			urls, err := postgres.Provision(ctx, adminURL, name, role, p)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			all[role] = urls
			return nil
		})
	}
	return all, group.Wait()
}

func passwords(h *home.Home, role string) (postgres.Passwords, error) {
	var p postgres.Passwords
	for name, into := range map[string]*string{"owner": &p.Owner, "app": &p.App, "relay": &p.Relay} {
		secret, err := h.Secret("postgres."+role+"."+name, 24)
		if err != nil {
			return p, err
		}
		*into = hex.EncodeToString(secret)
	}
	return p, nil
}
