// Package gateway is the one front door of Lingkar, and area platform behind it.
//
// One HTTP port takes REST, the live stream of events and the documentation; one
// gRPC port takes every service that is offered over HTTP, and passes it on to
// the area it belongs to. Both know callers by access tokens and by API keys.
// Area platform keeps tenants, members, teams, roles, API keys, exchange rates,
// rules, saved views and webhooks in a database of its own, like any other area.
package gateway

import (
	"cloud.google.com/go/longrunning/autogen/longrunningpb"

	"github.com/lingkar-crm/lingkar/pkg/config"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/door"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/gate"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/live"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/operations"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/proxy"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/rest"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/tailored"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/views"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
)

// Config is what the gateway can be told beside what every service can.
type Config struct {
	// Origins are those whose pages may call.
	Origins []string `env:"CORS_ORIGINS" usage:"origins whose pages may call, such as https://crm.example.com; * for any"`
	// Hops is how many proxies of our own stand before the gateway.
	Hops int `env:"TRUSTED_HOPS" default:"0" usage:"how many proxies before the gateway write X-Forwarded-For"`
	// TenantRate is how many calls a second a tenant may make, and at once; 0 is any
	// number.
	TenantRate int `env:"TENANT_RATE" default:"5000" usage:"how many calls a second, and at once, a tenant may make of each gateway; 0 for any"`
	// WebhookAllowPrivate lets webhooks go to private networks and by plain HTTP.
	WebhookAllowPrivate bool `env:"WEBHOOK_ALLOW_PRIVATE" default:"false" usage:"whether webhooks may go to this machine and to private networks, on any port and by http"`
}

// kekSecret is the secret under which the secrets of webhooks are kept: 32 bytes in
// hexadecimal, one key a line, the one in use first.
const kekSecret = "webhooks_kek"

// Definition is what the service is made of, configured by its environment.
var Definition = define(func(c *Config) error { return config.Load(c) })

// With is the Definition with a configuration.
func With(c Config) service.Definition {
	return define(func(into *Config) error {
		*into = c
		return nil
	})
}

func define(configure func(*Config) error) service.Definition {
	return service.Definition{
		Name:       "gateway",
		Area:       "platform",
		Migrations: store.Migrations,
		Uses:       []service.Tables{service.FieldRules},
		Secrets:    []string{kekSecret},
		Policy:     Policy,
		Mesh:       wiring.Mesh,
		Lists: func() map[string]postgres.Lister {
			return postgres.TablesIn(store.Members, store.Teams, store.Keys, store.Rates, store.Rules, store.FieldRules, store.SavedViews, store.WebhookEndpoints, store.WebhookDeliveries)
		},
		Build: func(rt *service.Runtime) error {
			var c Config
			if err := configure(&c); err != nil {
				return err
			}
			return build(rt, c)
		},
	}
}

// runners are who runs the rules about each kind of resource.
func runners(rt *service.Runtime) map[string]server.Runner {
	contact := contactv1.NewRuleEngineServiceClient(rt.Dial("contact"))
	return map[string]server.Runner{"contact": contact, "interaction": contact, "relationship": contact, "consent": contact, "lifecycle": contact,
		"duplicate": contact, "survivorship": contact}
}

func build(rt *service.Runtime, c Config) error {
	keeper, err := door.New(rt.DB, rt.Verifier, rt.Issuer, rt.Now, rt.Logger)
	if err != nil {
		return err
	}
	rt.AuthenticateBy(keeper.Authenticate)
	rt.Go("uses of API keys", keeper.NoteUses)
	hooks, err := webhooksOf(rt, c)
	if err != nil {
		return err
	}
	platform := server.New(rt.DB, rt.Log, rt.Now, keeper.Forget, runners(rt), rt.Dial, hooks)
	platform.Register(rt.Server)
	dial := views.Through(rt.Dial, platform.FindView)

	work := operations.New(map[string]operations.Worker{
		"analytics": operations.Rebuilds{Client: analyticsv1.NewEventStoreServiceClient(rt.Dial("analytics"))},
		"contact":   operations.Imports{Client: contactv1.NewImportServiceClient(rt.Dial("contact")), Area: "contact", Collection: "contactImports"},
		"sales":     operations.Imports{Client: salesv1.NewImportServiceClient(rt.Dial("sales")), Area: "sales", Collection: "salesImports"},
	})
	longrunningpb.RegisterOperationsServer(rt.Server, work)
	keep, err := gate.New(rt.Places, c.TenantRate, rt.Meters())
	if err != nil {
		return err
	}
	rt.HandleUnknown(proxy.Handler(dial, keep.Admit))

	hub := live.New(rt.NATS, rt.Keys, rt.Fields, server.Readers(), rt.Logger)
	rt.Go("live events", hub.Run)
	documents, err := tailored.New(contactv1.NewCustomFieldServiceClient(rt.Dial("contact")))
	if err != nil {
		return err
	}
	handler, err := rest.New(rest.Options{
		Dial: dial, Authenticate: keeper.Authenticate, Admit: keep.Admit, Origins: c.Origins, Hops: c.Hops,
		Live: hub.Serve, Document: documents.Serve, Operations: work, Ready: rt.DB.App.Ping, Logger: rt.Logger,
	})
	if err != nil {
		return err
	}
	rt.HandleHTTP(handler)
	return nil
}
