package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
)

// CreateRelationship binds two contacts, after the rule has seen the type and
// both of them. The id is the one an offline client brought, or empty.
func (s *Store) CreateRelationship(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.Relationship) (*contactv1.Relationship, error) {
	r := &fields.Reader{}
	row := &relationship.Relationship{Meta: entity.Meta{ID: r.ID("relationship_id", id)}}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := fillRelationship(row, p); err != nil {
		return nil, err
	}
	rules, err := s.Relationships.CustomRules(ctx, tenant)
	if err != nil {
		return nil, err
	}
	if err := s.Relationships.CheckNew(rules, row); err != nil {
		return nil, err
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.Relationship, error) {
		if err := s.begin(u, row); err != nil {
			return nil, err
		}
		if err := s.Relationships.AddIn(u, row); err != nil {
			return nil, err
		}
		return relationshipProto(row), nil
	})
}

func (s *Store) begin(u *record.Unit, row *relationship.Relationship) error {
	kindRead := s.RelationshipTypes.QueueGetIn(u, named(relationshipTypes, row.Type))
	fromRead := s.Contacts.QueueGetIn(u, named(contacts, row.From))
	toRead := s.Contacts.QueueGetIn(u, named(contacts, row.To))
	kind, err := kindRead()
	if err != nil {
		return err
	}
	from, err := fromRead()
	if err != nil {
		return err
	}
	to, err := toRead()
	if err != nil {
		return err
	}
	return row.Begin(kind, from, to, s.Now())
}

// WithContact limits a list of relationships to those that have the contact, or one
// that is one with it, on either side.
func (s *Store) WithContact(ctx context.Context, tenant uuid.UUID, name string) (postgres.Cond, error) {
	family, err := s.familyOf(ctx, tenant, name)
	if err != nil {
		return postgres.Cond{}, err
	}
	return postgres.AnyOf(among("from_contact", family), among("to_contact", family)), nil
}

// OfContact limits a list of interactions or consents to those of the contact and of all
// that are one with it.
func (s *Store) OfContact(ctx context.Context, tenant uuid.UUID, name string) (postgres.Cond, error) {
	family, err := s.familyOf(ctx, tenant, name)
	return among("contact", family), err
}

func (s *Store) familyOf(ctx context.Context, tenant uuid.UUID, name string) ([]uuid.UUID, error) {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return nil, errs.Invalid("contact", "", "must be contacts/{uuid}")
	}
	return s.Family(ctx, tenant, id)
}

// among asks for one of the contacts; of one alone in the way that an index answers in
// order.
func among(column string, family []uuid.UUID) postgres.Cond {
	if len(family) == 1 {
		return postgres.Eq(column, family[0])
	}
	return postgres.In(column, family)
}
