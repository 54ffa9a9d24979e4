package store

import (
	"context"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/portal"
)

var portalAccessTable = postgres.NewTable[portal.Access](postgres.Def{
	Name: "portal_access", Kind: "portal access",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "state", Type: postgres.Enum, Values: contactv1.PortalAccessState_value},
		postgres.Field{Path: "expire_time", Type: postgres.Time},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"contact", "create_time"}, {"state", "create_time"}},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"portal_access_pkey":         errs.AlreadyExists("PORTAL_ACCESS_EXISTS", "a portal access of this name exists already"),
		"portal_access_subject_key":  errs.AlreadyExists("PORTAL_SUBJECT_TAKEN", "another access that is not revoked has this subject"),
		"portal_access_contact_fkey": noContact,
		"contact_erased":             errErased,
	},
})

func portalAccessStore(db *postgres.DB, log *eventlog.Log) *record.Store[portal.Access, *contactv1.PortalAccess] {
	return &record.Store[portal.Access, *contactv1.PortalAccess]{
		DB: db, Log: log, Table: portalAccessTable, Kind: "portal access", Collection: portalAccesses,
		Meta:     func(a *portal.Access) *entity.Meta { return &a.Meta },
		Contacts: func(a *portal.Access) []uuid.UUID { return []uuid.UUID{a.Contact} },
		Proto:    portalAccessProto, Fill: fillPortalAccess, Event: portalAccessEvent,
	}
}

// CreatePortalAccess gives somebody access for a contact. The id is the one an offline
// client brought, or empty.
func (s *Store) CreatePortalAccess(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.PortalAccess) (*contactv1.PortalAccess, error) {
	r := &fields.Reader{}
	first := &portal.Access{Meta: entity.Meta{ID: r.ID("portal_access_id", id)}}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := fillPortalAccess(first, p); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.PortalAccess, error) {
		row := *first
		c, err := s.Contacts.GetIn(u, named(contacts, row.Contact))
		if err != nil {
			return nil, err
		}
		if err := row.Give(c, s.Now()); err != nil {
			return nil, err
		}
		if err := s.PortalAccesses.AddIn(u, &row); err != nil {
			return nil, err
		}
		return portalAccessProto(&row), nil
	})
}

func portalAccessProto(a *portal.Access) *contactv1.PortalAccess {
	return &contactv1.PortalAccess{
		Name:           named(portalAccesses, a.ID),
		Contact:        named(contacts, a.Contact),
		Roles:          roleKinds(a.Roles),
		Subject:        a.Subject,
		State:          contactv1.PortalAccessState(a.State),
		ExpireTime:     fields.Timestamp(a.Expire),
		TokenTime:      fields.Timestamp(a.TokenTime),
		ExternalIds:    maps.Clone(a.ExternalIDs),
		Labels:         maps.Clone(a.Labels),
		CreateTime:     timestamppb.New(a.CreateTime),
		UpdateTime:     timestamppb.New(a.UpdateTime),
		Etag:           a.Etag(),
		AllowedActions: a.AllowedActions(),
	}
}

func roleKinds(kinds []contact.RoleKind) (all []contactv1.RoleKind) {
	for _, kind := range kinds {
		all = append(all, contactv1.RoleKind(kind))
	}
	return all
}

func fillPortalAccess(a *portal.Access, p *contactv1.PortalAccess) error {
	if a.State == portal.Revoked {
		return portal.ErrRevoked
	}
	r := &fields.Reader{In: "portal_access"}
	a.Contact = fields.Fixed(r, "contact", a.Contact, r.Ref("contact", contacts, p.GetContact()))
	if a.Roles == nil {
		for _, kind := range p.GetRoles() {
			a.Roles = append(a.Roles, contact.RoleKind(kind))
		}
	}
	a.Subject, a.Expire = p.GetSubject(), until(r, "expire_time", p.GetExpireTime())
	a.ExternalIDs, a.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

func portalAccessEvent(a *portal.Access, e entity.Event) eventlog.Draft {
	state := portalAccessProto(a)
	state.AllowedActions = nil
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.PortalAccessGranted{PortalAccess: state}
	case entity.Updated:
		payload = &contactv1.PortalAccessUpdated{PortalAccess: state, Paths: e.Paths}
	case portal.AccessSuspended:
		payload = &contactv1.PortalAccessSuspended{PortalAccess: state}
	case portal.AccessResumed:
		payload = &contactv1.PortalAccessResumed{PortalAccess: state}
	case portal.AccessRevoked:
		payload = &contactv1.PortalAccessRevoked{PortalAccess: state}
	case portal.TokenIssued:
		payload = &contactv1.PortalTokenIssued{PortalAccess: state, ExpireTime: timestamppb.New(e.Expire)}
	default:
		panic(fmt.Sprintf("store: no event of a portal access is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload}
}
