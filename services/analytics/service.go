// Package analytics is the service that knows everything that happened: it stores
// the events of all areas and answers the view of a customer, its timeline and the
// customer pyramid from them.
package analytics

import (
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/server"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
)

// Definition is what the service is made of.
var Definition = service.Definition{
	Name:       "analytics",
	Area:       "analytics",
	Migrations: store.Migrations,
	Uses:       []service.Tables{service.FieldRules},
	Policy:     server.Policy,
	Mesh:       wiring.Mesh,
	Build:      build,
}

func build(rt *service.Runtime) error {
	events := store.New(rt.DB, rt.Log, rt.Logger)
	s := &server.Server{Store: events, Runner: rt.Project(events.Projection()), Now: rt.Now, Logger: rt.Logger}
	s.Register(rt.Server)
	rt.Go("rebuilds", events.RunRebuilds)
	rt.Go("news", events.Tell)
	rt.Go("heads", s.FollowHeads)
	return nil
}
