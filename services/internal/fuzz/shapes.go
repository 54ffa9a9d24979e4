package fuzz

import (
	"google.golang.org/protobuf/proto"

	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// shape mends a message whose fields must agree with each other in a way that only
// the words of the contract tell. Without it some RPCs would be refused always, and
// the code behind would not be reached.
func shape(m proto.Message, area string) {
	switch m := m.(type) {
	case *salesv1.Pipeline:
		m.Stages = []*salesv1.Stage{
			{Id: "new", DisplayName: "New", Kind: salesv1.StageKind_STAGE_KIND_OPEN, Probability: 10},
			{Id: "offer", DisplayName: "Offer", Kind: salesv1.StageKind_STAGE_KIND_OPEN, Probability: 60},
			{Id: "won", DisplayName: "Won", Kind: salesv1.StageKind_STAGE_KIND_WON, Probability: 100},
			{Id: "lost", DisplayName: "Lost", Kind: salesv1.StageKind_STAGE_KIND_LOST},
		}
	case *salesv1.LineItem:
		if m.GetProduct() != "" {
			m.ProductCode = ""
		}
	case *salesv1.Purchase:
		m.Lines = nil
	case *salesv1.Product:
		m.Active = proto.Bool(true)
	case *salesv1.Opportunity:
		m.Pipeline, m.Stage = "", ""
	case *bulkv1.Import:
		m.Kind, m.Columns, m.Encoding, m.HeaderLine = "leads", nil, "", 0
		if area == "contact" {
			m.Kind = "contacts"
		}
	case *platformv1.ApiKey:
		m.Roles = []string{"roles/sales"}
	case *campaignv1.Segment:
		m.Filter, m.Contacts = "kind = CONTACT_KIND_PERSON", nil
	case *contactv1.Contact:
		m.Kind, m.GivenName, m.FamilyName = contactv1.ContactKind_CONTACT_KIND_PERSON, m.GetGivenName()+"Ani", ""
		m.Roles, m.LanguageCode = nil, "id"
	case *contactv1.CustomField:
		// A field that others would have to fill in would make most of their calls fail.
		m.Type, m.Options, m.Kinds, m.DisplayNames = contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_TEXT, nil, nil, map[string]string{"en": "Field"}
		m.Required, m.DefaultValue, m.Minimum, m.Maximum, m.Pattern, m.MaxLength, m.Unique, m.Searchable = false, "", "", "", "", 0, false, false
	case *contactv1.CustomFieldPolicy:
		m.UnknownKeys = contactv1.UnknownKeys_UNKNOWN_KEYS_OPEN
	case *contactv1.Relationship:
		m.EndTime = nil
	case *contactv1.Identifier:
		m.Kind, m.Value, m.Primary = contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, "ani@example.com", false
	}
}
