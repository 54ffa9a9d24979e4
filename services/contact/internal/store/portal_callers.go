package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/investor"
	"github.com/lingkar-crm/lingkar/services/contact/internal/portal"
)

var (
	errNoAccess     = errs.Denied("PORTAL_ACCESS_MISSING", "nobody gave this caller access for this contact")
	errTokenExpired = errs.Refused("PORTAL_TOKEN_EXPIRED", "this request was answered with a token that has expired: ask again with another request_id")
)

// AdmitPortal answers a context in which a portal caller stands for its contact and all
// that are one with it, as the roles of its access, or why it may not come in. What it
// asks takes one round trip, so that an access that is withdrawn opens nothing from then
// on.
func (s *Store) AdmitPortal(ctx context.Context, caller auth.Caller) (context.Context, error) {
	var family []uuid.UUID
	var access *portal.Access
	c := &contact.Contact{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, caller.Tenant)
	b.Queue(`
		SELECT f.family, c.roles, c.delete_time
		FROM contact_family($1, $2) AS f (family)
		LEFT JOIN contact AS c ON c.tenant = $1 AND c.id = f.family[1]`, caller.Tenant, caller.Contact).
		QueryRow(func(row pgx.Row) error { return row.Scan(&family, &c.Roles, &c.DeleteTime) })
	queueAccess(b, caller, func(a *portal.Access) { access = a })
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	if access == nil || !slices.Contains(family, access.Contact) {
		return nil, errNoAccess
	}
	roles, err := access.Opens(c, s.Now())
	if err != nil {
		return nil, errs.Denied(errs.Reason(err), status.Convert(err).Message())
	}
	return portal.With(auth.WithSelf(ctx, family), roles), nil
}

// PortalSession answers for whom, and as what, the caller stands whom AdmitPortal let in.
func (s *Store) PortalSession(ctx context.Context) *contactv1.PortalSession {
	session := &contactv1.PortalSession{Name: "portalSession", Roles: roleKinds(portal.Roles(ctx))}
	for i, id := range auth.SelfFrom(ctx) {
		if i == 0 {
			session.Contact = named(contacts, id)
			continue
		}
		session.MergedContacts = append(session.MergedContacts, named(contacts, id))
	}
	return session
}

// queueAccess reads what tells whether an access holds: the one that a token of ours
// names, or the one that has the subject of an identity provider's token.
func queueAccess(b *pgx.Batch, caller auth.Caller, found func(*portal.Access)) {
	of, by := "id", any(caller.Access)
	if caller.Access == uuid.Nil {
		of, by = "subject <> '' AND state <> 3 AND subject", strings.TrimPrefix(caller.Subject, "users/")
	}
	b.Queue("SELECT contact, roles, state, expire_time FROM portal_access WHERE tenant = $1 AND "+of+" = $2", caller.Tenant, by).
		Query(func(rows pgx.Rows) error {
			a := &portal.Access{}
			_, err := pgx.ForEachRow(rows, []any{&a.Contact, &a.Roles, &a.State, &a.Expire}, func() error {
				found(a)
				return nil
			})
			return err
		})
}

// IssuePortalToken notes that a token is made for an access, and answers what it says and
// until when it is valid. A repeated request is answered what the first was, but for the
// token, which nothing keeps.
func (s *Store) IssuePortalToken(ctx context.Context, tenant uuid.UUID, name string, ttl time.Duration, mint func(auth.Caller, time.Duration) (string, error)) (*contactv1.PortalToken, error) {
	access, err := s.PortalAccesses.ParseName(name)
	if err != nil {
		return nil, err
	}
	answer, err := s.noteToken(ctx, tenant, name, ttl)
	if err != nil {
		return nil, err
	}
	left := answer.GetExpireTime().AsTime().Sub(s.Now())
	if left <= 0 {
		return nil, errTokenExpired
	}
	id, err := s.Contacts.ParseName(answer.GetContact())
	if err != nil {
		return nil, errs.Internal(err)
	}
	answer.Token, err = mint(auth.Caller{
		Tenant: tenant, Subject: name, Roles: []auth.Role{auth.Portal}, Contact: id, Access: access,
	}, left)
	return answer, err
}

func (s *Store) noteToken(ctx context.Context, tenant uuid.UUID, name string, ttl time.Duration) (*contactv1.PortalToken, error) {
	now := s.Now()
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.PortalToken, error) {
		answer := &contactv1.PortalToken{}
		_, err := s.PortalAccesses.ChangeIn(u, name, func(a *portal.Access) ([]entity.Event, error) {
			c, err := s.survivorIn(u, tenant, a.Contact)
			if err != nil {
				return nil, err
			}
			roles, err := a.Opens(c, now)
			if err != nil {
				return nil, err
			}
			issued := a.Issue(ttl, now)
			answer.Contact, answer.Roles, answer.ExpireTime = named(contacts, c.ID), roleKinds(roles), timestamppb.New(issued.Expire)
			return []entity.Event{issued}, nil
		})
		return answer, err
	})
}

// survivorIn reads the contact in which the merges of one end.
func (s *Store) survivorIn(u *record.Unit, tenant, id uuid.UUID) (*contact.Contact, error) {
	survivor := id
	err := u.Read(func(b *pgx.Batch) {
		b.Queue("SELECT (contact_family($1, $2))[1]", tenant, id).QueryRow(func(row pgx.Row) error { return row.Scan(&survivor) })
	})
	if err != nil {
		return nil, err
	}
	return s.Contacts.GetIn(u, named(contacts, survivor))
}

// selfContact reaches the contacts that a portal caller stands for, those that were merged
// too: they say into which.
var selfContact = &record.Self[contact.Contact]{
	Sees: func(ctx context.Context, c *contact.Contact) bool {
		return slices.Contains(auth.SelfFrom(ctx), c.ID)
	},
	Where: func(ctx context.Context) []postgres.Cond {
		return []postgres.Cond{postgres.In("id", auth.SelfFrom(ctx))}
	},
}

// selfPublication reaches what is published for one of the roles that a portal caller
// comes in as.
func selfPublication(now func() time.Time) *record.Self[investor.Publication] {
	return &record.Self[investor.Publication]{
		Sees: func(ctx context.Context, p *investor.Publication) bool {
			return !p.Deleted() && p.PublishTime != nil && !now().Before(*p.PublishTime) && slices.Contains(portal.Roles(ctx), p.Audience)
		},
		Where: func(ctx context.Context) []postgres.Cond {
			audiences := []int16{}
			for _, role := range portal.Roles(ctx) {
				audiences = append(audiences, int16(role))
			}
			return []postgres.Cond{postgres.In("audience", audiences), postgres.Until("publish_time", now())}
		},
	}
}
