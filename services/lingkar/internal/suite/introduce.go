package suite

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// platformArea is the area of the gateway.
const platformArea = "platform"

// introduce makes the tenant to try things in, with its first key, and keeps both
// in the data directory; a suite that was up before has them already.
func (s *Suite) introduce(ctx context.Context, h *home.Home) error {
	tenant, token := h.Text(home.Introduced), h.Text("token")
	if tenant == "" || token == "" {
		first, err := s.CreateTenant(ctx, "My company", auth.Admin, auth.Operator)
		if err != nil {
			return err
		}
		tenant, token = first.Tenant, first.Secret
		if err := errors.Join(h.WriteText(home.Introduced, tenant), h.WriteText("token", token)); err != nil {
			return err
		}
	}
	s.State.Tenant, s.State.Token = tenant, token
	return nil
}

// CreateTenant makes a tenant with its first API key.
func (s *Suite) CreateTenant(ctx context.Context, title string, roles ...auth.Role) (gateway.Bootstrapped, error) {
	for _, running := range s.running {
		if running.Runtime.Area == platformArea {
			return gateway.CreateTenant(ctx, running.Runtime.DB, &platformv1.Tenant{DisplayName: title}, roles...)
		}
	}
	return gateway.Bootstrapped{}, errors.New("area platform is not running")
}

// extras gives a service what it has beside what all have: further databases and
// secrets.
func extras(h *home.Home, d service.Definition, env *service.Environment, databases map[string]postgres.URLs) error {
	env.Databases, env.Secrets, env.SecretFiles = map[string]postgres.URLs{}, map[string][]byte{}, map[string]string{}
	for name := range d.Databases {
		env.Databases[name] = databases[name]
	}
	for _, name := range d.Secrets {
		secret, err := h.Key(name, 32)
		if err != nil {
			return err
		}
		env.Secrets[name], env.SecretFiles[name] = []byte(hex.EncodeToString(secret)), h.SecretPath(name)
	}
	return nil
}
