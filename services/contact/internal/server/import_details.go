package server

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/lingkar-crm/lingkar/pkg/bulk"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// readDetails reads what a file of Lingkar says of a contact beside its columns, as
// JSON: what no single cell can hold. Identifiers and addresses that stand only in a
// column are added, so that a person can write some into the file.
func readDetails(row bulk.Row, c *contactv1.Contact) error {
	cell := row.First(fieldDetails)
	if cell == "" {
		return nil
	}
	d := &contactv1.Contact{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(cell), d); err != nil {
		return errs.Invalid(fieldDetails, "DETAILS_INVALID", "want JSON as Lingkar exports it")
	}
	if d.GetKind() != contactv1.ContactKind_CONTACT_KIND_UNSPECIFIED {
		c.Kind = d.GetKind()
	}
	c.DisplayName = firstOf(row.First("display_name"), c.GetDisplayName())
	c.OrganisationName = row.First(fieldCompany)
	c.Identifiers = addUnsaid(d.GetIdentifiers(), c.GetIdentifiers())
	if len(d.GetAddresses()) > 0 {
		c.Addresses = d.GetAddresses()
	}
	c.Roles, c.Preference, c.NoThirdPartySharing = d.GetRoles(), d.GetPreference(), d.GetNoThirdPartySharing()
	c.RegionCode, c.Owner, c.Team, c.Source = d.GetRegionCode(), d.GetOwner(), d.GetTeam(), d.GetSource()
	c.CustomFields = d.GetCustomFields()
	maps.Copy(c.Labels, d.GetLabels())
	maps.Copy(c.ExternalIds, d.GetExternalIds())
	return nil
}

// addUnsaid adds the identifiers of the columns that the details do not have.
func addUnsaid(details, columns []*contactv1.Identifier) []*contactv1.Identifier {
	for _, id := range columns {
		same := func(said *contactv1.Identifier) bool {
			return said.GetKind() == id.GetKind() && text.Key(said.GetValue()) == text.Key(id.GetValue())
		}
		if !slices.ContainsFunc(details, same) {
			details = append(details, id)
		}
	}
	return details
}
