package service_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The sample is the smallest service that does everything: it records that a lead
// was captured, and keeps a projection of the leads' names.

var sampleMigrations = fstest.MapFS{"migrations/00001_lead_name.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE lead_name (tenant uuid NOT NULL, lead text NOT NULL, name text NOT NULL, PRIMARY KEY (tenant, lead));
SELECT lingkar_secure('lead_name');
`)}}

// further is the sample with a second database and a secret of its own.
func further() service.Definition {
	d := sample(func(rt *service.Runtime) {
		b := &pgx.Batch{}
		b.Queue("INSERT INTO vault VALUES ($1)", string(rt.Secrets["vault_word"]))
		if err := postgres.Run(context.Background(), rt.Databases["vault"], b); err != nil {
			panic(err)
		}
	})
	d.Databases = map[string]fs.FS{"vault": fstest.MapFS{"00001_vault.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE vault (word text NOT NULL CHECK (word <> ''));
SELECT lingkar_grant('vault');
`)}}}
	d.Secrets = []string{"vault_word"}
	d.Uses = []service.Tables{{Version: "used_version", Migrations: fstest.MapFS{"00001_used.sql": {Data: []byte(`
-- +goose Up
CREATE TABLE used (id int);
`)}}}}
	return d
}

// samplePolicy has an entry for every RPC of the lead service.
func samplePolicy() auth.Policy {
	p := auth.Policy{}
	for _, m := range salesv1.LeadService_ServiceDesc.Methods {
		p["/lingkar.sales.v1.LeadService/"+m.MethodName] = auth.Allow(auth.All, auth.Admin)
	}
	return p
}

// sample is its definition. Change may spoil the runtime after it was built.
func sample(change func(rt *service.Runtime)) service.Definition {
	return service.Definition{
		Name: "sales-force-automation", Area: "sales", Migrations: sampleMigrations, Policy: samplePolicy(),
		Mesh: mesh.Mesh{
			"sales-force-automation": {Area: "sales", Reads: []string{"sales"}, Calls: []string{contactv1.KeyService_FetchKeys_FullMethodName}},
			"analytics":              {Area: "analytics", Reads: []string{"sales"}, Calls: []string{salesv1.LeadService_GetLead_FullMethodName}},
			"contact":                {Area: "contact"},
		},
		Build: func(rt *service.Runtime) error {
			names := rt.Project(eventlog.Projection{Name: "lead_name", Areas: []string{"sales"}, Apply: applyNames})
			salesv1.RegisterLeadServiceServer(rt.Server, &leads{rt: rt, names: names})
			if change != nil {
				change(rt)
			}
			return nil
		},
	}
}

type leads struct {
	salesv1.UnimplementedLeadServiceServer
	rt    *service.Runtime
	names *eventlog.Runner
}

// CreateLead records that a lead was captured.
func (s *leads) CreateLead(ctx context.Context, req *salesv1.CreateLeadRequest) (*salesv1.Lead, error) {
	tenant, id := auth.From(ctx).Tenant, entity.NewID()
	lead := proto.Clone(req.GetLead()).(*salesv1.Lead)
	lead.Name = "leads/" + id.String()
	contact, err := uuid.Parse(strings.TrimPrefix(lead.GetContact(), "contacts/"))
	if err != nil {
		return nil, errs.Invalid("lead.contact", "", "must be the name of a contact")
	}
	a := eventlog.Aggregate{Name: lead.GetName(), Partition: entity.Partition(tenant, contact)}
	drafts := []eventlog.Draft{{Payload: &salesv1.LeadCaptured{Lead: lead}, Contacts: []uuid.UUID{contact}}}
	events, err := s.rt.Log.Prepare(ctx, tenant, a, drafts)
	if err != nil {
		if err := eventlog.FetchMissing(ctx, s.rt.Keys, err); err != nil {
			return nil, err
		}
		if events, err = s.rt.Log.Prepare(ctx, tenant, a, drafts); err != nil {
			return nil, err
		}
	}
	err = postgres.Submit(ctx, s.rt.DB, func(b *pgx.Batch) error {
		postgres.QueueTenant(b, tenant)
		s.rt.Log.Queue(b, events)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.rt.Log.Wake()
	call.SetPosition(ctx, "sales")
	return lead, nil
}

// GetLead reads the projection.
func (s *leads) GetLead(ctx context.Context, req *salesv1.GetLeadRequest) (*salesv1.Lead, error) {
	lead := &salesv1.Lead{Name: req.GetName()}
	var found bool
	b := &pgx.Batch{}
	postgres.QueueTenant(b, auth.From(ctx).Tenant)
	b.Queue("SELECT name FROM lead_name WHERE lead = $1", req.GetName()).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			found = true
			if err := rows.Scan(&lead.DisplayName); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err := postgres.Run(ctx, s.rt.DB, b); err != nil {
		return nil, err
	}
	if !found {
		return nil, errs.NotFound("lead", req.GetName())
	}
	return lead, nil
}

func applyNames(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	for _, e := range events {
		var captured salesv1.LeadCaptured
		if err := e.GetPayload().UnmarshalTo(&captured); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO lead_name VALUES ($1, $2, $3)",
			strings.TrimPrefix(e.GetTenant(), "tenants/"), e.GetAggregate(), captured.GetLead().GetDisplayName())
		if err != nil {
			return err
		}
	}
	return nil
}
