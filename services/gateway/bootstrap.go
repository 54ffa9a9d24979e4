package gateway

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/google/uuid"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server"
)

// Bootstrapped is a new tenant with the first key to it.
type Bootstrapped struct {
	// Tenant is its name: "tenants/{uuid}".
	Tenant string
	// Key is the name of the key, and Secret what callers show. Nobody can find
	// it out later.
	Key, Secret string
}

// CreateTenant makes a tenant and its first API key, with the given roles, in
// area platform's database: before that there is nobody who could ask for it over
// the door. The names of both tell the operator's log who did it:
// "services/lingkar". Roles may be any that a key can have, operator included.
func CreateTenant(ctx context.Context, db *postgres.DB, t *platformv1.Tenant, roles ...auth.Role) (Bootstrapped, error) {
	log := &eventlog.Log{Area: "platform", Keys: noKeys{}, Now: time.Now}
	s := server.New(db, log, time.Now, func(uuid.UUID) {}, nil, nil, server.Webhooks{})
	operator := auth.Caller{Tenant: auth.NoTenant, Subject: "services/lingkar", Roles: []auth.Role{auth.Operator, auth.Admin}}
	ctx = call.With(auth.WithScope(auth.With(ctx, operator), auth.All), call.Info{Method: "lingkar tenant create"})
	made, err := s.CreateTenant(ctx, &platformv1.CreateTenantRequest{Tenant: t})
	if err != nil {
		return Bootstrapped{}, err
	}
	id, err := uuid.Parse(made.GetName()[len("tenants/"):])
	if err != nil {
		return Bootstrapped{}, err
	}
	operator.Tenant = id
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = "roles/" + string(r)
	}
	key, err := s.CreateApiKey(auth.With(ctx, operator), &platformv1.CreateApiKeyRequest{
		ApiKey: &platformv1.ApiKey{DisplayName: "The first key", Roles: names},
	})
	return Bootstrapped{Tenant: made.GetName(), Key: key.GetName(), Secret: key.GetSecret()}, err
}

// noKeys stands for the keys of contacts, which nothing here is sealed with.
type noKeys struct{}

var errSealed = errs.New(codes.Internal, "INTERNAL", "internal error")

// Cached implements eventlog.Keys.
func (noKeys) Cached(uuid.UUID, uuid.UUID) (eventlog.Key, bool) { return eventlog.Key{}, false }

// Fetch implements eventlog.Keys.
func (noKeys) Fetch(context.Context, uuid.UUID, ...uuid.UUID) error { return errSealed }
