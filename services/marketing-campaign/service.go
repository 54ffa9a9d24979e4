// Package campaign is the service of campaigns: who is to be told what,
// what was sent, and what came back.
package campaign

import (
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/server"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
)

// Definition is what the service is made of.
var Definition = service.Definition{
	Name:       "marketing-campaign",
	Area:       "campaign",
	Migrations: store.Migrations(),
	Uses:       []service.Tables{{Version: survivor.VersionTable, Migrations: survivor.Migrations}, service.FieldRules},
	Policy:     server.Policy,
	Mesh:       wiring.Mesh,
	Lists: func() map[string]postgres.Lister {
		return postgres.TablesIn(store.New(nil, &eventlog.Log{}), store.ResponseTable)
	},
	Build: build,
}

func build(rt *service.Runtime) error {
	s := &server.Server{
		Store:     store.New(rt.DB, rt.Log),
		Contacts:  contactv1.NewContactServiceClient(rt.Dial("contact")),
		Consents:  contactv1.NewConsentServiceClient(rt.Dial("contact")),
		AsService: rt.AsService,
		Keys:      rt.Keys,
		Now:       rt.Now,
		Logger:    rt.Logger,
	}
	campaignv1.RegisterSegmentServiceServer(rt.Server, s)
	campaignv1.RegisterCampaignServiceServer(rt.Server, s)
	campaignv1.RegisterTouchServiceServer(rt.Server, s)
	rt.Project(store.ContactProjection())
	rt.Go("find members", s.FindMembers)
	rt.Go("send touches", s.SendTouches)
	return nil
}
