// Package contact is the contact service: who the customer is, what was said and
// done with it, and what it allows.
package contact

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/server"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
)

const (
	// keysDatabase is the further database that holds the sealing keys.
	keysDatabase = "keys"
	// kekSecret is the secret that wraps them: 32 bytes in hexadecimal, one key a
	// line, the one in use first.
	kekSecret = "keys_kek"
)

// Definition is what the service is made of.
var Definition = service.Definition{
	Name:       "contact",
	Area:       "contact",
	Migrations: store.Migrations,
	Databases:  map[string]fs.FS{keysDatabase: keystore.Migrations},
	Secrets:    []string{kekSecret},
	Uses: []service.Tables{
		{Version: bulk.VersionTable, Migrations: bulk.Migrations},
		{Version: timer.VersionTable, Migrations: timer.Migrations},
		{Version: rules.VersionTable, Migrations: rules.Migrations},
		service.FieldRules,
		{Version: customfield.VersionTable, Migrations: customfield.Migrations},
	},
	Policy: server.Policy,
	Portal: server.Window,
	Mesh:   wiring.Mesh,
	Keys:   keys,
	Lists: func() map[string]postgres.Lister {
		return postgres.TablesIn(store.New(nil, nil, nil), store.QualityTable, rules.Decisions)
	},
	Build: build,
}

// keys are the service's own: all others ask it for them.
// Where the file of key-encryption keys is not the one that wrapped what is stored,
// the service does not start: it could neither read what was sealed nor say so
// before somebody asks.
func keys(ctx context.Context, rt *service.Runtime) (eventlog.Keys, error) {
	wrapper, err := kek.Parse(rt.Secrets[kekSecret])
	if err != nil {
		return nil, fmt.Errorf("secret %s (%s): %w", kekSecret, rt.SecretFiles[kekSecret], err)
	}
	database := rt.Databases[keysDatabase].App
	missing, err := keystore.Missing(ctx, database, wrapper)
	switch {
	case err != nil:
		return nil, err
	case missing != "":
		return nil, fmt.Errorf("database %s holds keys that the key-encryption key %s wraps, and %s does not hold that one: "+
			"restore the file from its backup (docs/operations.md, lost or wrong key-encryption key)", keysDatabase, missing, rt.SecretFiles[kekSecret])
	}
	return keystore.New(database, rt.DB, wrapper, rt.Now), nil
}

func build(rt *service.Runtime) error {
	keys, ok := rt.Keys.(*keystore.Store)
	if !ok {
		return fmt.Errorf("the keys are of type %T", rt.Keys)
	}
	s := &server.Server{
		Store: store.New(rt.DB, rt.Log, keys), Keys: keys, Rules: rt.Fields, Issuer: rt.Issuer,
	}
	contactv1.RegisterPortalServiceServer(rt.Server, s)
	rt.AdmitPortalBy(s.Store.AdmitPortal)
	contactv1.RegisterContactServiceServer(rt.Server, s)
	contactv1.RegisterRelationshipServiceServer(rt.Server, s)
	contactv1.RegisterInteractionServiceServer(rt.Server, s)
	contactv1.RegisterDocumentServiceServer(rt.Server, s)
	rt.Go("unfinished uploads", s.Store.DropUnfinished(rt.Logger))
	contactv1.RegisterConsentServiceServer(rt.Server, s)
	contactv1.RegisterKeyServiceServer(rt.Server, s)
	contactv1.RegisterPurposeServiceServer(rt.Server, s)
	contactv1.RegisterPrivacyServiceServer(rt.Server, s)
	contactv1.RegisterDisclosureServiceServer(rt.Server, s)
	contactv1.RegisterIdentityServiceServer(rt.Server, s)
	contactv1.RegisterEmployeeServiceServer(rt.Server, s)
	contactv1.RegisterFactServiceServer(rt.Server, s)
	contactv1.RegisterInvestorRelationsServiceServer(rt.Server, s)
	contactv1.RegisterSyncServiceServer(rt.Server, s)
	imports := server.NewImportServer(s.Store, bulk.Engine{DB: rt.DB, Log: rt.Log, Now: rt.Now, Logger: rt.Logger, Rules: rt.Fields})
	contactv1.RegisterImportServiceServer(rt.Server, imports)
	rt.Go("imports", imports.Run)
	timers := &timer.Runner{DB: rt.DB, Now: rt.Now, As: rt.AsService, Handlers: map[string]timer.Handler{}, Logger: rt.Logger}
	ruling := server.NewRuleServer(rt, s.Store, timers)
	contactv1.RegisterRuleEngineServiceServer(rt.Server, ruling)
	s.Store.UsedByRules = func(ctx context.Context, tenant uuid.UUID) ([]string, error) {
		return ruling.Reads(ctx, tenant, "contact")
	}
	s.Store.Panel = ruling.Panel
	timers.Handlers[store.QualityTimer] = s.Store.RefreshQuality
	contactv1.RegisterQualityServiceServer(rt.Server, s)
	s.Changes = rt.Project(eventlog.Together("followers", ruling.Projection(), s.Store.Quality(), store.Changes(), s.Store.Lifecycles()))
	rt.Go("ratings", s.Store.KeepRatings)
	timers.Handlers[store.LifecycleTimer], timers.Handlers[store.LifecycleRefresh] = s.Store.MoveContact, s.Store.RefreshLifecycles
	contactv1.RegisterLifecycleServiceServer(rt.Server, s)
	rt.Go("timers", timers.Run)
	contactv1.RegisterCustomFieldServiceServer(rt.Server, s)
	rt.Go("custom fields", s.Store.CustomFields.Schemas.Watch)
	indexes := customfield.Builder{DB: rt.DB, Schemas: s.Store.CustomFields.Schemas, Tables: store.CustomTables, Logger: rt.Logger}
	rt.Go("indexes of custom fields", indexes.Run)
	rt.Go("erasures", s.Store.FinishErasures(rt.Logger))
	return replay(rt, s.Store)
}

// replayTimeout bounds doing again the erasures that a restored database has
// forgotten.
const replayTimeout = 10 * time.Minute

// replay does again, before anybody is served, the erasures that either database has
// forgotten. A start that cannot tell does not go on: it might show who was erased.
func replay(rt *service.Runtime, s *store.Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), replayTimeout)
	defer cancel()
	again, err := s.ReplayErasures(ctx, rt.AsService)
	if err != nil {
		return fmt.Errorf("replay the erasures: %w", err)
	}
	if again > 0 {
		rt.Logger.Warn("contacts that were erased had come back with a restored database, and were erased again", "contacts", again)
	}
	return nil
}
