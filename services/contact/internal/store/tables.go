package store

import (
	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/document"
	"github.com/lingkar-crm/lingkar/services/contact/internal/interaction"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
)

// timed are the fields by which every resource may be filtered.
func timed(more ...postgres.Field) []postgres.Field {
	return append(more,
		postgres.Field{Path: "create_time", Type: postgres.Time},
		postgres.Field{Path: "update_time", Type: postgres.Time},
	)
}

// owned are those of resources that a person may own.
func owned(more ...postgres.Field) []postgres.Field {
	return timed(append(more,
		postgres.Field{Path: "owner"},
		postgres.Field{Path: "team"},
		postgres.Field{Path: "source"},
		postgres.Field{Path: "custom_fields", Type: postgres.JSON},
	)...)
}

// contactFamily is the function that answers all contacts that are one with a contact.
const contactFamily = "contact_family"

// What a reference to nothing means.
var noContact = errs.NotFound("contact", "")

var contactTable = postgres.NewTable[contact.Contact](postgres.Def{
	Name: "contact", Kind: "contact", Search: "search_key",
	Fields: owned(
		postgres.Field{Path: "display_name", Column: "name_key", Fold: text.SearchKey},
		postgres.Field{Path: "labels", Type: postgres.IndexedMap},
		postgres.Field{Path: "kind", Type: postgres.Enum, Values: contactv1.ContactKind_value},
		postgres.Field{Path: "region_code"},
		postgres.Field{Path: "language_code"},
		postgres.Field{Path: "customer_id"},
		postgres.Field{Path: "no_third_party_sharing", Type: postgres.Bool},
		postgres.Field{Path: "restrict_time", Type: postgres.Time},
		postgres.Field{Path: "roles", Column: "roles_held", Type: postgres.IndexedMap},
	),
	Orders: [][]string{
		{"create_time"}, {"update_time"}, {"display_name"},
		{"owner", "create_time"}, {"team", "create_time"}, {"kind", "create_time"}, {"region_code", "create_time"},
	},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"contact_erased_check":       errErased,
		"contact_pkey":               errs.AlreadyExists("CONTACT_EXISTS", "a contact of this name exists already"),
		"identifier_card_key":        errs.AlreadyExists("CONTACT_CARD_TAKEN", "another contact holds this card"),
		"identifier_device_key":      errs.AlreadyExists("CONTACT_DEVICE_TAKEN", "another contact holds this device"),
		"identifier_external_id_key": errExternalIDTaken,
		certainDuplicate:             errDuplicate,
		uncomparedContact:            errUncompared,
		customfield.ValueTaken:       customfield.Taken,
	},
})

var errErased = errs.Refused("CONTACT_ERASED", "the contact was erased")

var errExternalIDTaken = errs.AlreadyExists("CONTACT_EXTERNAL_ID_TAKEN", "another contact holds this external id")

var relationshipTypeTable = postgres.NewTable[relationship.Type](postgres.Def{
	Name: "relationship_type", Kind: "relationship type",
	Fields: timed(
		postgres.Field{Path: "forward_name", Column: "name_key", Fold: text.Key},
		postgres.Field{Path: "inactive", Type: postgres.Bool},
		postgres.Field{Path: "labels", Type: postgres.Map},
	),
	Orders:       [][]string{{"create_time"}, {"update_time"}, {"forward_name"}},
	DefaultOrder: "forward_name",
	Constraints: map[string]*errs.Error{
		"relationship_type_pkey":     errs.AlreadyExists("RELATIONSHIP_TYPE_EXISTS", "a relationship type of this name exists already"),
		"relationship_type_name_key": errs.AlreadyExists("RELATIONSHIP_TYPE_NAME_TAKEN", "another relationship type has this forward name"),
	},
})

var relationshipTable = postgres.NewTable[relationship.Relationship](postgres.Def{
	Name: "relationship", Kind: "relationship",
	Fields: owned(
		postgres.Field{Path: "type", Type: postgres.UUID},
		postgres.Field{Path: "from_contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "to_contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "start_time", Type: postgres.Time},
		postgres.Field{Path: "end_time", Type: postgres.Time},
		postgres.Field{Path: "labels", Type: postgres.Map},
	),
	Orders: [][]string{
		{"create_time"}, {"update_time"},
		{"from_contact", "create_time"}, {"to_contact", "create_time"}, {"type", "create_time"},
	},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"relationship_pkey":      errs.AlreadyExists("RELATIONSHIP_EXISTS", "a relationship of this name exists already"),
		"relationship_open_key":  errs.AlreadyExists("RELATIONSHIP_ALREADY_HELD", "these contacts have a relationship of this type that has not ended"),
		"relationship_from_fkey": noContact,
		"contact_erased":         errErased,
		"relationship_to_fkey":   noContact,
		"relationship_type_fkey": errs.NotFound("relationship type", ""),
		customfield.ValueTaken:   customfield.Taken,
	},
})

var interactionTable = postgres.NewTable[interaction.Interaction](postgres.Def{
	Name: "interaction", Kind: "interaction",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
		postgres.Field{Path: "direction", Type: postgres.Enum, Values: eventv1.Direction_value},
		postgres.Field{Path: "kind", Type: postgres.Enum, Values: contactv1.InteractionKind_value},
		postgres.Field{Path: "conversation"},
		postgres.Field{Path: "labels", Type: postgres.Map},
		postgres.Field{Path: "source"},
		postgres.Field{Path: "occurred_at", Type: postgres.Time},
	),
	Orders:       [][]string{{"occurred_at"}, {"contact", "occurred_at"}, {"conversation", "occurred_at"}},
	DefaultOrder: "occurred_at desc",
	Constraints: map[string]*errs.Error{
		"interaction_pkey":         errs.AlreadyExists("INTERACTION_EXISTS", "an interaction of this name exists already"),
		"interaction_contact_fkey": noContact,
		"contact_erased":           errErased,
	},
})

var documentTable = postgres.NewTable[document.Document](postgres.Def{
	Name: "document", Kind: "document",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
		postgres.Field{Path: "direction", Type: postgres.Enum, Values: eventv1.Direction_value},
		postgres.Field{Path: "media_type"},
		postgres.Field{Path: "occurred_at", Type: postgres.Time},
	),
	Orders:       [][]string{{"occurred_at"}, {"create_time"}, {"update_time"}, {"contact", "occurred_at"}},
	DefaultOrder: "occurred_at desc",
	Constraints: map[string]*errs.Error{
		"document_contact_fkey":    noContact,
		"document_file_fkey":       errFileGone,
		"document_chunk_file_fkey": errFileGone,
		"contact_erased":           errErased,
	},
})

var consentTable = postgres.NewTable[consent.Entry](postgres.Def{
	Name: "consent", Kind: "consent",
	Fields: timed(
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: contactFamily},
		postgres.Field{Path: "purpose"},
		postgres.Field{Path: "channel", Type: postgres.Enum, Values: eventv1.Channel_value},
		postgres.Field{Path: "state", Type: postgres.Enum, Values: contactv1.ConsentState_value},
		postgres.Field{Path: "occurred_at", Type: postgres.Time},
	),
	Orders:       [][]string{{"occurred_at"}, {"contact", "occurred_at"}},
	DefaultOrder: "occurred_at desc",
	Constraints: map[string]*errs.Error{
		"consent_pkey":         errs.AlreadyExists("CONSENT_EXISTS", "an entry of this name exists already"),
		"consent_contact_fkey": noContact,
		"contact_erased":       errErased,
	},
})
