// Package store keeps contacts and all that hangs on them in PostgreSQL: all SQL
// of the service, and the wording of its resources and events.
//
// It promises one round trip for creating a contact and for recording an
// interaction or a consent, that a unique identifier belongs to one living
// contact of a tenant, and that what search finds is the tenant's own.
package store

import (
	"context"
	"embed"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/disclosure"
	"github.com/lingkar-crm/lingkar/services/contact/internal/document"
	"github.com/lingkar-crm/lingkar/services/contact/internal/employee"
	"github.com/lingkar-crm/lingkar/services/contact/internal/fact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
	"github.com/lingkar-crm/lingkar/services/contact/internal/interaction"
	"github.com/lingkar-crm/lingkar/services/contact/internal/investor"
	"github.com/lingkar-crm/lingkar/services/contact/internal/legalhold"
	"github.com/lingkar-crm/lingkar/services/contact/internal/portal"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
)

// Migrations make the tables of the service's database.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Store keeps the resources of the service. The standard methods are those of its
// fields; creating a contact goes through CreateContact.
type Store struct {
	Contacts          *record.Store[contact.Contact, *contactv1.Contact]
	RelationshipTypes *record.Store[relationship.Type, *contactv1.RelationshipType]
	Relationships     *record.Store[relationship.Relationship, *contactv1.Relationship]
	Interactions      *record.Store[interaction.Interaction, *contactv1.Interaction]
	Documents         *record.Store[document.Document, *contactv1.Document]
	Consents          *record.Store[consent.Entry, *contactv1.Consent]
	Purposes          *record.Store[consent.Purpose, *contactv1.Purpose]
	Recipients        *record.Store[disclosure.Recipient, *contactv1.Recipient]
	Policies          *record.Store[identity.Policy, *contactv1.IdentityPolicy]
	Merges            *record.Store[identity.Merge, *contactv1.ContactMerge]
	LegalHolds        *record.Store[legalhold.Hold, *contactv1.LegalHold]
	EmployeeRecords   *record.Store[employee.Record, *contactv1.EmployeeRecord]
	CustomFields      *customfield.Store[*contactv1.CustomField]
	CustomPolicies    *record.Store[customfield.Policy, *contactv1.CustomFieldPolicy]
	Facts             *record.Store[fact.Fact, *contactv1.Fact]
	Publications      *record.Store[investor.Publication, *contactv1.Publication]

	InformationRequests *record.Store[investor.Request, *contactv1.InformationRequest]
	PortalAccesses      *record.Store[portal.Access, *contactv1.PortalAccess]
	QualityPolicies     *record.Store[quality.Policy, *contactv1.QualityPolicy]
	// UsedByRules answers the fields of contacts that a tenant's rules in force read. It
	// may be nil.
	UsedByRules func(ctx context.Context, tenant uuid.UUID) ([]string, error)

	// Panel answers the rules of a tenant that are asked about duplicates or survivorship.
	// It may be nil.
	Panel func(ctx context.Context, tenant uuid.UUID, kind string) (*rules.Panel, error)

	db      *postgres.DB
	log     *eventlog.Log
	keys    *keystore.Store
	numbers numbers
}

// New makes the store of the service's database.
func New(db *postgres.DB, log *eventlog.Log, keys *keystore.Store) *Store {
	s := &Store{db: db, log: log, keys: keys, numbers: numbers{db: db}}
	s.CustomFields, s.CustomPolicies = customFieldStore(db, log), customPolicyStore(db, log)
	s.Contacts = &record.Store[contact.Contact, *contactv1.Contact]{
		DB: db, Log: log, Table: contactTable, Kind: "contact", Collection: contacts,
		Meta:     func(c *contact.Contact) *entity.Meta { return &c.Meta },
		Contacts: func(c *contact.Contact) []uuid.UUID { return []uuid.UUID{c.ID} },
		Proto:    contactProto, Fill: s.fillContact, Event: contactEvent, Extra: writeBeside, Gone: (*contact.Contact).RefuseMerged,
		Self:   selfContact,
		Custom: s.CustomFields.Schemas.Rules(contacts), CustomKind: func(c *contact.Contact) int32 { return int32(c.Kind) },
	}
	s.RelationshipTypes = &record.Store[relationship.Type, *contactv1.RelationshipType]{
		DB: db, Log: log, Table: relationshipTypeTable, Kind: "relationship type", Collection: relationshipTypes,
		Meta:  func(t *relationship.Type) *entity.Meta { return &t.Meta },
		Proto: typeProto, Fill: fillType, Event: typeEvent,
	}
	s.Relationships = &record.Store[relationship.Relationship, *contactv1.Relationship]{
		DB: db, Log: log, Table: relationshipTable, Kind: "relationship", Collection: relationships,
		Meta:     func(r *relationship.Relationship) *entity.Meta { return &r.Meta },
		Contacts: func(r *relationship.Relationship) []uuid.UUID { return []uuid.UUID{r.From, r.To} },
		Proto:    relationshipProto, Fill: fillRelationship, Event: relationshipEvent,
		Custom: s.CustomFields.Schemas.Rules(relationships),
	}
	s.Documents = &record.Store[document.Document, *contactv1.Document]{
		DB: db, Log: log, Table: documentTable, Kind: "document", Collection: documents,
		Meta:     func(d *document.Document) *entity.Meta { return &d.Meta },
		Contacts: func(d *document.Document) []uuid.UUID { return []uuid.UUID{d.Contact} },
		Proto:    documentProto, Fill: fillDocument, Event: documentEvent, Extra: writeFile,
	}
	s.Interactions = &record.Store[interaction.Interaction, *contactv1.Interaction]{
		DB: db, Log: log, Table: interactionTable, Kind: "interaction", Collection: interactions,
		Meta:     func(i *interaction.Interaction) *entity.Meta { return &i.Meta },
		Contacts: func(i *interaction.Interaction) []uuid.UUID { return []uuid.UUID{i.Contact} },
		Proto:    interactionProto, Fill: fillInteraction, Event: interactionEvent, Extra: writeDocument,
	}
	s.Consents = &record.Store[consent.Entry, *contactv1.Consent]{
		DB: db, Log: log, Table: consentTable, Kind: "consent", Collection: consents,
		Meta:     func(e *consent.Entry) *entity.Meta { return &e.Meta },
		Contacts: func(e *consent.Entry) []uuid.UUID { return []uuid.UUID{e.Contact} },
		Proto:    consentProto, Fill: fillConsent, Event: consentEvent,
		Self: record.OfContact("contact", func(e *consent.Entry) (uuid.UUID, bool) { return e.Contact, e.Deleted() }),
	}
	s.Purposes, s.Recipients, s.LegalHolds = purposeStore(db, log), recipientStore(db, log), legalHoldStore(db, log)
	s.Policies, s.Merges = policyStore(db, log), mergeStore(db, log)
	s.EmployeeRecords, s.Facts = employeeRecordStore(db, log), factStore(db, log)
	s.Publications, s.InformationRequests = publicationStore(db, log), informationRequestStore(db, log)
	s.QualityPolicies, s.PortalAccesses = qualityPolicyStore(db, log), portalAccessStore(db, log)
	return s
}

// Now is the clock's time, as precise as the database keeps it.
func (s *Store) Now() time.Time { return s.log.Now().UTC().Truncate(time.Microsecond) }

// DB is the service's database, which makes the tokens of lists and changes.
func (s *Store) DB() *postgres.DB { return s.db }
