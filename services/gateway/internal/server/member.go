package server

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/member"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/role"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

func members(db *postgres.DB, log *eventlog.Log) *record.Store[member.Member, *platformv1.Member] {
	meta := func(m *member.Member) *entity.Meta { return &m.Meta }
	return &record.Store[member.Member, *platformv1.Member]{
		DB: db, Log: log, Table: store.Members, Kind: "member", Collection: memberNames,
		Meta: meta, Contacts: memberContacts, Proto: memberMessage, Fill: fillMember, Event: memberEvent,
		Extra: store.ExternalIDs("member", meta),
	}
}

// memberContacts answers the person's own record: the name is sealed under its
// key.
func memberContacts(m *member.Member) []uuid.UUID {
	if m.Contact == nil {
		return nil
	}
	return []uuid.UUID{*m.Contact}
}

func memberMessage(m *member.Member) *platformv1.Member {
	return &platformv1.Member{
		Name:        memberNames + "/" + m.ID.String(),
		Subject:     m.Subject,
		Contact:     fields.Name(contactNames, m.Contact),
		DisplayName: m.DisplayName,
		Roles:       m.Roles,
		Teams:       m.Teams,
		ExternalIds: m.ExternalIDs,
		Labels:      m.Labels,
		CreateTime:  timestamppb.New(m.CreateTime),
		UpdateTime:  timestamppb.New(m.UpdateTime),
		DeleteTime:  fields.Timestamp(m.DeleteTime),
		Etag:        m.Etag(),
	}
}

func fillMember(m *member.Member, p *platformv1.Member) error {
	r := fields.Reader{In: "member"}
	fillMarks(&m.Meta, p)
	m.Subject = p.GetSubject()
	m.Contact = r.Optional("contact", contactNames, p.GetContact())
	m.DisplayName = r.Line("display_name", p.GetDisplayName())
	m.Roles, m.Teams = slices.Clone(p.GetRoles()), slices.Clone(p.GetTeams())
	for _, name := range m.Teams {
		r.Ref("teams", teamNames, name)
	}
	r.Add(m.Check()...)
	return r.Err()
}

func memberEvent(m *member.Member, e entity.Event) eventlog.Draft {
	now, contacts := memberMessage(m), memberContacts(m)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Contacts: contacts, Payload: &platformv1.MemberCreated{Member: now}}
	case entity.Updated:
		return eventlog.Draft{Contacts: contacts, Payload: &platformv1.MemberUpdated{Member: now, UpdateMask: maskOf(e)}}
	case entity.Deleted:
		return eventlog.Draft{Contacts: contacts, Payload: &platformv1.MemberDeleted{Member: now}}
	case entity.Undeleted:
		return eventlog.Draft{Contacts: contacts, Payload: &platformv1.MemberUndeleted{Member: now}}
	}
	panic(untold + e.EventName())
}

// mayGrant refuses to give away roles that the caller may not give.
func mayGrant(ctx context.Context, roles []string) error {
	var held []string
	for _, r := range auth.From(ctx).Roles {
		held = append(held, string(r))
	}
	return role.Grant(held, roles)
}

// CreateMember implements platformv1.MemberServiceServer.
func (s *Server) CreateMember(ctx context.Context, req *platformv1.CreateMemberRequest) (*platformv1.Member, error) {
	if err := mayGrant(ctx, req.GetMember().GetRoles()); err != nil {
		return nil, err
	}
	defer s.changed(auth.From(ctx).Tenant)
	return s.members.Create(ctx, auth.From(ctx).Tenant, req.GetMemberId(), req.GetMember())
}

// GetMember implements platformv1.MemberServiceServer.
func (s *Server) GetMember(ctx context.Context, req *platformv1.GetMemberRequest) (*platformv1.Member, error) {
	return s.members.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListMembers implements platformv1.MemberServiceServer.
func (s *Server) ListMembers(ctx context.Context, req *platformv1.ListMembersRequest) (*platformv1.ListMembersResponse, error) {
	list, next, err := s.members.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListMembersResponse{Members: list, NextPageToken: next}, err
}

// UpdateMember implements platformv1.MemberServiceServer. Roles in the message
// must be such as the caller may give, also where they stay as they are.
func (s *Server) UpdateMember(ctx context.Context, req *platformv1.UpdateMemberRequest) (*platformv1.Member, error) {
	if err := mayGrant(ctx, req.GetMember().GetRoles()); err != nil {
		return nil, err
	}
	defer s.changed(auth.From(ctx).Tenant)
	return s.members.Update(ctx, auth.From(ctx).Tenant, req.GetMember(), req.GetUpdateMask())
}

// DeleteMember implements platformv1.MemberServiceServer.
func (s *Server) DeleteMember(ctx context.Context, req *platformv1.DeleteMemberRequest) (*platformv1.Member, error) {
	defer s.changed(auth.From(ctx).Tenant)
	return s.members.Delete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// UndeleteMember implements platformv1.MemberServiceServer.
func (s *Server) UndeleteMember(ctx context.Context, req *platformv1.UndeleteMemberRequest) (*platformv1.Member, error) {
	defer s.changed(auth.From(ctx).Tenant)
	return s.members.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}
