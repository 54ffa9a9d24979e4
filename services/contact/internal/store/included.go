package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/interaction"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
)

// The most that is included of each relation with one contact, or counted, and with how
// many contacts of one answer.
const (
	maxRelated      = 20
	maxInteractions = 5
	maxConsents     = 50
	maxDocuments    = 1000
	MaxIncluding    = 200
)

// Scopes answers, of a relation, a context that has the record scope in which the caller
// reads it; false where it may not.
type Scopes func(relation contactv1.ContactRelation) (context.Context, bool)

// including gathers what is included with contacts.
type including struct {
	store         *Store
	ids           []uuid.UUID
	relations     map[uuid.UUID]*contactv1.ContactRelations
	relationships map[uuid.UUID][]seen
	entries       map[uuid.UUID]int
}

// seen is a relationship as it is seen from one of its contacts.
type seen struct {
	*relationship.Relationship
	from uuid.UUID
}

// Include puts what is asked for into the contacts, in one statement for each relation and
// two more for the other contacts and the types of relationships: two round trips, however
// many contacts there are. Who may get other contacts is said by ctx.
func (s *Store) Include(ctx context.Context, tenant uuid.UUID, list []*contactv1.Contact, relations []contactv1.ContactRelation, scopes Scopes) error {
	if len(list) == 0 || len(relations) == 0 {
		return nil
	}
	in := &including{
		store: s, relations: map[uuid.UUID]*contactv1.ContactRelations{},
		relationships: map[uuid.UUID][]seen{}, entries: map[uuid.UUID]int{},
	}
	for _, c := range list {
		id, err := s.Contacts.ParseName(c.GetName())
		if err != nil {
			return err
		}
		if in.relations[id] == nil {
			in.ids, in.relations[id] = append(in.ids, id), &contactv1.ContactRelations{}
		}
		c.Included = in.relations[id]
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	for _, relation := range relations {
		if scoped, may := scopes(relation); may {
			in.queue(b, tenant, relation, record.Scope(scoped))
		}
	}
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return err
	}
	return in.relate(ctx, tenant)
}

// queue asks for one relation.
func (in *including) queue(b *pgx.Batch, tenant uuid.UUID, relation contactv1.ContactRelation, scope []postgres.Cond) {
	of := func(limit int, newest string, columns ...string) postgres.Children {
		return postgres.Children{Parents: in.ids, Columns: columns, Family: contactFamily, Newest: newest, Limit: limit, Where: scope}
	}
	switch relation {
	case contactv1.ContactRelation_CONTACT_RELATION_RELATIONSHIPS:
		relationshipTable.QueueChildren(b, tenant, of(maxRelated+1, "create_time", "from_contact", "to_contact"), in.relationship)
	case contactv1.ContactRelation_CONTACT_RELATION_INTERACTIONS:
		interactionTable.QueueChildren(b, tenant, of(maxInteractions+1, "occurred_at", "contact"), in.interaction)
	case contactv1.ContactRelation_CONTACT_RELATION_CONSENTS:
		consentTable.QueueChildren(b, tenant, of(maxConsents+1, "occurred_at", "contact"), in.consent)
	case contactv1.ContactRelation_CONTACT_RELATION_DOCUMENTS:
		documentTable.QueueCountChildren(b, tenant, of(maxDocuments, "", "contact"), func(of uuid.UUID, n int32) { in.relations[of].DocumentCount = n })
	}
}

func (in *including) relationship(of, through uuid.UUID, r *relationship.Relationship) {
	there := in.relationships[of]
	if in.relations[of].RelationshipsTruncated = len(there) == maxRelated; len(there) < maxRelated {
		in.relationships[of] = append(there, seen{r, through})
	}
}

func (in *including) interaction(of, _ uuid.UUID, i *interaction.Interaction) {
	r := in.relations[of]
	if r.InteractionsTruncated = len(r.Interactions) == maxInteractions; r.InteractionsTruncated {
		return
	}
	m := interactionProto(i)
	m.Body = ""
	r.Interactions = append(r.Interactions, m)
}

// consent takes the entry in, where none that is later speaks of the same.
func (in *including) consent(of, _ uuid.UUID, e *consent.Entry) {
	r := in.relations[of]
	if r.ConsentsTruncated = in.entries[of] == maxConsents; r.ConsentsTruncated {
		return
	}
	in.entries[of]++
	m := consentProto(e)
	said := func(t *contactv1.Consent) bool {
		return t.GetPurpose() == m.GetPurpose() && t.GetChannel() == m.GetChannel()
	}
	if !slices.ContainsFunc(r.Consents, said) {
		r.Consents = append(r.Consents, m)
	}
}

// relate words the relationships, with the other contacts and the types.
func (in *including) relate(ctx context.Context, tenant uuid.UUID) error {
	var contactIDs, typeIDs []uuid.UUID
	for _, list := range in.relationships {
		for _, r := range list {
			contactIDs, typeIDs = append(contactIDs, r.From, r.To), append(typeIDs, r.Type)
		}
	}
	if len(typeIDs) == 0 {
		return nil
	}
	others, types := map[uuid.UUID]*contact.Contact{}, map[uuid.UUID]*relationship.Type{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	contactTable.QueueGetAll(b, tenant, distinct(contactIDs), func(c *contact.Contact) { others[c.ID] = c })
	relationshipTypeTable.QueueGetAll(b, tenant, distinct(typeIDs), func(t *relationship.Type) { types[t.ID] = t })
	if err := postgres.Run(ctx, in.store.db, b); err != nil {
		return err
	}
	for of, list := range in.relationships {
		for _, r := range list {
			in.relations[of].Relationships = append(in.relations[of].Relationships, in.related(ctx, r, others, types[r.Type]))
		}
	}
	return nil
}

// related words a relationship, with the other contact where the caller may get it.
func (in *including) related(ctx context.Context, r seen, others map[uuid.UUID]*contact.Contact, t *relationship.Type) *contactv1.RelatedContact {
	m := &contactv1.RelatedContact{
		Relationship: named(relationships, r.ID), Type: named(relationshipTypes, r.Type), Role: r.Role,
		StartTime: timestamppb.New(r.Start), EndTime: fields.Timestamp(r.End), Label: t.ReverseName,
	}
	other := others[r.From]
	if r.From == r.from {
		other, m.Label = others[r.To], t.ForwardName
	}
	if in.store.Contacts.Visible(ctx, other) {
		m.Contact = &contactv1.ContactSummary{
			Name: named(contacts, other.ID), DisplayName: other.DisplayName, Kind: contactv1.ContactKind(other.Kind),
			CustomerId: other.CustomerID, DeleteTime: fields.Timestamp(other.DeleteTime),
		}
	}
	return m
}

// distinct answers each id once.
func distinct(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}
