package store

import (
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
)

// contactProto words a contact as callers and events get it.
func contactProto(c *contact.Contact) *contactv1.Contact {
	p := &contactv1.Contact{
		Name:                named(contacts, c.ID),
		CustomerId:          c.CustomerID,
		Kind:                contactv1.ContactKind(c.Kind),
		DisplayName:         c.DisplayName,
		GivenName:           c.GivenName,
		FamilyName:          c.FamilyName,
		OrganisationName:    c.OrganisationName,
		JobTitle:            c.JobTitle,
		Birthday:            birthdayProto(c.Birthday),
		LanguageCode:        c.LanguageCode,
		RegionCode:          c.RegionCode,
		Note:                c.Note,
		NoThirdPartySharing: c.NoThirdPartySharing,
		Owner:               c.Owner,
		Team:                c.Team,
		Source:              c.Source,
		ExternalIds:         maps.Clone(c.ExternalIDs),
		Labels:              maps.Clone(c.Labels),
		CustomFields:        fields.Struct(c.CustomFields),
		CreateTime:          timestamppb.New(c.CreateTime),
		UpdateTime:          timestamppb.New(c.UpdateTime),
		DeleteTime:          fields.Timestamp(c.DeleteTime),
		Etag:                c.Etag(),
		AllowedActions:      c.AllowedActions(),
		MergedInto:          fields.Name(contacts, c.MergedInto),
		Anonymous:           c.Anonymous(),
		RestrictTime:        fields.Timestamp(c.RestrictTime),
		EraseTime:           fields.Timestamp(c.EraseTime),
	}
	for _, i := range c.Identifiers {
		p.Identifiers = append(p.Identifiers, &contactv1.Identifier{
			Kind: contactv1.IdentifierKind(i.Kind), Value: i.Value, Label: i.Label,
			Extension: i.Extension, Primary: i.Primary, Flags: i.Flags,
		})
	}
	for _, a := range c.Addresses {
		p.Addresses = append(p.Addresses, &contactv1.Address{
			Label: a.Label, Lines: a.Lines, Locality: a.Locality, AdministrativeArea: a.AdministrativeArea,
			PostalCode: a.PostalCode, RegionCode: a.RegionCode, Country: a.Country,
		})
	}
	if r := c.Preference; r != nil {
		p.Preference = &contactv1.ContactPreference{
			Channel: eventv1.Channel(r.Channel), Hours: r.Hours, TimeZone: r.TimeZone, Place: r.Place,
		}
	}
	for _, r := range c.Roles {
		p.Roles = append(p.Roles, roleProto(r))
	}
	return p
}

func roleProto(r contact.Role) *contactv1.Role {
	return &contactv1.Role{
		Kind: contactv1.RoleKind(r.Kind), StartTime: timestamppb.New(r.Start), EndTime: fields.Timestamp(r.End), Details: fields.Struct(r.Details),
		Employee: employeeProto(r.Employee),
	}
}

// Role reads a role of a request; in is its place there.
func Role(in string, p *contactv1.Role) (contact.Role, error) {
	r := &fields.Reader{In: in}
	role := readRole(r, "", p)
	return role, r.Err()
}

// readRole reads a role whose fields the reader names with the prefix.
func readRole(r *fields.Reader, prefix string, p *contactv1.Role) contact.Role {
	if p.GetEmployee() != nil && p.GetKind() != contactv1.RoleKind_ROLE_KIND_EMPLOYEE {
		r.Fail(prefix+"employee", "", "belongs to the role EMPLOYEE alone")
	}
	return contact.Role{
		Kind: contact.RoleKind(p.GetKind()), Start: r.Time(prefix+"start_time", p.GetStartTime()),
		End: until(r, prefix+"end_time", p.GetEndTime()), Details: r.Object(prefix+"details", p.GetDetails()),
		Employee: readEmployee(r, prefix+"employee", p.GetEmployee()),
	}
}

// contactEvent words what happened to a contact. The resource in it is the state
// afterwards, without what only concerns the caller.
func contactEvent(c *contact.Contact, e entity.Event) eventlog.Draft {
	state := contactProto(c)
	state.AllowedActions = nil
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.ContactCreated{Contact: state}
	case entity.Updated:
		payload = &contactv1.ContactUpdated{Contact: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.ContactDeleted{Contact: state}
	case entity.Undeleted:
		payload = &contactv1.ContactUndeleted{Contact: state}
	case contact.Claimed:
		payload = &contactv1.ContactClaimed{Contact: state}
	case contact.Merged:
		payload = &contactv1.ContactMerged{Contact: state, Survivor: named(contacts, e.Survivor), Merge: named(contactMerges, e.Merge)}
		return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{c.ID, e.Survivor}}
	case contact.Unmerged:
		payload = &contactv1.ContactUnmerged{Contact: state, Survivor: named(contacts, e.Survivor), Merge: named(contactMerges, e.Merge)}
		return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{c.ID, e.Survivor}}
	case contact.RoleAssigned:
		payload = &contactv1.RoleAssigned{Contact: state, Role: roleProto(e.Role)}
	case contact.RoleRevised:
		payload = &contactv1.RoleRevised{Contact: state, Role: roleProto(e.Role), Paths: e.Paths}
	case contact.RoleEnded:
		payload = &contactv1.RoleEnded{Contact: state, Role: roleProto(e.Role)}
	case contact.Erased:
		state.DisplayName = "" // there is no key any more to seal it under
		payload = &contactv1.ContactErased{Contact: state, Reason: contactv1.ErasureReason(e.Reason)}
	case quality.Verified:
		payload = &contactv1.FieldVerified{Contact: state, Verification: verificationProto(state.GetName(), e)}
	case contact.Restricted:
		payload = &contactv1.ContactRestricted{Contact: state}
	case contact.RestrictionLifted:
		payload = &contactv1.ContactRestrictionLifted{Contact: state}
	default:
		panic(fmt.Sprintf("store: no event of a contact is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{c.ID}}
}

// readRoles reads the roles with which a contact begins. One without a start
// begins now.
func readRoles(r *fields.Reader, list []*contactv1.Role, now time.Time) []contact.Role {
	roles := make([]contact.Role, len(list))
	for i, p := range list {
		roles[i] = readRole(r, fmt.Sprintf("roles[%d].", i), p)
		if roles[i].Start.IsZero() {
			roles[i].Start = now
		}
	}
	return roles
}
