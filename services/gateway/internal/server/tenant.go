package server

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/tenant"
)

func tenants(db *postgres.DB, log *eventlog.Log) *record.Store[tenant.Tenant, *platformv1.Tenant] {
	meta := func(t *tenant.Tenant) *entity.Meta { return &t.Meta }
	return &record.Store[tenant.Tenant, *platformv1.Tenant]{
		DB: db, Log: log, Table: store.Tenants, Kind: "tenant", Collection: tenantNames,
		Meta: meta, Proto: tenantMessage, Fill: fillTenant, Event: tenantEvent,
		Extra: store.ExternalIDs("tenant", meta),
	}
}

// directory is all tenants, for reading.
func directory(db *postgres.DB, log *eventlog.Log) *record.Store[tenant.Tenant, *platformv1.Tenant] {
	d := tenants(db, log)
	d.Table = store.Directory
	return d
}

func tenantMessage(t *tenant.Tenant) *platformv1.Tenant {
	actions := []string{"UpdateTenant", "SuspendTenant"}
	if t.State == tenant.Suspended {
		actions = []string{"UpdateTenant", "ResumeTenant"}
	}
	return &platformv1.Tenant{
		Name:           tenantNames + "/" + t.ID.String(),
		DisplayName:    t.DisplayName,
		CurrencyCode:   t.CurrencyCode,
		TimeZone:       t.TimeZone,
		State:          platformv1.Tenant_State(t.State),
		ExternalIds:    t.ExternalIDs,
		Labels:         t.Labels,
		CreateTime:     timestamppb.New(t.CreateTime),
		UpdateTime:     timestamppb.New(t.UpdateTime),
		Etag:           t.Etag(),
		AllowedActions: actions,

		LifecycleWindowMonths: t.WindowMonths,
	}
}

func fillTenant(t *tenant.Tenant, p *platformv1.Tenant) error {
	r := fields.Reader{In: "tenant"}
	fillMarks(&t.Meta, p)
	t.DisplayName = r.RequiredLine("display_name", p.GetDisplayName())
	t.CurrencyCode, t.TimeZone, t.WindowMonths = p.GetCurrencyCode(), p.GetTimeZone(), p.GetLifecycleWindowMonths()
	if err := r.Err(); err != nil {
		return err
	}
	r.Add(t.Check()...)
	return r.Err()
}

func tenantEvent(t *tenant.Tenant, e entity.Event) eventlog.Draft {
	now := tenantMessage(t)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.TenantCreated{Tenant: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.TenantUpdated{Tenant: now, UpdateMask: maskOf(e)}}
	case tenant.SuspendedNow:
		return eventlog.Draft{Payload: &platformv1.TenantSuspended{Tenant: now}}
	case tenant.Resumed:
		return eventlog.Draft{Payload: &platformv1.TenantResumed{Tenant: now}}
	}
	panic(untold + e.EventName())
}

// tenantNamed answers the id of a tenant that the caller may reach: its own, or
// any for an operator. To others it reads as one that does not exist.
func (s *Server) tenantNamed(ctx context.Context, name string) (uuid.UUID, error) {
	id, err := s.tenants.ParseName(name)
	if err != nil {
		return uuid.Nil, err
	}
	if caller := auth.From(ctx); id != caller.Tenant && !caller.Has(auth.Operator) {
		return uuid.Nil, errs.NotFound("tenant", name)
	}
	return id, nil
}

// CreateTenant implements platformv1.TenantServiceServer. The new tenant's own
// database rows begin with it.
func (s *Server) CreateTenant(ctx context.Context, req *platformv1.CreateTenantRequest) (*platformv1.Tenant, error) {
	id, err := chosenID("tenant_id", req.GetTenantId())
	if err != nil {
		return nil, err
	}
	return s.tenants.Create(ctx, id, id.String(), req.GetTenant())
}

// GetTenant implements platformv1.TenantServiceServer.
func (s *Server) GetTenant(ctx context.Context, req *platformv1.GetTenantRequest) (*platformv1.Tenant, error) {
	id, err := s.tenantNamed(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return s.tenants.Read(ctx, id, req.GetName())
}

// ListTenants implements platformv1.TenantServiceServer.
func (s *Server) ListTenants(ctx context.Context, req *platformv1.ListTenantsRequest) (*platformv1.ListTenantsResponse, error) {
	list, next, err := s.directory.List(ctx, auth.NoTenant, req)
	return &platformv1.ListTenantsResponse{Tenants: list, NextPageToken: next}, err
}

// UpdateTenant implements platformv1.TenantServiceServer.
func (s *Server) UpdateTenant(ctx context.Context, req *platformv1.UpdateTenantRequest) (*platformv1.Tenant, error) {
	id, err := s.tenantNamed(ctx, req.GetTenant().GetName())
	if err != nil {
		return nil, record.At("tenant.name", err)
	}
	return s.tenants.Update(ctx, id, req.GetTenant(), req.GetUpdateMask())
}

// SuspendTenant implements platformv1.TenantServiceServer.
func (s *Server) SuspendTenant(ctx context.Context, req *platformv1.SuspendTenantRequest) (*platformv1.Tenant, error) {
	return s.changeTenant(ctx, req, (*tenant.Tenant).Suspend)
}

// ResumeTenant implements platformv1.TenantServiceServer.
func (s *Server) ResumeTenant(ctx context.Context, req *platformv1.ResumeTenantRequest) (*platformv1.Tenant, error) {
	return s.changeTenant(ctx, req, (*tenant.Tenant).Resume)
}

// versioned is a request that names a resource and perhaps its version.
type versioned interface {
	GetName() string
	GetEtag() string
}

func (s *Server) changeTenant(ctx context.Context, req versioned, rule func(*tenant.Tenant) ([]entity.Event, error)) (*platformv1.Tenant, error) {
	id, err := s.tenantNamed(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	now, err := s.tenants.Change(ctx, id, req.GetName(), req.GetEtag(), rule)
	s.changed(id)
	return now, err
}
