// Package sales is the sales-force-automation service: the catalogue and its
// prices, pipelines, leads, opportunities and orders.
//
// It records its own events, and of others' it reads those of contacts, to know
// which exist. See README.md for what it owns and promises.
package sales

import (
	"time"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/portal"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/server"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// Definition is what the service is made of.
var Definition = service.Definition{
	Name:       "sales-force-automation",
	Area:       "sales",
	Migrations: store.Migrations(),
	Uses: []service.Tables{
		{Version: bulk.VersionTable, Migrations: bulk.Migrations},
		{Version: survivor.VersionTable, Migrations: survivor.Migrations},
		service.FieldRules,
		{Version: customfield.VersionTable, Migrations: customfield.Migrations},
	},
	Policy: server.Policy(),
	Portal: server.Window,
	Mesh:   wiring.Mesh,
	Lists:  func() map[string]postgres.Lister { return postgres.TablesIn(store.New(nil, &eventlog.Log{}, time.Now)) },
	Build:  build,
}

func build(rt *service.Runtime) error {
	s := &server.Server{
		Store:    store.New(rt.DB, rt.Log, rt.Now),
		Contacts: contactv1.NewContactServiceClient(rt.Dial("contact")),
		Keys:     rt.Keys,
		Now:      rt.Now,
	}
	s.Register(rt.Server)
	rt.AdmitPortalBy(portal.Ask(rt.Dial("contact")))
	imports := s.Imports(rt.AsService, bulk.Engine{DB: rt.DB, Log: rt.Log, Now: rt.Now, Logger: rt.Logger, Rules: rt.Fields})
	salesv1.RegisterImportServiceServer(rt.Server, imports)
	rt.Go("imports", imports.Run)
	rt.Project(store.Contacts())
	rt.Go("custom fields", s.Schemas.Watch)
	indexes := customfield.Builder{DB: rt.DB, Schemas: s.Schemas, Tables: store.CustomTables, Logger: rt.Logger}
	rt.Go("indexes of custom fields", indexes.Run)
	return nil
}
