package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/team"
)

func teams(db *postgres.DB, log *eventlog.Log) *record.Store[team.Team, *platformv1.Team] {
	meta := func(t *team.Team) *entity.Meta { return &t.Meta }
	return &record.Store[team.Team, *platformv1.Team]{
		DB: db, Log: log, Table: store.Teams, Kind: "team", Collection: teamNames,
		Meta: meta, Proto: teamMessage, Fill: fillTeam, Event: teamEvent,
		Extra: store.ExternalIDs("team", meta),
	}
}

func teamMessage(t *team.Team) *platformv1.Team {
	return &platformv1.Team{
		Name:        teamNames + "/" + t.ID.String(),
		DisplayName: t.DisplayName,
		Description: t.Description,
		ExternalIds: t.ExternalIDs,
		Labels:      t.Labels,
		CreateTime:  timestamppb.New(t.CreateTime),
		UpdateTime:  timestamppb.New(t.UpdateTime),
		DeleteTime:  fields.Timestamp(t.DeleteTime),
		Etag:        t.Etag(),
	}
}

func fillTeam(t *team.Team, p *platformv1.Team) error {
	r := fields.Reader{In: "team"}
	fillMarks(&t.Meta, p)
	t.DisplayName = r.RequiredLine("display_name", p.GetDisplayName())
	t.Description = r.Words(p.GetDescription())
	return r.Err()
}

func teamEvent(t *team.Team, e entity.Event) eventlog.Draft {
	now := teamMessage(t)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &platformv1.TeamCreated{Team: now}}
	case entity.Updated:
		return eventlog.Draft{Payload: &platformv1.TeamUpdated{Team: now, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &platformv1.TeamDeleted{Team: now}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &platformv1.TeamUndeleted{Team: now}}
	}
	panic(untold + e.EventName())
}

// CreateTeam implements platformv1.TeamServiceServer.
func (s *Server) CreateTeam(ctx context.Context, req *platformv1.CreateTeamRequest) (*platformv1.Team, error) {
	return s.teams.Create(ctx, auth.From(ctx).Tenant, req.GetTeamId(), req.GetTeam())
}

// GetTeam implements platformv1.TeamServiceServer.
func (s *Server) GetTeam(ctx context.Context, req *platformv1.GetTeamRequest) (*platformv1.Team, error) {
	return s.teams.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListTeams implements platformv1.TeamServiceServer.
func (s *Server) ListTeams(ctx context.Context, req *platformv1.ListTeamsRequest) (*platformv1.ListTeamsResponse, error) {
	list, next, err := s.teams.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListTeamsResponse{Teams: list, NextPageToken: next}, err
}

// UpdateTeam implements platformv1.TeamServiceServer.
func (s *Server) UpdateTeam(ctx context.Context, req *platformv1.UpdateTeamRequest) (*platformv1.Team, error) {
	return s.teams.Update(ctx, auth.From(ctx).Tenant, req.GetTeam(), req.GetUpdateMask())
}

// DeleteTeam implements platformv1.TeamServiceServer.
func (s *Server) DeleteTeam(ctx context.Context, req *platformv1.DeleteTeamRequest) (*platformv1.Team, error) {
	return s.teams.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteTeam implements platformv1.TeamServiceServer.
func (s *Server) UndeleteTeam(ctx context.Context, req *platformv1.UndeleteTeamRequest) (*platformv1.Team, error) {
	return s.teams.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
