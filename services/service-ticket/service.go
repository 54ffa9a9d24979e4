// Package ticket is the service of tickets: what customers ask for and
// complain about, and how it is settled.
package ticket

import (
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/portal"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/server"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/store"
)

// Definition is what the service is made of.
var Definition = service.Definition{
	Name:       "service-ticket",
	Area:       "ticket",
	Migrations: store.Migrations(),
	Uses: []service.Tables{
		{Version: survivor.VersionTable, Migrations: survivor.Migrations},
		service.FieldRules,
		{Version: customfield.VersionTable, Migrations: customfield.Migrations},
	},
	Policy: server.Policy,
	Portal: server.Window,
	Mesh:   wiring.Mesh,
	Lists: func() map[string]postgres.Lister {
		return postgres.TablesIn(store.New(nil, &eventlog.Log{}), store.MessageTable)
	},
	Build: build,
}

func build(rt *service.Runtime) error {
	s := &server.Server{
		Store:    store.New(rt.DB, rt.Log),
		Contacts: contactv1.NewContactServiceClient(rt.Dial("contact")),
		Now:      rt.Now,
	}
	ticketv1.RegisterTicketServiceServer(rt.Server, s)
	ticketv1.RegisterQueueServiceServer(rt.Server, s)
	rt.AdmitPortalBy(portal.Ask(rt.Dial("contact")))
	rt.Project(store.ContactProjection())
	rt.Go("custom fields", s.Store.Schemas.Watch)
	indexes := customfield.Builder{DB: rt.DB, Schemas: s.Store.Schemas, Tables: store.CustomTables, Logger: rt.Logger}
	rt.Go("indexes of custom fields", indexes.Run)
	return nil
}
