package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/fieldrule"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

func fieldRules(db *postgres.DB, log *eventlog.Log) *record.Store[fieldrule.Rule, *platformv1.FieldRule] {
	meta := func(r *fieldrule.Rule) *entity.Meta { return &r.Meta }
	return &record.Store[fieldrule.Rule, *platformv1.FieldRule]{
		DB: db, Log: log, Table: store.FieldRules, Kind: "field rule", Collection: fieldRuleNames,
		Meta: meta, Proto: fieldRuleMessage, Fill: fillFieldRule, Event: fieldRuleEvent,
		Extra: store.ExternalIDs("field_rule", meta),
	}
}

func fieldRuleMessage(r *fieldrule.Rule) *platformv1.FieldRule {
	return &platformv1.FieldRule{
		Name:         fieldRuleNames + "/" + r.ID.String(),
		ResourceType: r.ResourceType,
		Field:        r.Field,
		Readers:      r.Readers,
		Writers:      r.Writers,
		Reason:       r.Reason,
		ExternalIds:  r.ExternalIDs,
		Labels:       r.Labels,
		CreateTime:   timestamppb.New(r.CreateTime),
		UpdateTime:   timestamppb.New(r.UpdateTime),
		DeleteTime:   fields.Timestamp(r.DeleteTime),
		Etag:         r.Etag(),
	}
}

func fillFieldRule(r *fieldrule.Rule, p *platformv1.FieldRule) error {
	f := fields.Reader{In: "field_rule"}
	fillMarks(&r.Meta, p)
	r.ResourceType, r.Field = p.GetResourceType(), p.GetField()
	r.Readers, r.Writers = p.GetReaders(), p.GetWriters()
	r.Reason = f.RequiredWords("reason", p.GetReason())
	f.Add(r.Check()...)
	f.Add(fieldaccess.FromProto(p).Check()...)
	return f.Err()
}

func fieldRuleEvent(r *fieldrule.Rule, e entity.Event) eventlog.Draft {
	now := fieldRuleMessage(r)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.FieldRuleCreated{FieldRule: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.FieldRuleUpdated{FieldRule: now, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.FieldRuleDeleted{FieldRule: now}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &platformv1.FieldRuleUndeleted{FieldRule: now}}
	}
	panic(untold + e.EventName())
}

// CreateFieldRule implements platformv1.FieldRuleServiceServer.
func (s *Server) CreateFieldRule(ctx context.Context, req *platformv1.CreateFieldRuleRequest) (*platformv1.FieldRule, error) {
	return s.fieldRules.Create(ctx, auth.From(ctx).Tenant, req.GetFieldRuleId(), req.GetFieldRule())
}

// GetFieldRule implements platformv1.FieldRuleServiceServer.
func (s *Server) GetFieldRule(ctx context.Context, req *platformv1.GetFieldRuleRequest) (*platformv1.FieldRule, error) {
	return s.fieldRules.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListFieldRules implements platformv1.FieldRuleServiceServer.
func (s *Server) ListFieldRules(ctx context.Context, req *platformv1.ListFieldRulesRequest) (*platformv1.ListFieldRulesResponse, error) {
	list, next, err := s.fieldRules.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListFieldRulesResponse{FieldRules: list, NextPageToken: next}, err
}

// UpdateFieldRule implements platformv1.FieldRuleServiceServer.
func (s *Server) UpdateFieldRule(ctx context.Context, req *platformv1.UpdateFieldRuleRequest) (*platformv1.FieldRule, error) {
	return s.fieldRules.Update(ctx, auth.From(ctx).Tenant, req.GetFieldRule(), req.GetUpdateMask())
}

// DeleteFieldRule implements platformv1.FieldRuleServiceServer.
func (s *Server) DeleteFieldRule(ctx context.Context, req *platformv1.DeleteFieldRuleRequest) (*platformv1.FieldRule, error) {
	return s.fieldRules.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteFieldRule implements platformv1.FieldRuleServiceServer.
func (s *Server) UndeleteFieldRule(ctx context.Context, req *platformv1.UndeleteFieldRuleRequest) (*platformv1.FieldRule, error) {
	return s.fieldRules.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
